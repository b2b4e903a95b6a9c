/**
 * The standard streams of a process: what it gets as its fds, and this program's ends of pipes.
 *
 * @module
 */

import { duplicate, isInheritable } from "../../ffi/files/descriptor.ts";
import { type Fd, numberOf, O_RDWR, open } from "../../ffi/files/file.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { readableFd, writableFd } from "../../ffi/waiting/stream.ts";
import { ContainerError } from "../errors.ts";

/**
 * Where a standard stream goes: to this program's own (`inherit`), nowhere (`null`), to a stream of
 * this program (`piped`), or to an open fd by number, which stays the caller's.
 */
export type Stdio = "inherit" | "null" | "piped" | number;

/** The streams and files that a process is given. */
export interface StdioOptions {
  readonly stdin?: Stdio | undefined;
  readonly stdout?: Stdio | undefined;
  readonly stderr?: Stdio | undefined;
  readonly extraFiles?: readonly number[] | undefined;
  readonly preserveFds?: number | undefined;
}

/** This program's ends of the pipes of a process. */
export interface PipeStreams {
  readonly stdin?: WritableStream<Uint8Array<ArrayBuffer>> | undefined;
  readonly stdout?: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  readonly stderr?: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
}

/** An fd that the process gets under a number. */
export interface PassedFd {
  readonly fd: number;
  readonly as: number;
}

/** The fds of one process on their way into it. */
export class ProcessFds implements Disposable {
  /** The fds that the process gets by number. Other fds are inherited under their own numbers. */
  readonly passed: PassedFd[] = [];
  readonly #stack = new DisposableStack();
  readonly #above: number;
  #null: Fd | undefined;
  readonly #ends: { reader?: Fd; as: number; writer?: Fd }[] = [];

  /**
   * Opens what the options ask for.
   *
   * @param above every fd is moved above this number, so that putting one in place replaces none
   * @throws {SyscallError} EBADF for an fd that is not open
   * @throws {ContainerError} `ConfigInvalid` for one to preserve that this program did not inherit
   */
  constructor(options: StdioOptions, above: number) {
    this.#above = above;
    requirePreserved(options.preserveFds ?? 0, options.extraFiles?.length ?? 0);
    try {
      this.#standard(0, options.stdin ?? "inherit");
      this.#standard(1, options.stdout ?? "inherit");
      this.#standard(2, options.stderr ?? "inherit");
      for (const [k, fd] of (options.extraFiles ?? []).entries()) this.pass(fd, 3 + k);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The fds of this program that are the process's 0, 1 and 2. */
  get standard(): readonly number[] {
    return [0, 1, 2].map((number) => this.passed.find(({ as }) => as === number)?.fd ?? number);
  }

  /**
   * Passes an fd under a number. It must stay open until the process has it.
   *
   * @returns the number that it has until then, above those that are put in place
   */
  pass(fd: number | Fd, as: number): number {
    const number = numberOf(fd);
    const moved = number >= this.#above
      ? number
      : this.#stack.use(duplicate(number, this.#above)).number;
    this.passed.push({ fd: moved, as });
    return moved;
  }

  /** This program's ends of the pipes; to be taken once the process has its own. */
  streams(poller: Poller): PipeStreams {
    const streams: { -readonly [Name in keyof PipeStreams]: PipeStreams[Name] } = {};
    for (const { as, reader, writer } of this.#ends.splice(0)) {
      if (writer !== undefined) streams.stdin = writableFd(writer, poller);
      else if (reader !== undefined && as === 1) streams.stdout = readableFd(reader, poller);
      else if (reader !== undefined) streams.stderr = readableFd(reader, poller);
    }
    return streams;
  }

  /** Closes the process's fds on this side, and ends of pipes that nobody took. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
    for (const { reader, writer } of this.#ends.splice(0)) {
      reader?.close();
      writer?.close();
    }
  }

  #standard(as: number, stdio: Stdio): void {
    if (stdio === "inherit") return;
    if (stdio === "null") {
      this.#null ??= this.#stack.use(open("/dev/null", O_RDWR));
      this.pass(this.#null, as);
    } else if (stdio === "piped") {
      const pipe = new Pipe();
      const [inner, outer] = as === 0 ? [pipe.reader, pipe.writer] : [pipe.writer, pipe.reader];
      this.#ends.push(as === 0 ? { as, writer: outer } : { as, reader: outer });
      this.pass(this.#stack.use(inner), as);
    } else if (stdio !== as) this.pass(stdio, as);
  }
}

/** Closes this program's ends of the pipes of a process that never ran. */
export async function closeStreams({ stdin, stdout, stderr }: PipeStreams): Promise<void> {
  await Promise.all([stdin?.abort(), stdout?.cancel(), stderr?.cancel()]);
}

/**
 * Only fds that this program inherited are passed on. Fds that it opened itself must not be, and a
 * number that is not open must not be left to some other file.
 */
function requirePreserved(count: number, replaced: number): void {
  for (let fd = 3 + replaced; fd < 3 + count; fd++) {
    if (isInheritable(fd)) continue;
    throw new ContainerError("ConfigInvalid", `fd ${fd} can't be preserved: nobody passed it`, {
      hint: `open it for hull, as with ${fd}<file in a shell, or preserve fewer`,
    });
  }
}
