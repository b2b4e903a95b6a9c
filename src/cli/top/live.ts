/**
 * `hull top` at a terminal: draws at every interval and at every key.
 *
 * @module
 */

import { timerMs } from "../../../ffi/waiting/timers.ts";
import { ContainerError } from "../../errors.ts";
import { draw, type Look, pageOf } from "./draw.ts";
import { type Key, KeyDecoder } from "./keys.ts";
import type { Order } from "./order.ts";
import type { Round } from "./round.ts";
import { Screen } from "./screen.ts";
import { type Action, firstView, pressed, type View } from "./view.ts";
import type { Watch } from "./watch.ts";

/** How long after an ESC the rest of a sequence may come. */
const ESCAPE_MS = 50;
const FIRST_MS = 250;

/** What is shown, and for how long. */
export interface LiveOptions {
  readonly watch: Watch;
  readonly root: string;
  readonly intervalMs: number;
  /** After so many rounds it ends; Infinity for never. */
  readonly iterations: number;
  readonly order: Order;
  readonly look: Look;
}

/** Shows the table until a key or a signal ends it; gives hull's exit code. */
export async function live(options: LiveOptions): Promise<number> {
  using table = new Live(options);
  return await table.run();
}

class Live implements Disposable {
  readonly #options: LiveOptions;
  readonly #screen: Screen;
  readonly #over = Promise.withResolvers<number>();
  readonly #keys = new KeyDecoder();
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];
  #round: Round;
  #rounds = 0;
  #view: View;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #escape: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#view = firstView(options.order);
    this.#round = options.watch.round(); // if the root can't be read, this tells before all else
    this.#listeners = [
      ["SIGWINCH", () => this.#drawAnew()],
      ["SIGCONT", () => this.#goOn()],
      ["SIGTSTP", () => this.#stop()],
      ["SIGINT", () => this.#over.resolve(130)],
      ["SIGTERM", () => this.#over.resolve(143)],
      ["SIGHUP", () => this.#over.resolve(129)],
    ];
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
    this.#screen = new Screen();
  }

  async run(): Promise<number> {
    this.#draw();
    void this.#readKeys();
    // Rates need two rounds: the second one comes soon.
    this.#schedule(Math.min(FIRST_MS, this.#options.intervalMs));
    return await this.#over.promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#escape);
    this.#screen[Symbol.dispose]();
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }

  #schedule(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#tick(), timerMs(milliseconds));
  }

  #tick(): void {
    const began = performance.now();
    const { watch, intervalMs, iterations } = this.#options;
    try {
      this.#round = watch.round();
    } catch (error) {
      return this.#over.reject(error);
    }
    this.#draw();
    this.#rounds++;
    if (this.#rounds >= iterations) return this.#over.resolve(0);
    this.#schedule(Math.max(intervalMs / 4, intervalMs - (performance.now() - began)));
  }

  #draw(): void {
    const { root, intervalMs, look } = this.#options;
    const frame = { round: this.#round, view: this.#view, root, intervalMs };
    this.#screen.show(draw(frame, this.#screen.size, look));
  }

  #drawAnew(): void {
    this.#screen.clear();
    this.#draw();
  }

  /** `^Z`: other programs use the terminal meanwhile. */
  #stop(): void {
    this.#screen.giveBack();
    Deno.kill(Deno.pid, "SIGSTOP");
  }

  #goOn(): void {
    this.#screen.take();
    this.#draw();
  }

  async #readKeys(): Promise<void> {
    const bytes = new Uint8Array(4096);
    for (;;) {
      const count = await Deno.stdin.read(bytes).catch(() => null);
      if (count === null) return this.#over.resolve(129); // the terminal is gone
      clearTimeout(this.#escape);
      this.#press(this.#keys.take(bytes.subarray(0, count)));
      if (!this.#keys.isMidway) continue;
      this.#escape = setTimeout(() => this.#press(this.#keys.end()), ESCAPE_MS);
    }
  }

  #press(keys: readonly Key[]): void {
    for (const key of keys) {
      const [view, action] = pressed(
        this.#view,
        key,
        this.#round.rows,
        pageOf(this.#screen.size),
      );
      this.#view = view;
      this.#act(action);
    }
    if (keys.length > 0) this.#draw();
  }

  #act(action: Action): void {
    if (action.kind === "quit") this.#over.resolve(0);
    else if (action.kind === "redraw") this.#screen.clear();
    else if (action.kind === "kill") {
      const { row: { id, container }, signal } = action;
      this.#view = { ...this.#view, message: send(container, signal, id) };
    }
  }
}

function send(
  container: { signal(name: string): void } | undefined,
  signal: string,
  id: string,
): string {
  try {
    container?.signal(signal);
    return `${id} was sent ${signal}`;
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    return error.summary; // its hint is for programs, and the line is short
  }
}
