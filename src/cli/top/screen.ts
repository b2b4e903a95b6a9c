/**
 * The terminal while `hull top` has it: keys come as they are pressed, and a screen of its own is
 * drawn, which leaves the one before as it was.
 *
 * Source: termios(3), console_codes(4), xterm's ctlseqs.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import {
  ECHO,
  encodeSettings,
  ICANON,
  IXON,
  setTerminalSettings,
  type TerminalSettings,
  terminalSettings,
  VMIN,
  VTIME,
} from "../../../ffi/sockets/terminal.ts";
import { type TerminalSize, terminalSize } from "../output/terminal_size.ts";
import { Guard } from "./guard.ts";

const STDIN = 0;
/** The other screen, emptied; no cursor; what is too long for a line is cut. */
const ENTER = "\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
const encoder = new TextEncoder();

/** This program's terminal, taken until it is disposed of, even if this program is killed. */
export class Screen implements Disposable {
  readonly #before: TerminalSettings;
  readonly #during: TerminalSettings;
  readonly #guard: Guard | undefined;
  #shown: readonly string[] = [];
  #isTaken = false;

  /**
   * Takes it.
   *
   * @throws {SyscallError} if stdin is no terminal
   */
  constructor() {
    this.#before = terminalSettings(STDIN);
    this.#during = byKeys(this.#before);
    this.#guard = Guard.start({
      before: encodeSettings(this.#before),
      during: encodeSettings(this.#during),
      leave: LEAVE,
    });
    this.take();
  }

  /** Takes it again, after {@linkcode Screen.giveBack}. */
  take(): void {
    if (this.#isTaken) return;
    set(this.#during);
    write(ENTER);
    this.#shown = [];
    this.#isTaken = true;
  }

  /** Gives it back for a while. */
  giveBack(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    write(LEAVE);
    set(this.#before);
  }

  /** How large it is; what is usual where it doesn't know. */
  get size(): TerminalSize {
    return terminalSize();
  }

  /** Forgets what is shown, so that the next lines are all drawn. */
  clear(): void {
    this.#shown = [];
  }

  /** Shows lines, from the top; those that are as before are not drawn again. */
  show(lines: readonly string[]): void {
    if (!this.#isTaken) return;
    const shown = this.#shown;
    this.#shown = lines;
    const changed = lines.map((line, k) =>
      line === shown[k] ? "" : `\x1b[${k + 1};1H\x1b[2K${line}`
    );
    const text = (shown.length === 0 ? "\x1b[2J" : "") + changed.join("");
    if (text !== "") write(text);
  }

  /** Gives it back for good. */
  [Symbol.dispose](): void {
    this.giveBack();
    this.#guard?.[Symbol.dispose]();
  }
}

/**
 * Keys come one by one and are not shown. Those that send signals still do. `^S` would stop this
 * program at its next line, so it is a key like others.
 */
function byKeys({ input, local, ...rest }: TerminalSettings): TerminalSettings {
  const characters = rest.characters.slice();
  characters[VMIN] = 1;
  characters[VTIME] = 0;
  return { ...rest, input: input & ~IXON, local: local & ~(ICANON | ECHO), characters };
}

function set(settings: TerminalSettings): void {
  try {
    setTerminalSettings(STDIN, settings);
  } catch (error) {
    if (!failedWith(error, "EIO")) throw error; // it was hung up
  }
}

/**
 * Writes all of it before anything else is done: two writes at once would mix. A terminal that takes
 * nothing holds this program up, but never its end by a SIGKILL.
 */
function write(text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  } catch {
    // it was hung up
  }
}
