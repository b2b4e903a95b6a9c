/**
 * Signals that come while hull makes something that must not stay half made.
 *
 * @module
 */

const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Turns the first signal into an abort. At the end of the scope, when all is cleaned up, the signal
 * ends this program as it would have ended it at once.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners = SIGNALS.map((name) => [name, () => this.#take(name)] as const);
  #came: Deno.Signal | undefined;

  /** Takes the signals from now on. */
  constructor() {
    for (const [name, listener] of this.#listeners) Deno.addSignalListener(name, listener);
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Lets the signals do what they did before; ends this program if one came. */
  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) Deno.removeSignalListener(name, listener);
    if (this.#came !== undefined) Deno.kill(Deno.pid, this.#came);
  }

  #take(name: Deno.Signal): void {
    this.#came ??= name;
    this.#controller.abort();
  }
}
