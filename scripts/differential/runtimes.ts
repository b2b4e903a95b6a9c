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

/** The runtimes that hull can be compared with: each has its own list of known differences. */
export type Peer = "crun" | "runc";

/** Which of them a program is, by what it says of itself; what says nothing else counts as runc. */
export function peerOf(program: string): Peer {
  const { stdout } = new Deno.Command(program, { args: ["--version"], stdin: "null" }).outputSync();
  return /^crun\b/.test(new TextDecoder().decode(stdout)) ? "crun" : "runc";
}

/** hull's two ways, and what they are compared with. */
export function runtimes(
  hull: string,
  reference: string,
  peer: Peer,
): readonly [reference: Runtime, ...others: Runtime[]] {
  return [
    { name: peer, words: [reference], run: [] },
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
