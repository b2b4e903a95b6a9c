/**
 * Connects a daemon's pipes with a process's standard streams. Nothing is buffered: a slow reader
 * slows the program down, as with any pipe.
 *
 * @module
 */

import { resolve } from "../../std/path/posix/resolve.ts";
import { O_RDONLY } from "../../ffi/files/file.ts";
import { unlessAborted } from "../../ffi/waiting/abort.ts";
import type { Process } from "../process.ts";
import type { OutputFiles } from "../state/stored_state.ts";
import type { Stdio } from "../streams/stdio.ts";
import { type Bytes, feeding } from "../streams/input.ts";
import { APPENDING, openStreamFile } from "../streams/stream_file.ts";
import {
  type InputPipe,
  type OutputPipe,
  type Pipes,
  requireFree,
  requireKnown,
  requireTerminalPipes,
} from "./pipes.ts";

/** Pipes on their way to a process. */
export class Wiring implements Disposable {
  /** What the process is made with. */
  readonly stdio: { readonly stdin: Stdio; readonly stdout: Stdio; readonly stderr: Stdio };
  readonly #pipes: Pipes;
  readonly #hasTerminal: boolean;
  readonly #files = new DisposableStack();
  #isBegun = false;

  /**
   * Opens the files.
   *
   * @param hasTerminal whether the process has a terminal in place of its three streams
   * @throws {ContainerError} `ConfigInvalid` for what is no pipe, a stream that somebody reads or
   *   writes already, or one that does not go with a terminal; `SystemError` for a file that can't
   *   be opened, as a fifo or a folder
   */
  constructor(pipes: Pipes, hasTerminal: boolean) {
    this.#pipes = pipes;
    this.#hasTerminal = hasTerminal;
    requireKnown(pipes);
    requireFree(pipes);
    if (hasTerminal) requireTerminalPipes(pipes);
    try {
      this.stdio = {
        stdin: this.#stdio(pipes.stdin, O_RDONLY),
        stdout: this.#stdio(pipes.stdout, APPENDING),
        stderr: this.#stdio(pipes.stderr, APPENDING),
      };
    } catch (error) {
      this.#files.dispose();
      throw error;
    }
  }

  /**
   * Lets the streams flow.
   *
   * @param process which has started
   * @param signal ends all flows at once
   * @param fail called with the error of one of the caller's streams, before the program sees the
   *   end of its input
   */
  begin(
    process: Process,
    signal: AbortSignal = new AbortController().signal,
    fail: (error: unknown) => void = () => {},
  ): Flows {
    this.#isBegun = true;
    this.#files.dispose(); // the process has its own
    const { stdin, stdout, stderr } = this.#pipes;
    const input = new AbortController();
    const failing = (error: unknown) => {
      if (!signal.aborted && error !== undefined) fail(error);
    };
    const flow = (from: ReadableStream<Bytes>, to: WritableStream<Bytes>) =>
      from.pipeTo(abortable(to, signal), { signal }).catch(failing);
    const flows: Promise<void>[] = [];
    if (stdin instanceof ReadableStream) {
      const stopped = AbortSignal.any([input.signal, signal]);
      const sink = feeding(process.stdin, (error) => stopped.aborted || failing(error));
      // The stream's cancel is its maker's, and may not come back.
      flows.push(unlessAborted(stdin.pipeTo(sink, { signal: stopped }), stopped));
    } else if (this.#hasTerminal) flows.push(process.stdin.close());
    if (stdout instanceof WritableStream) flows.push(flow(process.stdout, stdout));
    // Read even if nobody wants the output: an unread terminal would stop the program, and a closed
    // one would end it.
    else if (this.#hasTerminal) flows.push(flow(process.stdout, new WritableStream()));
    if (stderr instanceof WritableStream) flows.push(flow(process.stderr, stderr));
    const drained = Promise.allSettled(flows);
    return {
      stopInput: () => input.abort(),
      drained: async () => {
        await drained;
      },
    };
  }

  /** For pipes that were never used: closes the files, and tells the streams' other ends why. */
  async abandon(reason: unknown): Promise<void> {
    this.#files.dispose();
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { stdin, stdout, stderr } = this.#pipes;
    await Promise.allSettled([
      stdin instanceof ReadableStream ? stdin.cancel(reason) : undefined,
      ...[stdout, stderr].map((out) => out instanceof WritableStream ? out.abort(reason) : out),
    ]);
  }

  /** The files that the output goes to; undefined without any. */
  get outputFiles(): OutputFiles | undefined {
    const { stdout, stderr } = this.#pipes;
    const path = (pipe: OutputPipe | undefined) =>
      typeof pipe === "object" && "file" in pipe ? { file: resolve(pipe.file) } : undefined;
    const [out, err] = [path(stdout), path(stderr)];
    if (out === undefined && err === undefined) return undefined;
    return {
      ...(out === undefined ? {} : { stdout: out.file }),
      ...(err === undefined ? {} : { stderr: err.file }),
    };
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#files.dispose();
  }

  #stdio(pipe: InputPipe | OutputPipe | undefined, flags: number): Stdio {
    if (pipe === undefined) return "null";
    if (typeof pipe !== "object") return pipe;
    return "file" in pipe ? this.#files.use(openStreamFile(pipe.file, flags)).number : "piped";
  }
}

/** What flows between a process and its pipes. */
export interface Flows {
  /** Stops the input: the process has ended, so nobody reads it any more. */
  stopInput(): void;
  /** Waits until all that the process wrote has been taken. */
  drained(): Promise<void>;
}

/**
 * A sink that an abort frees from a write that never ends. `pipeTo` alone would wait for that write
 * and keep the pipe open.
 */
function abortable(sink: WritableStream<Bytes>, signal: AbortSignal): WritableStream<Bytes> {
  const writer = sink.getWriter();
  let release: (reason: unknown) => void = () => {};
  const onAbort = () => {
    release(signal.reason);
    writer.abort(signal.reason).catch(() => {}); // its other end is gone as well
  };
  const freed = (done: Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      release = reject;
      done.then(resolve, reject);
      if (signal.aborted) onAbort();
    });
  signal.addEventListener("abort", onAbort);
  const forget = () => signal.removeEventListener("abort", onAbort);
  return new WritableStream({
    start(controller) {
      writer.closed.then(forget, (error) => {
        forget();
        controller.error(error);
      });
    },
    write: (chunk) => freed(writer.write(chunk)),
    close: () => freed(writer.close()),
    abort: (reason) => writer.abort(reason),
  });
}
