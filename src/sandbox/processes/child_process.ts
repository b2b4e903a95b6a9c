/**
 * A program that runs in a sandbox.
 *
 * @module
 */

import { signalName } from "../../../ffi/processes/signals.ts";
import { ContainerError } from "../../errors.ts";
import type { ExitStatus, Process } from "../../process.ts";

/** The names of signals. */
export type Signal = Deno.Signal;

/** How a program ended. */
export interface ChildProcessStatus {
  /** Whether it exited with 0. */
  readonly success: boolean;
  /** Its exit code; 128 and the signal's number after a signal. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Signal | null;
  /** Whether the sandbox's memory ran out while it ran, and it was killed. */
  readonly oom: boolean;
}

/** All that a program wrote, and how it ended. A stream that was not `piped` is null. */
export interface ChildProcessOutput {
  /** How it ended. */
  readonly status: ChildProcessStatus;
  /** What it wrote. */
  readonly stdout: Uint8Array<ArrayBuffer> | null;
  /** What it wrote to its error output. */
  readonly stderr: Uint8Array<ArrayBuffer> | null;
  /** The same as text, read as UTF-8. */
  readonly stdoutText: string | null;
  /** The same as text, read as UTF-8. */
  readonly stderrText: string | null;
}

/** How one of a program's outputs is handled. */
export type OutputKind = "piped" | "inherit" | "null";

/** What a running program is told about. */
export interface Running {
  /** Its number inside; 0 if it ended before that could be read. */
  readonly pid: number;
  readonly process: Process;
  readonly stdin: "piped" | "null";
  readonly stdout: OutputKind;
  readonly stderr: OutputKind;
  /** Whether the sandbox has killed for want of memory since the program began. */
  readonly hasKilled: () => boolean;
}

/**
 * A program that was started with `Sandbox.spawn`. Disposing of it kills it, if it still runs, and
 * waits for its end.
 */
export class ChildProcess extends EventTarget implements AsyncDisposable {
  /** Its number inside the sandbox; 0 if it ended before that could be read. */
  readonly pid: number;
  /** Its input, if it is `piped`; it ends when this is closed. */
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>> | null;
  /** What it writes, if it is `piped`. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** What it writes to its error output, if it is `piped`. */
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  /** How it ends. */
  readonly status: Promise<ChildProcessStatus>;
  readonly #process: Process;
  readonly #shown: Promise<void>;

  /** @ignore made by `Sandbox.spawn` */
  constructor({ pid, process, stdin, stdout, stderr, hasKilled }: Running) {
    super();
    this.pid = pid;
    this.#process = process;
    this.stdin = stdin === "piped" ? process.stdin : null;
    this.stdout = stdout === "piped" ? process.stdout : null;
    this.stderr = stderr === "piped" ? process.stderr : null;
    this.#shown = showAll([
      stdout === "inherit" ? show(process.stdout, Deno.stdout) : undefined,
      stderr === "inherit" ? show(process.stderr, Deno.stderr) : undefined,
    ]);
    this.status = process.wait().then(async (end) => {
      await this.#shown;
      return childStatus(end, hasKilled);
    });
    // Nobody reads its input any more. Who asks for the status gets its error.
    this.status.then(() => letGo(this.stdin), () => {});
  }

  /**
   * Sends it a signal; does not wait for its end. Nothing happens if it has ended.
   *
   * @throws {ContainerError} `ConfigInvalid` for what is no signal
   */
  kill(signal: Signal = "SIGTERM"): Promise<void> {
    try {
      this.#process.signal(signal);
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ContainerNotRunning")) {
        return Promise.reject(error);
      }
    }
    return Promise.resolve();
  }

  /**
   * Reads all that it writes, and waits for its end.
   *
   * @throws {ContainerError} `SystemError` with EFBIG for more than 256 MiB
   */
  async output(): Promise<ChildProcessOutput> {
    const [status, stdout, stderr] = await Promise.all([
      this.status,
      this.stdout === null ? null : bytesOf(this.stdout),
      this.stderr === null ? null : bytesOf(this.stderr),
    ]);
    const decoder = new TextDecoder();
    const text = (bytes: Uint8Array | null) => bytes === null ? null : decoder.decode(bytes);
    return { status, stdout, stderr, stdoutText: text(stdout), stderrText: text(stderr) };
  }

  /**
   * Closes the streams that nobody has taken.
   *
   * @ignore for a Sandbox, which is closed
   */
  static async abandon(child: ChildProcess): Promise<void> {
    await Promise.all([child.stdin, child.stdout, child.stderr].map(letGo));
  }

  /**
   * Whether somebody has taken all of its outputs.
   *
   * @ignore for a Sandbox
   */
  static isTaken({ stdout, stderr }: ChildProcess): boolean {
    return [stdout, stderr].every((stream) => stream === null || stream.locked);
  }

  /** Kills it with all that it has started, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.killTree();
    await this.#process.wait();
    await ChildProcess.abandon(this);
  }
}

/** Closes a stream unless somebody holds it, who does that. */
async function letGo(stream: WritableStream | ReadableStream | null): Promise<void> {
  if (stream === null || stream.locked) return;
  try {
    await (stream instanceof WritableStream ? stream.abort() : stream.cancel());
  } catch { /* it has failed already */ }
}

/** The status as programs of sandboxes know it. */
export function childStatus(end: ExitStatus, hasKilled: () => boolean): ChildProcessStatus {
  const { code, signal } = end;
  return {
    success: code === 0,
    code,
    signal: signal === undefined ? null : signalName(signal) as Signal,
    oom: code === KILLED && (end.oomKilled === true || hasKilled()),
  };
}

/** 128 and SIGKILL: that of the program itself, or of one that a shell has waited for. */
const KILLED = 137;

/** More would fill this program's memory; and a text can't be much longer. */
const MOST_AT_ONCE = 256 * 1024 * 1024;

async function bytesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= MOST_AT_ONCE) continue;
    throw new ContainerError("SystemError", "the program has written more than 256 MiB", {
      errno: "EFBIG",
      hint: "read its stdout piece by piece, or have it write to a file",
    });
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function showAll(shown: readonly (Promise<void> | undefined)[]): Promise<void> {
  await Promise.all(shown);
}

/** Passes a program's output to this program's own, which stays open. */
async function show(
  from: ReadableStream<Uint8Array<ArrayBuffer>>,
  to: typeof Deno.stdout,
): Promise<void> {
  try {
    for await (const chunk of from) {
      for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await to.write(rest));
    }
  } catch {
    /* nobody reads this program's output any more; the program in the sandbox learns of it */
  }
}
