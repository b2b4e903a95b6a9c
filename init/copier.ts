/**
 * Copies bytes in a child that is in the container's cgroups, so that what a tmpfs is filled with is
 * charged to the container and not to hull.
 *
 * The child has a copy of this program's memory, since the kernel charges the owner of a memory map,
 * and runs no JavaScript: it reads pairs of fds from a pipe. It shares the table of fds.
 *
 * Source: sendfile(2), clone(2), cgroups(7).
 *
 * @module
 */

import { PR } from "../ffi/credentials.ts";
import { SyscallError } from "../ffi/errno.ts";
import { Fd, O_NONBLOCK } from "../ffi/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_FILES,
  CLONE_PIDFD,
  cloneArguments,
} from "../ffi/namespaces.ts";
import { Pipe } from "../ffi/pipe.ts";
import { reapEnding } from "../ffi/process.ts";
import { type Operation, SyscallProgram } from "../ffi/program.ts";

const SIGKILL = 9;
const PIDFD = "copier";
const EIO = 5;
const ENOMEM = 12;
const POLLIN = 1;
/** Of a request: two fds and a count, 64 bits each. */
const REQUEST_SIZE = 24;
/** The most that sendfile takes at once. */
const MAX_COUNT = 0x7ffff000;

/** The copying child, made when the first byte is to be copied. */
export class Copier implements Disposable {
  readonly #doors: readonly number[];
  #child: CopyingChild | undefined;

  /** @param doors the fds of the cgroups' files that the child enters; none: bytes are hull's */
  constructor(doors: readonly number[]) {
    this.#doors = doors;
  }

  /**
   * Copies `count` bytes, fewer if the source ends, from where both files are.
   *
   * @throws {SyscallError} ENOMEM if the cgroup's memory does not suffice
   */
  copy(from: Fd, to: Fd, count: number): void {
    this.#child ??= new CopyingChild(this.#doors);
    for (let rest = count; rest > 0;) {
      const copied = this.#child.send(from.number, to.number, Math.min(rest, MAX_COUNT));
      if (copied === 0) return;
      rest -= copied;
    }
  }

  /** Ends the child. */
  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]();
  }
}

class CopyingChild implements Disposable {
  readonly #requests = new Pipe();
  readonly #answers = new Pipe(O_NONBLOCK);
  readonly #pidfd: Fd;
  #hasEnded = false;

  constructor(doors: readonly number[]) {
    const program = new SyscallProgram(
      planCopier(doors, this.#requests.reader.number, this.#answers.writer.number),
    );
    program.run();
    const pid = program.result(0);
    if (pid < 0) throw new SyscallError("clone3", -pid);
    const pidfd = program.output(PIDFD);
    this.#pidfd = new Fd(new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true));
  }

  /** One sendfile of the child's; gives how many bytes it copied. */
  send(from: number, to: number, count: number): number {
    const request = new Uint8Array(new BigInt64Array([from, to, count].map(BigInt)).buffer);
    const answer = { space: 8, name: "answer" };
    const waited = new Uint8Array(16);
    const view = new DataView(waited.buffer);
    view.setInt32(0, this.#answers.reader.number, true);
    view.setInt16(4, POLLIN, true);
    view.setInt32(8, this.#pidfd.number, true);
    view.setInt16(12, POLLIN, true);
    // The pipe does not end with the child: this program holds its other end, in the shared table.
    const program = new SyscallProgram([
      { syscall: "write", args: [this.#requests.writer.number, request, REQUEST_SIZE] },
      { label: "wait", syscall: "ppoll", args: [waited, 2, 0, 0, 8], onError: { jump: "wait" } },
      { syscall: "read", args: [this.#answers.reader.number, answer, 8] },
    ].map((operation) => ({ onError: "return", ...operation }) as Operation));
    program.run();
    if (program.result(2) !== 8) throw this.#ended();
    const bytes = program.output("answer");
    const result = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true));
    if (result < 0) throw new SyscallError("sendfile", -result);
    return result;
  }

  /** The pipe of the requests is closed for both, which ends the child. */
  [Symbol.dispose](): void {
    this.#requests[Symbol.dispose]();
    this.#answers[Symbol.dispose]();
    if (!this.#hasEnded) reapEnding(this.#pidfd);
    this.#pidfd.close();
  }

  #ended(): SyscallError {
    this.#hasEnded = true;
    const { signal } = reapEnding(this.#pidfd);
    return new SyscallError("sendfile", signal === SIGKILL ? ENOMEM : EIO);
  }
}

/**
 * What the child does. Nothing may lead back to JavaScript in it: each error goes to its end.
 *
 * @param doors the cgroups that it enters
 * @param requests where it reads what to copy
 * @param answers where it writes how much it has copied, or the error
 */
export function planCopier(
  doors: readonly number[],
  requests: number,
  answers: number,
): Operation[] {
  const flags = BigInt(CLONE_FILES | CLONE_PIDFD) | CLONE_CLEAR_SIGHAND;
  const request = { space: REQUEST_SIZE, name: "request" };
  const word = (offset: number) => ({ heldIn: request, offset });
  const self = new TextEncoder().encode("0");
  const onError = { jump: "end" };
  return [
    {
      syscall: "clone3",
      args: [cloneArguments(flags, { pidfd: PIDFD, exitSignal: 0 }), CLONE_ARGS_SIZE],
      onError: "return",
      onPositive: "return",
    },
    { syscall: "prctl", args: [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0], onError },
    ...doors.map((fd): Operation => ({ syscall: "write", args: [fd, self, 1], onError })),
    {
      label: "next",
      syscall: "read",
      args: [requests, request, REQUEST_SIZE],
      onError,
      onPositive: { jump: "copy" },
    },
    { label: "end", syscall: "exit_group", args: [0], onError: "continue" },
    { syscall: "exit_group", args: [{ fault: true }], onError: "continue" },
    {
      label: "copy",
      syscall: "sendfile",
      args: [word(8), word(0), 0, word(16)],
      onError: "continue",
    },
    { syscall: "write", args: [answers, { placeOf: "copy" }, 8], onError },
    { syscall: "jump", args: [], onError: { jump: "next" } },
  ];
}
