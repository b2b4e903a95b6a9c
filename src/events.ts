/**
 * What happens in a container while it lives, as a sequence that the reader takes at its own pace.
 * Nothing is collected for a reader that does not ask.
 *
 * @module
 */

import type { Fd } from "../ffi/files/file.ts";
import { signalPidfd } from "../ffi/processes/process.ts";
import type { Poller } from "../ffi/waiting/poll.ts";
import { timerMs } from "../ffi/waiting/timers.ts";
import type { Stats } from "./cgroups/stats.ts";
import type { InterfaceStats } from "./network/interface_stats.ts";
import { type OomWatch, watchOom } from "./cgroups/oom_watch.ts";

/** What a container uses, and what went through its interfaces. */
export interface ContainerStats extends Stats {
  /** Those interfaces that have an end on the host. */
  readonly networkInterfaces: readonly InterfaceStats[];
}

/** An event: at every interval what the container uses, or that its memory ran out. */
export type ContainerEvent =
  | { readonly type: "stats"; readonly id: string; readonly data: ContainerStats }
  | { readonly type: "oom"; readonly id: string };

/** Which events, and until when. */
export interface EventOptions {
  /** Milliseconds between two `stats`; none are given without it. */
  readonly intervalMs?: number | undefined;
  /** Ends the sequence, even while the reader waits for the next event. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the events come from. */
export interface EventSource {
  readonly id: string;
  /**
   * A pidfd of the first process, with whose end the sequence ends. It is taken over and closed.
   */
  readonly init: Fd;
  readonly cgroupPaths: Readonly<Record<string, string>>;
  readonly poller: Poller;
  readonly stats: () => ContainerStats;
}

type Happening = "ended" | "oom" | "tick" | "aborted";

/**
 * The events until the container's first process ends. OOMs that happened while the reader was busy
 * are given one by one; stats that it missed are skipped.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function* watchEvents(
  source: EventSource,
  { intervalMs, signal }: EventOptions,
): AsyncGenerator<ContainerEvent, void, void> {
  const { id, stats } = source;
  using waits = new Waits(source, intervalMs, signal);
  for (;;) {
    const happening = await waits.next();
    for (let ooms = waits.takeOoms(); ooms > 0; ooms--) yield { type: "oom", id };
    if (happening === "ended" || happening === "aborted") return;
    if (happening !== "tick") continue;
    const data = unlessGone(stats, () => waits.hasEnded());
    if (data === undefined) return;
    yield { type: "stats", id, data };
  }
}

/** Another program may delete the container while its files are read. */
function unlessGone(
  read: () => ContainerStats,
  hasEnded: () => boolean,
): ContainerStats | undefined {
  try {
    return read();
  } catch (error) {
    if (hasEnded()) return undefined;
    throw error;
  }
}

/** The waits that go on from one event to the next. */
class Waits implements Disposable {
  readonly #init: Fd;
  readonly #poller: Poller;
  readonly #oom: OomWatch | undefined;
  readonly #intervalMs: number | undefined;
  readonly #pending = new Map<Happening, Promise<Happening>>();
  readonly #aborted: Promise<Happening> | undefined;
  readonly #stopListening: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due: number;

  constructor(
    { init, poller, cgroupPaths }: EventSource,
    intervalMs: number | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#init = init;
    this.#poller = poller;
    this.#intervalMs = intervalMs;
    this.#due = Date.now() + (intervalMs ?? 0);
    const { promise, resolve } = Promise.withResolvers<Happening>();
    const onAbort = () => resolve("aborted");
    this.#aborted = signal === undefined ? undefined : promise;
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    this.#stopListening = () => signal?.removeEventListener("abort", onAbort);
    try {
      this.#oom = watchOom(cgroupPaths);
    } catch (error) {
      init.close();
      throw error;
    }
  }

  /** What happens next; a wait that has not ended goes on in the next call. */
  async next(): Promise<Happening> {
    this.#begin("ended", () => this.#poller.wait(this.#init));
    const oom = this.#oom;
    if (oom !== undefined) this.#begin("oom", () => this.#poller.wait(oom.fd, oom.events));
    if (this.#intervalMs !== undefined) this.#begin("tick", () => this.#tick());
    const happening = await Promise.race([
      ...(this.#aborted === undefined ? [] : [this.#aborted]),
      ...this.#pending.values(),
    ]);
    this.#pending.delete(happening);
    return happening;
  }

  takeOoms(): number {
    return this.#oom?.take() ?? 0;
  }

  hasEnded(): boolean {
    return !signalPidfd(this.#init, 0);
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#poller.cancel(this.#init);
    this.#init.close();
    if (this.#oom === undefined) return;
    this.#poller.cancel(this.#oom.fd);
    this.#oom[Symbol.dispose]();
  }

  #begin(happening: Happening, wait: () => Promise<unknown>): void {
    if (this.#pending.has(happening)) return;
    this.#pending.set(happening, wait().then(() => happening));
  }

  /** Resolves at every multiple of the interval since the beginning, but never twice at once. */
  #tick(): Promise<void> {
    const interval = this.#intervalMs ?? 0;
    const pause = Math.max(0, this.#due - Date.now());
    this.#due = Math.max(this.#due, Date.now()) + interval;
    return new Promise((resolve) => {
      this.#timer = setTimeout(resolve, timerMs(pause));
    });
  }
}
