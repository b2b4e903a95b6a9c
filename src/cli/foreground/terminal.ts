/**
 * This program's terminal as the container's: keys go in as they are pressed, what is shown comes
 * out, and the size follows.
 *
 * @module
 */

import type { Process } from "../../process.ts";
import { HostTerminal } from "./host_terminal.ts";
import { Interrupts } from "./interrupts.ts";

/** Ties the standard streams to a process's terminal until the process has ended. */
export class TerminalRelay implements AsyncDisposable {
  readonly #process: Process;
  readonly #host = new HostTerminal();
  readonly #interrupts: Interrupts;
  readonly #hungUp = new AbortController();
  readonly #over = new AbortController();
  #output: Promise<void> = Promise.resolve();

  /** For a process that has a terminal; `say` tells the person at this one. Nothing flows before `begin`. */
  constructor(process: Process, say: (message: string) => void) {
    this.#process = process;
    this.#interrupts = new Interrupts(process, (message) => {
      this.#host[Symbol.dispose]();
      say(message);
      this.#host.makeRaw();
    });
  }

  /**
   * Makes this program's terminal raw, sets the size and lets the bytes flow.
   *
   * @param onUnread called when nobody sees the output any more, and the process's terminal is closed
   */
  begin(onUnread: (error: unknown) => void): void {
    this.goOn();
    const { signal } = this.#hungUp;
    const options = { preventClose: true, preventAbort: true, signal };
    this.#output = this.#process.stdout.pipeTo(Deno.stdout.writable, options).catch(onUnread);
    // The keys end with the process, and nobody waits for them. A terminal that ends before was hung
    // up, and so is the process's then. Anything else that ends is the end of the input.
    void this.#passKeys(() => {
      if (this.#host.hasKeys) return this.#hungUp.abort();
      this.#process.typeEnd({ signal: this.#over.signal }).catch(() => {}); // the process has ended
    });
  }

  /** Takes the terminal, after others had it too. */
  goOn(): void {
    this.#host.makeRaw();
    this.resize();
  }

  /** Gives the process's terminal the size of this program's. */
  resize(): void {
    if (!this.#host.isThere) return;
    const size = consoleSize();
    if (size !== undefined) this.#process.resize(size.columns, size.rows);
  }

  /** Waits for the last of the output, and makes this program's terminal as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    using _restored = this.#host;
    using _over = this.#interrupts;
    await this.#output;
    this.#over.abort();
  }

  async #passKeys(onEnd: () => void): Promise<void> {
    const reader = Deno.stdin.readable.getReader();
    const writer = this.#process.stdin.getWriter();
    for (;;) {
      const { value: keys } = await reader.read().catch(() => ({ value: undefined }));
      if (keys === undefined) {
        writer.releaseLock();
        return onEnd();
      }
      const interrupt = this.#process.interruptKey();
      try {
        await writer.write(keys);
      } catch {
        return; // the process has ended
      }
      if (interrupt !== undefined && keys.includes(interrupt)) this.#interrupts.typed();
    }
  }
}

/** The size of this program's terminal; undefined once it was hung up. */
function consoleSize(): { readonly columns: number; readonly rows: number } | undefined {
  try {
    return Deno.consoleSize();
  } catch {
    return undefined;
  }
}
