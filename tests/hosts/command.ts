/** Programs of this host that a machine takes. @module */

import { Refusal } from "./refusal.ts";

/** Runs a program to its end; what it printed, or a refusal with its last words. */
export async function must(what: string, program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  const lines = `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`.trim().split("\n");
  const errors = lines.filter((line) => line.startsWith("E: ")); // as apt and its kin mark them
  throw new Refusal(`${what}: ${program}: ${errors.slice(0, 2).join(" | ") || lines.at(-1)}`);
}

/** The words as sh reads them. */
export function quote(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** A folder of its own that goes, with all in it, at the end of its scope. */
export class ScratchFolder implements Disposable {
  /** Where it is. */
  readonly path: string;

  /** Makes it: in another one, or where such folders are. */
  constructor(dir?: string) {
    this.path = Deno.makeTempDirSync({
      prefix: "hull-host-",
      ...(dir === undefined ? {} : { dir }),
    });
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
