/**
 * What can be asked of a program in a sandbox.
 *
 * @module
 */

import type { OutputKind } from "./child_process.ts";

/** What a program is started with. */
export interface SpawnOptions {
  /** Its arguments. */
  readonly args?: readonly string[] | undefined;
  /** Where it runs; by default in the sandbox's home. */
  readonly cwd?: string | URL | undefined;
  /** Whether it gets nothing of the sandbox's environment but PATH and HOME. */
  readonly clearEnv?: boolean | undefined;
  /** What is added to its environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Sends it SIGTERM, and what it has started, too. */
  readonly signal?: AbortSignal | undefined;
  /** Its input; default `piped`: it ends when the stream is closed. */
  readonly stdin?: "piped" | "null" | undefined;
  /** Its output; default `piped`. `inherit` writes it to this program's. */
  readonly stdout?: OutputKind | undefined;
  /** Its error output; default `piped`. */
  readonly stderr?: OutputKind | undefined;
}
