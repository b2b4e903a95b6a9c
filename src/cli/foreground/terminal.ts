/**
 * Connects this program's terminal with the container's: keys go in as they are pressed, output
 * comes out, and the size follows.
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

  /**
   * For a process that has a terminal; `say` shows the user a message. Nothing flows before
   * `begin`.
   */
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
   * @param onUnread called when nobody reads the output any more; the process's terminal is closed
   *   then
   */
  begin(onUnread: (error: unknown) => void): void {
    this.goOn();
    const { signal } = this.#hungUp;
    const options = { preventClose: true, preventAbort: true, signal };
    this.#output = this.#process.stdout.pipeTo(Deno.stdout.writable, options).catch(onUnread);
    // The flow of keys ends with the process; nothing waits for it. If this terminal ends before,
    // it was hung up, and the process's is hung up too. If stdin is no terminal, its end is the end
    // of the input.
    void this.#passKeys(() => {
      if (this.#host.hasKeys) return this.#hungUp.abort();
      this.#process.typeEnd({ signal: this.#over.signal }).catch(() => {}); // the process has ended
    });
  }

  /** Sets up the terminal again, after this program was stopped and others used it. */
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

  /** Waits for the rest of the output, and restores this program's terminal. */
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
