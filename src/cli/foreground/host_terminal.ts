/**
 * This program's own terminal while it stands for the container's: keys and output are passed on
 * unchanged.
 *
 * Source: termios(3), ioctl_tty(2).
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import {
  CHARACTER_MODES,
  CS8,
  INPUT_COOKING,
  LOCAL_COOKING,
  OPOST,
  setTerminalSettings,
  type TerminalSettings,
  terminalSettings,
  VMIN,
  VTIME,
} from "../../../ffi/sockets/terminal.ts";

const STDIN = 0;
const STDOUT = 1;

/** The terminals at stdin and stdout, if there are any; mostly they are the same one. */
export class HostTerminal implements Disposable {
  readonly #keys = Deno.stdin.isTerminal() ? terminalSettings(STDIN) : undefined;
  readonly #screen = Deno.stdout.isTerminal() ? terminalSettings(STDOUT) : undefined;

  /** Whether keys come from a terminal. */
  get hasKeys(): boolean {
    return this.#keys !== undefined;
  }

  /** Whether there is any. */
  get isThere(): boolean {
    return this.#keys !== undefined || this.#screen !== undefined;
  }

  /**
   * Passes keys on as they are pressed, and shows bytes as they come. If the output goes elsewhere,
   * the terminal's treatment of output is left alone, for other programs that print there.
   */
  makeRaw(): void {
    if (this.#keys !== undefined) set(STDIN, rawKeys(this.#keys));
    if (this.#screen === undefined) return;
    // If it is the same terminal, the settings of its keys must stay as they were just set.
    const screen = this.#keys === undefined ? this.#screen : get(STDOUT) ?? this.#screen;
    set(STDOUT, { ...screen, output: this.#screen.output & ~OPOST });
  }

  /** Restores the settings. */
  [Symbol.dispose](): void {
    if (this.#screen !== undefined) set(STDOUT, this.#screen);
    if (this.#keys !== undefined) set(STDIN, this.#keys);
  }
}

function rawKeys({ input, control, local, ...rest }: TerminalSettings): TerminalSettings {
  const characters = rest.characters.slice();
  characters[VMIN] = 1;
  characters[VTIME] = 0;
  return {
    ...rest,
    input: input & ~INPUT_COOKING,
    control: (control & ~CHARACTER_MODES) | CS8,
    local: local & ~LOCAL_COOKING,
    characters,
  };
}

function get(fd: number): TerminalSettings | undefined {
  return unlessHungUp(() => terminalSettings(fd));
}

function set(fd: number, settings: TerminalSettings): void {
  unlessHungUp(() => setTerminalSettings(fd, settings));
}

/** The result of a call; undefined if the terminal was hung up. */
function unlessHungUp<Result>(call: () => Result): Result | undefined {
  try {
    return call();
  } catch (error) {
    if (failedWith(error, "EIO")) return undefined;
    throw error;
  }
}
