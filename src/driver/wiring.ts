/**
 * Connects a daemon's pipes with a process's standard streams. Nothing is buffered: a slow reader
 * slows the program down, as with any pipe.
 *
 * @module
 */

import { EISDIR, ENXIO, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
} from "../../ffi/files/file.ts";
import { S_IFDIR, S_IFIFO, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import { setBlocking } from "../../ffi/files/pipe.ts";
import type { Process } from "../process.ts";
import type { Stdio } from "../streams/stdio.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { type Bytes, feeding } from "../streams/input.ts";
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
      flows.push(stdin.pipeTo(sink, { signal: stopped }));
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

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#files.dispose();
  }

  #stdio(pipe: InputPipe | OutputPipe | undefined, flags: number): Stdio {
    if (pipe === undefined) return "null";
    if (typeof pipe !== "object") return pipe;
    return "file" in pipe ? this.#files.use(openPipe(pipe.file, flags)).number : "piped";
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

const APPENDING = O_WRONLY | O_APPEND | O_CREAT;
const FILE_MODE = 0o600;

/**
 * Opens a file without blocking: a fifo without another end would make this program wait, so it is
 * refused.
 */
function openPipe(path: string, flags: number): Fd {
  using stack = new DisposableStack();
  let fd: Fd;
  try {
    fd = stack.use(open(path, flags | O_NONBLOCK | O_CLOEXEC, FILE_MODE));
    const kind = statAt(fd, "").mode & S_IFMT;
    if (kind === S_IFIFO) throw new SyscallError("open", ENXIO, path);
    if (kind === S_IFDIR) throw new SyscallError("open", EISDIR, path);
    setBlocking(fd);
  } catch (cause) {
    const isFifo = failedWith(cause, "ENXIO");
    throw syscallFailure(cause, "SystemError", `cannot open the pipe's file`, {
      path,
      hint: isFifo ? "open a fifo yourself, and give the fd's number" : undefined,
    });
  }
  stack.move();
  return fd;
}
