/**
 * This program's terminal as the container's: keys go in as they are pressed, what is shown comes
 * out, and the size follows.
 *
 * @module
 */

import type { Process } from "../process.ts";

/** Ties the standard streams to a process's terminal until the process has ended. */
export class TerminalRelay implements AsyncDisposable {
  readonly #process: Process;
  readonly #stopInput = new AbortController();
  readonly #isTerminal = Deno.stdin.isTerminal();
  #input: Promise<void> = Promise.resolve();
  #output: Promise<void> = Promise.resolve();

  /** For a process that has a terminal; nothing flows before `begin`. */
  constructor(process: Process) {
    this.#process = process;
  }

  /** Sets the size, makes this program's terminal raw and lets the bytes flow. */
  begin(): void {
    if (this.#isTerminal) Deno.stdin.setRaw(true);
    this.resize();
    const { stdin, stdout } = this.#process;
    const { signal } = this.#stopInput;
    const options = { preventCancel: true, signal };
    // Input ends with the process; that its other end is gone then is no error.
    this.#input = Deno.stdin.readable.pipeTo(stdin, { ...options, preventClose: true })
      .catch(() => {});
    this.#output = stdout.pipeTo(Deno.stdout.writable, { preventClose: true });
  }

  /** Gives the process's terminal the size of this program's. */
  resize(): void {
    if (!this.#isTerminal) return;
    const { columns, rows } = Deno.consoleSize();
    this.#process.resize(columns, rows);
  }

  /** Waits for the last of the output, and makes this program's terminal as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#output;
    } finally {
      this.#stopInput.abort();
      if (this.#isTerminal) Deno.stdin.setRaw(false);
      await this.#input;
    }
  }
}
