/**
 * Signals that came before somebody waited for them.
 *
 * @module
 */

import type { Message } from "./message.ts";

const MOST = 4096;
const MOST_BYTES = 16 * 1024 * 1024;

/** Keeps signals up to a number and a size, the newest of them. */
export class KeptSignals {
  #kept: { readonly message: Message; readonly size: number }[] = [];
  #bytes = 0;

  /** Keeps one; the oldest make room for it. */
  keep(message: Message, size: number): void {
    this.#kept.push({ message, size });
    this.#bytes += size;
    while (this.#kept.length > MOST || this.#bytes > MOST_BYTES) this.#remove(0);
  }

  /** Takes the oldest that is accepted. */
  take(accepts: (message: Message) => boolean): Message | undefined {
    const at = this.#kept.findIndex(({ message }) => accepts(message));
    return at < 0 ? undefined : this.#remove(at);
  }

  /** Forgets all. */
  clear(): void {
    this.#kept = [];
    this.#bytes = 0;
  }

  #remove(at: number): Message | undefined {
    const [kept] = this.#kept.splice(at, 1);
    this.#bytes -= kept?.size ?? 0;
    return kept?.message;
  }
}
