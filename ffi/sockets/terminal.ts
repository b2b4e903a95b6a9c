/**
 * Pseudo terminals: pty(7), ioctl_tty(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { Fd, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from "../files/file.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";
import { isReady } from "../waiting/poll.ts";

/** Unlocks the other end. */
export const TIOCSPTLCK = 0x40045431;
/** Opens the other end. */
export const TIOCGPTPEER = 0x5441;
/** Makes the terminal the session's own. */
export const TIOCSCTTY = 0x540e;
/** Sets the size. */
export const TIOCSWINSZ = 0x5414;

/** Gets the settings. */
export const TCGETS = 0x5401;
/** Sets them. */
export const TCSETS = 0x5402;

/** Of the input: what changes or drops bytes, and what stops the output. */
export const INPUT_COOKING = 0o2753;
/** Of the input: whether keys stop the output and let it go on. */
export const IXON = 0o2000;
/** Of the output: whether anything is done to it. */
export const OPOST = 0o1;
/** Of the output: whether a `\n` becomes `\r\n`. */
export const ONLCR = 0o4;
/** Of the local modes: whether keys send signals. */
export const ISIG = 0o1;
/** Of the local modes: whether a read gets a whole line, and a key can mean the end of input. */
export const ICANON = 0o2;
/** Of the local modes: whether keys are shown. */
export const ECHO = 0o10;
/** Of the local modes: echo, lines, and keys that send signals or edit. */
export const LOCAL_COOKING = 0o100113;
/** Of the control modes: the size of a character, and parity. */
export const CHARACTER_MODES = 0o460;
/** Eight bits. */
export const CS8 = 0o60;
/** The place of the key that sends SIGINT. */
export const VINTR = 0;
/** Where the character for the end of input is. */
export const VEOF = 4;
/** The place of the time for which a read waits; that of how many bytes it waits for is VMIN. */
export const VTIME = 5;
/** See {@linkcode VTIME}. */
export const VMIN = 6;

/** The kernel's struct termios: four words of flags, the line discipline, 19 characters. */
export const TERMIOS_SIZE = 36;
const LINE = 16;

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

/** What a terminal does with what goes through it, in the flags of termios(3). */
export interface TerminalSettings {
  readonly input: number;
  readonly output: number;
  readonly control: number;
  readonly local: number;
  /** The line discipline. */
  readonly line: number;
  /** The special characters, such as that at {@linkcode VINTR}. */
  readonly characters: Uint8Array<ArrayBuffer>;
}

/**
 * The settings of a terminal, by either of its ends.
 *
 * @throws {SyscallError}
 */
export function terminalSettings(fd: number): TerminalSettings {
  const program = ioctl([fd, TCGETS, { space: TERMIOS_SIZE, name: "settings" }]);
  const bytes = program.output("settings").slice(0, TERMIOS_SIZE);
  const view = new DataView(bytes.buffer);
  const flags = (word: number) => view.getUint32(4 * word, true);
  return {
    input: flags(0),
    output: flags(1),
    control: flags(2),
    local: flags(3),
    line: view.getUint8(LINE),
    characters: bytes.slice(LINE + 1),
  };
}

/**
 * Sets them at once: output that is still on its way is shown by the new settings.
 *
 * @throws {SyscallError}
 */
export function setTerminalSettings(fd: number, settings: TerminalSettings): void {
  ioctl([fd, TCSETS, encodeSettings(settings)]);
}

/** The settings as the kernel's struct termios. */
export function encodeSettings(settings: TerminalSettings): Uint8Array<ArrayBuffer> {
  const { input, output, control, local, line, characters } = settings;
  const bytes = new Uint8Array(TERMIOS_SIZE);
  new Uint32Array(bytes.buffer, 0, 4).set([input, output, control, local]);
  bytes[LINE] = line;
  bytes.set(characters, LINE + 1);
  return bytes;
}

/**
 * Whether the program's end has something to read, which may be an end of input. The other end is
 * opened for a moment and asked: poll(2).
 *
 * @throws {SyscallError}
 */
export function hasUnread(master: Fd): boolean {
  using peer = openPeer(master, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  return isReady(peer);
}

/**
 * Unlocks a new terminal and opens its other end, with no path on the way.
 *
 * @param flags of open(2)
 * @throws {SyscallError}
 */
export function openPeer(master: Fd, flags: number): Fd {
  ioctl([master.number, TIOCSPTLCK, new Uint8Array(4)]);
  return new Fd(ioctl([master.number, TIOCGPTPEER, flags]).result(0));
}

function ioctl(args: Operation["args"]): SyscallProgram {
  const program = new SyscallProgram([{ syscall: "ioctl", args }]);
  program.run();
  const failure = program.failure();
  if (failure !== undefined) throw new SyscallError("ioctl", failure.errno);
  return program;
}
