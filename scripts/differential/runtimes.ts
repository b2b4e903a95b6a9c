/**
 * The runtimes, and how each is called.
 *
 * @module
 */

import { killNew } from "./processes.ts";

/** How a call ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One of what is compared. */
export interface Runtime {
  /** Its name in a report. */
  readonly name: string;
  /** The program and its words before the command. */
  readonly words: readonly string[];
  /** Words after `run`. */
  readonly run: readonly string[];
}

/** hull's two ways, and what they are compared with. */
export function runtimes(
  hull: string,
  reference: string,
): readonly [reference: Runtime, ...others: Runtime[]] {
  return [
    { name: "runc", words: [reference], run: [] },
    { name: "hull", words: [hull], run: ["--init", "direct"] },
    { name: "hull reexec", words: [hull], run: ["--init", "reexec"] },
  ];
}

/** After so long a call counts as one that never ends, also in a machine that is emulated. */
const PATIENCE_MS = 40_000;

/** Calls a runtime and waits. With one that does not end all that it began is killed, its code is -1. */
export async function call(
  runtime: Runtime,
  root: string,
  args: readonly string[],
  quiet = false,
): Promise<Ended> {
  const [program, ...words] = [...runtime.words, "--root", root, ...args] as [string, ...string[]];
  const stdio = quiet ? "null" : "piped";
  const child = new Deno.Command(program, {
    args: words,
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killNew();
  }, PATIENCE_MS);
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    quiet ? "" : new Response(child.stdout).text(),
    quiet ? "" : new Response(child.stderr).text(),
  ]);
  clearTimeout(timer);
  return { code: late ? -1 : code, stdout, stderr };
}
