/**
 * One process of a task, as containerd knows it: made, perhaps started, ended.
 *
 * @module
 */

import { StatusError } from "../../ttrpc/messages.ts";
import type { StreamNames } from "../streams/targets.ts";
import type { TaskStreams } from "../streams/task_streams.ts";

/** How a process ended. */
export interface Exit {
  /** Its exit code, or 128 and the signal's number. */
  readonly status: number;
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
}

/** What is said where nobody knows how a process ended. */
export const UNKNOWN_STATUS = 255;

/** A process. */
export class TaskProcess {
  /** Its number on the host; 0 before it is started. */
  pid = 0;
  /** Its streams, while it has any. */
  streams: TaskStreams | undefined;
  readonly #ended = Promise.withResolvers<Exit>();
  #exit: Exit | undefined;

  /** @param execId empty for a container's first process */
  constructor(readonly execId: string, readonly names: StreamNames) {}

  /** How it ended; undefined before that. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Waits for its end. */
  get ended(): Promise<Exit> {
    return this.#ended.promise;
  }

  /** Notes how it ended. */
  end(exit: Exit): void {
    this.#exit ??= exit;
    this.#ended.resolve(exit);
  }

  /** Whether it was started and has not ended. */
  get isRunning(): boolean {
    return this.pid !== 0 && this.#exit === undefined;
  }

  /**
   * Refuses what is only possible for a process that runs.
   *
   * @throws {StatusError}
   */
  requireRunning(): void {
    if (this.#exit !== undefined) throw new StatusError("NotFound", "process already finished");
    if (this.pid === 0) throw new StatusError("FailedPrecondition", "process not created");
  }
}
