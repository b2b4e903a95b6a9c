/**
 * Copies bytes in a child that is in the container's cgroups. So the memory of a tmpfs that is
 * filled is charged to the container and not to hull.
 *
 * The child has its own copy of this program's memory, because the kernel charges the owner of a
 * memory map; it runs no JavaScript. It also has its own table of fds, and only the child opens
 * files for writing. A file that this program has open is, until execve, also open in children that
 * other threads make, and meanwhile no mount can be made read-only.
 *
 * Source: sendfile(2), clone(2), cgroups(7), unix(7); mount_setattr(2), EBUSY.
 *
 * @module
 */

import { LAST_FD } from "../../ffi/c/fd_numbers.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { EIO, ENOMEM, SyscallError } from "../../ffi/c/errno.ts";
import { AT_FDCWD, Fd, O_NOCTTY, O_WRONLY, read } from "../../ffi/files/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PIDFD,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import { setNonBlocking } from "../../ffi/files/pipe.ts";
import { reapEnding, signalPidfd } from "../../ffi/processes/process.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { sendFds, socketPair } from "../../ffi/sockets/socket.ts";
import type { Piece } from "../../ffi/program/copy.ts";

const PIDFD = "copier";
const POLLIN = 1;
/** Of a request: a place in both files and a count, 64 bits each. */
const REQUEST_SIZE = 16;
/** struct cmsghdr with two fds. */
const CONTROL_SIZE = 24;
/**
 * The child's fds: its socket and, with a request, the two files. The child opens the second one
 * again for writing.
 */
const [SOCKET, SOURCE, TARGET] = [0, 1, 2];
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
   * Copies a piece of a file to the same place in another; less if the source ends.
   *
   * @param to it need not be open for writing
   * @throws {SyscallError} ENOMEM if the cgroup's memory does not suffice
   */
  copy(from: Fd, to: Fd, { start, end }: Piece): void {
    this.#child ??= new CopyingChild(this.#doors);
    for (let at = start; at < end;) {
      const copied = this.#child.send(from, to, at, Math.min(end - at, MAX_COUNT));
      if (copied === 0) return;
      at += copied;
    }
  }

  /** Ends the child. */
  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]();
  }
}

class CopyingChild implements Disposable {
  readonly #socket: Fd;
  readonly #pidfd: Fd;
  #hasEnded = false;

  constructor(doors: readonly number[]) {
    using stack = new DisposableStack();
    const pair = socketPair();
    using theirs = pair.theirs;
    this.#socket = stack.use(pair.ours);
    setNonBlocking(this.#socket);
    const program = new SyscallProgram(planCopier(doors, theirs.number));
    program.run();
    const pid = program.result(0);
    if (pid < 0) throw new SyscallError("clone3", -pid);
    const pidfd = program.output(PIDFD);
    this.#pidfd = new Fd(new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true));
    stack.move();
  }

  /** Has the child make one sendfile; gives how many bytes it copied. */
  send(from: Fd, to: Fd, start: number, count: number): number {
    const request = new Uint8Array(new BigInt64Array([BigInt(start), BigInt(count)]).buffer);
    sendFds(this.#socket, [from, to], request);
    const waited = new Uint8Array(16);
    const view = new DataView(waited.buffer);
    view.setInt32(0, this.#socket.number, true);
    view.setInt16(4, POLLIN, true);
    view.setInt32(8, this.#pidfd.number, true);
    view.setInt16(12, POLLIN, true);
    new SyscallProgram([
      { label: "wait", syscall: "jump", args: [], onError: "continue" },
      { syscall: "ppoll", args: [waited, 2, 0, 0, 8], onError: { jump: "wait" } }, // EINTR
    ]).run();
    const answer = read(this.#socket, 8); // of one that was killed there may be none
    if (answer?.length !== 8) throw this.#ended();
    const result = Number(new DataView(answer.buffer).getBigInt64(0, true));
    if (result < 0) throw new SyscallError("sendfile", -result);
    return result;
  }

  /** Ends the child, which has nothing to do. */
  [Symbol.dispose](): void {
    if (!this.#hasEnded) {
      signalPidfd(this.#pidfd, SIGKILL);
      reapEnding(this.#pidfd);
    }
    this.#socket.close();
    this.#pidfd.close();
  }

  #ended(): SyscallError {
    this.#hasEnded = true;
    const { signal } = reapEnding(this.#pidfd);
    return new SyscallError("sendfile", signal === SIGKILL ? ENOMEM : EIO);
  }
}

/**
 * What the child does. It must never return to JavaScript, so each error leads to its end.
 *
 * @param doors the cgroups that it enters
 * @param socket where it is sent what to copy, and says how much it has copied, or the error
 */
export function planCopier(doors: readonly number[], socket: number): Operation[] {
  const flags = BigInt(CLONE_PIDFD) | CLONE_CLEAR_SIGHAND;
  const request = { space: REQUEST_SIZE, name: "request" };
  const control = { space: CONTROL_SIZE, name: "control" };
  const data = { words: [request, REQUEST_SIZE] };
  const message = { words: [0, 0, data, 1, control, CONTROL_SIZE, 0] };
  const start = { field: request, offset: 0 };
  const count = { heldIn: request, offset: 8 };
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
    { syscall: "dup3", args: [socket, SOCKET, 0], onError },
    { syscall: "close_range", args: [SOURCE, LAST_FD, 0], onError },
    {
      label: "next",
      syscall: "recvmsg",
      args: [SOCKET, message, 0],
      onError,
      onPositive: { jump: "open" },
    },
    { label: "end", syscall: "exit_group", args: [0], onError: "continue" },
    { syscall: "exit_group", args: [{ fault: true }], onError: "continue" },
    {
      label: "open",
      syscall: "openat",
      args: [AT_FDCWD, `/proc/self/fd/${TARGET}`, O_WRONLY | O_NOCTTY, 0],
      onError: { jump: "not open" },
    },
    {
      syscall: "lseek",
      args: [{ result: "open" }, { heldIn: request, offset: 0 }, 0],
      onError: "continue",
    },
    {
      label: "sent",
      syscall: "sendfile",
      args: [{ result: "open" }, SOURCE, start, count],
      onError: "continue",
    },
    // Closed before the answer: after it this program may make the mount read-only.
    { syscall: "close_range", args: [SOURCE, LAST_FD, 0], onError },
    { syscall: "write", args: [SOCKET, { placeOf: "sent" }, 8], onError },
    { syscall: "jump", args: [], onError: { jump: "next" } },
    { label: "not open", syscall: "close_range", args: [SOURCE, LAST_FD, 0], onError },
    { syscall: "write", args: [SOCKET, { placeOf: "open" }, 8], onError },
    { syscall: "jump", args: [], onError: { jump: "next" } },
  ];
}
