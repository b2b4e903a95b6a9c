/**
 * A container's terminal from this program's side: its master end is used as streams or handed on.
 *
 * Source: pty(7), ioctl_tty(2).
 *
 * @module
 */

import { onAbort } from "../../ffi/waiting/abort.ts";
import { ENOTTY, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { AT_EMPTY_PATH, type Fd, O_CLOEXEC, O_NOCTTY, O_RDWR } from "../../ffi/files/file.ts";
import { chownAt } from "../../ffi/files/entries.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import { S_IFCHR, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import {
  openAt2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../ffi/files/path.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { readableFd, tryWrite, writableFd } from "../../ffi/waiting/stream.ts";
import { receiveFd } from "../../ffi/sockets/socket.ts";
import {
  hasUnread,
  ICANON,
  ISIG,
  ONLCR,
  openPeer,
  setTerminalSettings,
  setWindowSize,
  terminalSettings,
  VEOF,
  VINTR,
} from "../../ffi/sockets/terminal.ts";
import type { ConsoleSize } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { PipeStreams } from "./stdio.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { sendFd } from "./unix_client.ts";

/** The name that goes with a terminal's fd. */
const PTMX = "/dev/pts/ptmx";
const PTMX_MAJOR = 5;
const PTMX_MINOR = 2;
const NO_LINKS = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;

/**
 * Takes the terminal that init sends over a socket.
 *
 * @throws {ContainerError} `InitFailed` if it has sent none
 */
export function receiveTerminal(socket: Fd): Terminal {
  const master = receiveFd(socket);
  if (master === undefined) throw new ContainerError("InitFailed", "init sent no terminal");
  return new Terminal(master);
}

/** A terminal of which this program has the master end. */
export class Terminal {
  readonly #master: Fd;

  /** Takes the master end over. */
  constructor(master: Fd) {
    this.#master = master;
  }

  /** What is typed and what is shown. The end of what is shown closes both. */
  streams(poller: Poller): PipeStreams {
    const input = duplicate(this.#master, 3);
    const closeInput = () => {
      if (input.isOpen) poller.cancel(input);
      input.close();
    };
    const untilEnd = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      flush: closeInput,
      cancel: closeInput,
    });
    return {
      stdin: writableFd(input, poller),
      stdout: readableFd(this.#master, poller).pipeThrough(untilEnd),
    };
  }

  /** Makes the terminal leave each `\n` of the program as it is: ONLCR of termios(3). */
  leaveNewlines(): void {
    const settings = terminalSettings(this.#master.number);
    setTerminalSettings(this.#master.number, { ...settings, output: settings.output & ~ONLCR });
  }

  /** The byte for which it sends SIGINT; undefined where the program takes every byte itself. */
  interruptKey(): number | undefined {
    if (!this.#master.isOpen) return undefined;
    const { local, characters } = terminalSettings(this.#master.number);
    return (local & ISIG) === 0 ? undefined : characters[VINTR];
  }

  /**
   * Types the end of the input, once for each read that waits for input: a terminal gives the end
   * to one read only, and in the middle of a line it just ends the line. While the program takes
   * every byte itself nothing is typed, since the program would read it as a byte. If the program
   * goes back to lines, the end is typed once it has written or read something.
   *
   * @returns once the terminal is closed, or the signal aborted
   */
  async typeEnd(poller: Poller, signal: AbortSignal): Promise<void> {
    if (!this.#master.isOpen || signal.aborted) return;
    const { Edges } = await import("../../ffi/waiting/edges.ts");
    using edges = new Edges(this.#master, poller.endless);
    using _ = onAbort(signal, () => edges[Symbol.dispose]());
    for (let isTyped = false; await edges.next() && this.#master.isOpen;) {
      if (isTyped && hasUnread(this.#master)) continue;
      isTyped = this.#type(VEOF) || isTyped;
    }
  }

  /** Types the key at a place if it is one and the terminal takes lines; false if not. */
  #type(place: number): boolean {
    const { local, characters } = terminalSettings(this.#master.number);
    const key = characters[place] ?? 0;
    if ((local & ICANON) === 0 || key === 0) return false;
    return tryWrite(this.#master, Uint8Array.of(key)) === 1;
  }

  /** Sets its size in characters; does nothing once it is closed. */
  resize(columns: number, rows: number): void {
    if (this.#master.isOpen) setWindowSize(this.#master, columns, rows);
  }

  /**
   * Gives the master end to the listener on a Unix socket, and closes it here.
   *
   * @throws {ContainerError} `SystemError`
   * @throws the signal's reason
   */
  async handOn(socket: string, signal?: AbortSignal): Promise<void> {
    try {
      await sendFd(socket, this.#master, PTMX, signal);
    } catch (cause) {
      throw syscallFailure(cause, "SystemError", "cannot hand the terminal to the console socket", {
        step: "terminal",
        path: socket,
        pointer: "/process/terminal",
        hint: "somebody must listen on it before the container starts",
      });
    } finally {
      this.#master.close();
    }
  }

  /** Closes it. */
  close(): void {
    this.#master.close();
  }
}

/** Both ends of a new terminal. */
export interface TerminalPair {
  readonly terminal: Terminal;
  /** The program's end; the caller closes it. */
  readonly peer: Fd;
  /** Whether it has its owner; where this program has not the right, the process must see to it. */
  readonly isOwned: boolean;
}

/**
 * Makes a terminal in the devpts of a running container, so that its name means something inside.
 * No link may lead to a file that only looks like it (CVE-2025-52565), and the other end is opened
 * by the first one rather than by a name.
 *
 * @param root the container's root
 * @param owner the host's number of the user whose terminal it is
 * @throws {ContainerError} `SystemError`
 */
export function makeTerminal(
  root: Fd,
  owner: number,
  size: ConsoleSize | undefined,
): TerminalPair {
  using stack = new DisposableStack();
  try {
    const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    const master = stack.use(openAt2(root, PTMX, flags, NO_LINKS));
    const { mode, deviceMajor, deviceMinor } = statAt(master, "");
    const isDevice = (mode & S_IFMT) === S_IFCHR;
    if (!isDevice || deviceMajor !== PTMX_MAJOR || deviceMinor !== PTMX_MINOR) {
      throw new SyscallError("ioctl", ENOTTY);
    }
    const peer = stack.use(openPeer(master, flags));
    const isOwned = isGiven(peer, owner);
    if (size !== undefined) setWindowSize(master, size.width, size.height);
    stack.move();
    return { terminal: new Terminal(master), peer, isOwned };
  } catch (cause) {
    throw syscallFailure(cause, "SystemError", "cannot make a terminal in the container", {
      step: "terminal",
      path: PTMX,
      pointer: "/process/terminal",
      hint: "a terminal needs a devpts at /dev/pts in the container",
    });
  }
}

/** An ordinary user gives nothing away; the container's root may, as the process that gets it. */
function isGiven(peer: Fd, owner: number): boolean {
  try {
    chownAt(peer, "", owner, KEEP_GROUP, AT_EMPTY_PATH);
    return true;
  } catch (error) {
    if (failedWith(error, "EPERM")) return false;
    throw error;
  }
}

const KEEP_GROUP = 0xffff_ffff;
