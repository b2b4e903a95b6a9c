/**
 * Who called hull, and what a command has of it: words, environment, working folder, standard
 * streams. Mostly that is what this program itself was started with; in a resident hull it is
 * another process, for which a command is done.
 *
 * @module
 */

import type { PlainSignal } from "../../container/signals.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import type { RecentStates } from "../../state/recent_states.ts";
import type { Bearer } from "../../process/bearer.ts";
import type { ProcessOptions } from "../../process.ts";

/**
 * A command that only the caller's own process can do; nothing of it has been done yet. A resident
 * hull leaves it to that process.
 */
export class NotHere extends Error {
  override readonly name = "NotHere";
}

/** The flag of a command that a resident hull had begun when it was killed. */
export const LEFT_FLAG = "left-by-resident";

/**
 * How far a command has come: something of it may have been done, or the program of a foreground
 * run runs or has ended.
 */
export type Stage = "begun" | "runs";

/** Something to write to. */
export interface Sink {
  /** Takes some of the bytes, at least one. */
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** Takes the statuses of processes that a container leaves behind, until it is disposed of. */
export interface Reaper extends Disposable {
  /** From now on, but for the one process that is waited for. */
  begin(except: number): void;
}

/** Who called hull. */
export interface Caller {
  /** Whether this program does other callers' commands as well. */
  readonly isOther: boolean;
  /** How far a resident hull came with the command, if it was killed meanwhile. */
  readonly left?: Stage | undefined;
  /** The numbers of children that the caller's process had before that. */
  readonly others?: readonly string[];
  readonly stdin: { isTerminal(): boolean };
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** The process that is the command. */
  readonly identity: ProcessIdentity;
  /** The process that bears what the command starts, if this program does not. */
  readonly bearer: Bearer | undefined;
  /** The standard streams of a process that has the caller's. */
  readonly stdio: Pick<ProcessOptions, "stdin" | "stdout" | "stderr">;
  /** All variables of another process, `NAME=value` each; this program's own if there are none. */
  readonly environment?: readonly string[] | undefined;
  /** The value of a variable; undefined without one. */
  variable(name: string): string | undefined;
  /** What a process gets that has so many of the caller's fds from 3 on. */
  preserved(count: number): Pick<ProcessOptions, "preserveFds" | "extraFiles">;
  /**
   * Makes sure that another caller waits for this program, which may do more from now on than look
   * and have that caller's process do things.
   */
  begin?(): Promise<void>;
  /**
   * Lets another caller's process end with the process that it makes next, by the same code, if
   * nothing is to be said then.
   */
  endWithProcess?(): void;
  /** Has signals that are for the caller's command taken here, once it is awaited. */
  takeSignals(names: readonly Deno.Signal[], take: (name: Deno.Signal) => void): Promise<void>;
  /**
   * Has another caller's process make the one call that is its command, and end by it, if nothing else
   * is to be said.
   *
   * @returns whether there was a process to be signalled
   */
  sendSignal?(signal: PlainSignal): Promise<boolean>;
  /** Tells the caller's process how far its command has come. */
  tellStage(stage: Stage): Promise<void>;
  /** Has the caller's process take over those that a container leaves behind. */
  reapOrphans(): Promise<Reaper | undefined>;
  /** A path as this program reaches it. */
  path(path: string): string;
  /**
   * Reads a file of the caller's.
   *
   * @throws {NotHere} where other callers would have to wait for somebody who writes to it, or what
   *   it says means another thing here
   */
  readText(path: string): string;
  /**
   * A path by which a file is appended to, and made if it is not there, of which it was made sure
   * that no open or write of it waits for somebody, where that would keep other callers waiting.
   *
   * @throws {NotHere} for what is no regular file then
   */
  output(path: string): string;
  /**
   * Whether a command that failed here is the caller's process to do: what it failed by is a bound of
   * this program's, and what it had made is undone. Or it is nobody's: that process is gone.
   */
  leaves?(error: unknown): boolean;
  /** What waits for events, where one thread waits for all callers. */
  readonly poller?: Poller | undefined;
  /** What was read of states for other callers. */
  readonly states?: RecentStates | undefined;
  /** Aborted when the caller's process is gone, if it is another's. */
  readonly gone?: AbortSignal | undefined;
}

/**
 * Has the caller's process wait from now on ({@linkcode Caller.begin}), and looks at something
 * meanwhile. What is thrown is thrown when both are over.
 */
export async function whileItBegins<Result>(
  caller: Caller,
  look: () => Promise<Result> | Result,
): Promise<Result> {
  const begun = caller.begin?.();
  begun?.catch(() => {}); // thrown where it is awaited
  try {
    return await look();
  } finally {
    await begun;
  }
}
