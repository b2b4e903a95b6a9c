/**
 * A further process of a task: added, perhaps started, by this program or by one that was killed.
 *
 * @module
 */

import { type ExitStatus, signalPidfd } from "../../../ffi/processes/process.ts";
import type { ProcessConfig } from "../../config/types/config.ts";
import type { Container } from "../../container.ts";
import { Process } from "../../process.ts";
import { KEEP_END } from "../../process/process_claim.ts";
import { identify, openIdentified, type ProcessIdentity } from "../../state/process_identity.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import { closeTerminal, type KeptTerminal, TaskStreams } from "../streams/task_streams.ts";
import { awaitOrphan } from "./orphan.ts";
import type { FurtherRecord } from "./record.ts";
import { finished, hasEnded } from "./refusals.ts";
import type { TaskHost } from "./task_host.ts";
import { type Exit, TaskProcess } from "./task_process.ts";

/** The process. */
export class FurtherProcess {
  /** What containerd knows of it. */
  readonly process: TaskProcess;
  /** When it was added; undefined of an older build's. */
  readonly addedMs: number | undefined;
  readonly #config: ProcessConfig;
  readonly #host: TaskHost;
  #identity: ProcessIdentity | undefined;
  #handle: Process | undefined;
  #isStarting = false;

  /**
   * Starts nothing yet.
   *
   * @param addedMs when it was added, in milliseconds since 1970
   */
  constructor(
    process: TaskProcess,
    config: ProcessConfig,
    host: TaskHost,
    addedMs: number | undefined,
  ) {
    this.process = process;
    this.addedMs = addedMs;
    this.#config = config;
    this.#host = host;
  }

  /**
   * One that another program has added.
   *
   * @param master its terminal, if it was kept
   * @param onEnd called at its end
   */
  static restore(
    record: FurtherRecord,
    host: TaskHost,
    master: KeptTerminal | undefined,
    onEnd: (exit: Exit) => void,
  ): FurtherProcess {
    const { execId, streams, config, addedMs, identity, exit } = record;
    const process = new TaskProcess(execId, streams);
    const further = new FurtherProcess(process, config, host, addedMs);
    if (identity === undefined) {
      if (master !== undefined) closeTerminal(master); // its start was not finished
      return further;
    }
    further.#identity = identity;
    process.pid = identity.pid;
    if (exit !== undefined) {
      process.end(exit);
      TaskStreams.endLate(streams, host.streamsOf(execId), master).catch(host.warn);
      return further;
    }
    try {
      process.streams = TaskStreams.hold(streams, host.streamsOf(execId), master);
    } catch (error) {
      host.warn(error); // a client that has gone has taken its fifos with it
    }
    awaitOrphan(identity, host.ended, host.poller).then(onEnd).catch(host.warn);
    return further;
  }

  /** What is kept of it. */
  get record(): FurtherRecord {
    const { execId, names, exit } = this.process;
    const identity = this.#identity;
    const { addedMs } = this;
    return { execId, streams: names, config: this.#config, addedMs, identity, exit };
  }

  /** Starts it in its container. Its end is not noticed before it is watched. */
  async start(container: Container, signal: AbortSignal): Promise<void> {
    const { process } = this;
    const { execId, names } = process;
    if (this.#isStarting || process.pid !== 0) {
      throw new StatusError("FailedPrecondition", "process already started");
    }
    this.#isStarting = true;
    try {
      const streams = await TaskStreams.open(names, this.#host.streamsOf(execId));
      const handle = new Process({
        config: this.#config,
        ...streams.options,
        terminal: names.terminal,
        leaveStatus: true,
      });
      try {
        await container.start(handle, { signal });
        streams.started();
      } catch (error) {
        await streams[Symbol.asyncDispose]();
        throw error;
      }
      this.#handle = handle;
      this.#host.ended.forget(handle.pid);
      this.#identity = identify(handle.pid);
      process.streams = streams;
      process.pid = handle.pid;
    } finally {
      this.#isStarting = false;
    }
  }

  /**
   * Waits for the end of one that this program has started.
   *
   * @param onEnd keeps it; if this program is killed before that, the starter is told
   */
  watch(onEnd: (exit: Exit) => void): void {
    const keep = ({ code }: ExitStatus) => onEnd({ status: code, atMs: Date.now() });
    this.#handle?.[KEEP_END](keep).catch(this.#host.warn);
  }

  /**
   * Sends it a signal.
   *
   * @throws {StatusError} `NotFound` if it has ended
   */
  signal(signal: number): void {
    this.process.requireRunning();
    try {
      if (this.#handle !== undefined) return this.#handle.signal(signal);
    } catch (error) {
      throw hasEnded(error) ? finished() : error;
    }
    using pidfd = this.#identity && openIdentified(this.#identity);
    if (pidfd === undefined || !signalPidfd(pidfd, signal)) throw finished();
  }
}
