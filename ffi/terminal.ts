/**
 * Pseudo terminals: pty(7), ioctl_tty(2).
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { Fd } from "./file.ts";
import { type Operation, SyscallProgram } from "./program.ts";

/** Unlocks the other end. */
export const TIOCSPTLCK = 0x40045431;
/** Opens the other end. */
export const TIOCGPTPEER = 0x5441;
/** Makes the terminal the session's own. */
export const TIOCSCTTY = 0x540e;
/** Sets the size. */
export const TIOCSWINSZ = 0x5414;

/** struct winsize. */
export function windowSize(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint16Array([rows, columns, 0, 0]).buffer);
}

/**
 * Sets the size of a terminal in characters.
 *
 * @throws {SyscallError}
 */
export function setWindowSize(terminal: Fd, columns: number, rows: number): void {
  ioctl([terminal.number, TIOCSWINSZ, windowSize(columns, rows)]);
}

/**
 * Unlocks a new terminal and opens its other end, with no path on the way.
 *
 * @param flags of open(2)
 * @throws {SyscallError}
 */
export function openPeer(master: Fd, flags: number): Fd {
  ioctl([master.number, TIOCSPTLCK, new Uint8Array(4)]);
  return new Fd(ioctl([master.number, TIOCGPTPEER, flags]));
}

function ioctl(args: Operation["args"]): number {
  const program = new SyscallProgram([{ syscall: "ioctl", args }]);
  program.run();
  const failure = program.failure();
  if (failure !== undefined) throw new SyscallError("ioctl", failure.errno);
  return program.result(0);
}
