/**
 * A trace: what hull did and for how long, as the JSON that Perfetto and chrome://tracing open.
 *
 * Source: the "Trace Event Format" of Chrome's tracing.
 *
 * @module
 */

import type { ContainerErrorJson } from "../errors.ts";
import { SPANS } from "./spans.ts";

/** An event of the file. Times are microseconds of the kernel's monotonic clock, since the boot. */
export interface TraceEvent {
  /** What was done, such as `create`, or the name of a plan's step. */
  readonly name: string;
  /** `X` for a span, `i` for a moment, `M` for a name. */
  readonly ph: "X" | "i" | "M";
  /**
   * `parent`: this program; `init`: TypeScript of a re-executed init; `plan`: a step of the plan.
   */
  readonly cat?: "parent" | "init" | "plan";
  /** When it began. */
  readonly ts: number;
  /** How long it took; spans alone have it. */
  readonly dur?: number;
  /** The process on the host that did it. */
  readonly pid: number;
  /** The row that it is shown in. Rows of work that went on side by side have made-up numbers. */
  readonly tid: number;
  /** The scope of a moment. */
  readonly s?: "t";
  /** What else is known: the error of a span that failed, `open` for one that still went on. */
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The whole file. */
export interface TraceJson {
  /** The unit in which a viewer shows times; those of the events are microseconds. */
  readonly displayTimeUnit: "ms";
  /** All events in the order of their beginning; a span comes before those inside it. */
  readonly traceEvents: readonly TraceEvent[];
}

/** Events of another process, in milliseconds of this program's `performance.now()`. */
export type TraceSource = () => readonly TraceEvent[];

/** In a millisecond. */
const NANOSECONDS = 1e6;
/** The lanes beside the main one are numbered from here: no thread has such a number. */
const LANES = 0x4000_0000;

/**
 * Collects a trace. What is measured takes some microseconds longer; without a trace nothing is
 * measured.
 *
 * @example The trace of one container's life
 * ```ts
 * import { assert } from "@std/assert";
 * import { Factory, Process, Trace } from "@hull/hull";
 *
 * const trace = new Trace();
 * const factory = new Factory({ trace });
 * await using container = await factory.create("traced");
 * const process = new Process({ args: ["true"] });
 * await container.run(process);
 * await process.wait();
 * const { traceEvents } = await trace.json(); // JSON.stringify gives the file
 * assert(traceEvents.some(({ cat, name }) => cat === "plan" && name === "mounts"));
 * ```
 */
export class Trace {
  /**
   * The lane for work that is done one piece after another.
   *
   * @ignore for hull's own rooms
   */
  readonly main: Lane;
  readonly #lanes: Lane[] = [];
  readonly #taken = new Set<Lane>();
  readonly #events: TraceEvent[] = [];
  readonly #sources = new Set<TraceSource>();
  readonly #failed = new WeakSet<Error>();

  /**
   * Begins a trace; a {@linkcode Factory} that is given it adds to it from then on.
   *
   * @param name what this program is called in the trace
   */
  constructor(name = "hull") {
    this.#events.push(nameProcess(Deno.pid, name));
    this.main = this.#newLane();
  }

  /**
   * A lane for work that may go on beside other work; it is free again when it is disposed.
   *
   * @ignore for hull's own rooms
   */
  take(): TakenLane {
    const lane = this.#lanes.find((each) => !this.#taken.has(each)) ?? this.#newLane();
    this.#taken.add(lane);
    return { lane, [Symbol.dispose]: () => void this.#taken.delete(lane) };
  }

  /**
   * Adds a source whose events are asked for when the trace is read.
   *
   * @ignore for hull's own rooms
   */
  add(source: TraceSource): void {
    this.#sources.add(source);
  }

  /**
   * Takes the events of a source that has ended, for good.
   *
   * @ignore for hull's own rooms
   */
  settle(source: TraceSource): void {
    if (!this.#sources.delete(source)) return;
    for (const event of source()) this.#events.push(event);
  }

  /** The trace up to now. It may be asked for again: later calls give what came since, too. */
  async json(): Promise<TraceJson> {
    const { CLOCK, clockOrigin } = await import("../../ffi/program/clock.ts");
    const origin = Number(clockOrigin(CLOCK.monotonic));
    // In whole nanoseconds, so that a span which follows another begins exactly where that ends.
    const since = (ms: number) => Math.round(origin + ms * NANOSECONDS);
    const open = [...this.#sources].flatMap((source) => source());
    const spans = this.#lanes.flatMap((lane) => lane.open());
    const traceEvents = [...this.#events, ...open, ...spans].map((event) => {
      if (event.ph === "M") return event;
      const [ts, end] = [since(event.ts), since(event.ts + (event.dur ?? 0))] as const;
      const dur = event.dur === undefined ? {} : { dur: (end - ts) / 1000 };
      return { ...event, ts: ts / 1000, ...dur };
    });
    // A span comes before those in it. The sort is stable: the steps of a plan keep their order.
    traceEvents.sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
    return { displayTimeUnit: "ms", traceEvents };
  }

  #newLane(): Lane {
    const tid = this.#lanes.length === 0 ? Deno.pid : LANES + this.#lanes.length;
    const lane = new Lane(this, tid, this.#events, this.#failed);
    this.#lanes.push(lane);
    return lane;
  }
}

/** A lane that nobody else writes to. */
export interface TakenLane extends Disposable {
  readonly lane: Lane;
}

/** Spans one inside another, of one line of work. */
export class Lane {
  /** The trace that it belongs to. */
  readonly trace: Trace;
  readonly #tid: number;
  readonly #events: TraceEvent[];
  readonly #failed: WeakSet<Error>;
  readonly #open = new Set<TraceEvent>();

  /** Made by a {@linkcode Trace}. */
  constructor(trace: Trace, tid: number, events: TraceEvent[], failed: WeakSet<Error>) {
    this.trace = trace;
    this.#tid = tid;
    this.#events = events;
    this.#failed = failed;
  }

  /** Adds a span of the past, in milliseconds of `performance.now()`. */
  add(name: string, from: number, to: number): void {
    this.#events.push({ ...this.#event(name, from), dur: to - from });
  }

  /** Runs work as a span. If it fails, the innermost span tells how. */
  span<T>(name: string, work: () => T): T {
    const event = this.#event(name, performance.now());
    this.#open.add(event);
    const end = (args?: TraceEvent["args"]) => {
      this.#open.delete(event);
      const dur = performance.now() - event.ts;
      this.#events.push({ ...event, dur, ...(args === undefined ? {} : { args }) });
    };
    const fail = (error: unknown): never => {
      const isFirst = !(error instanceof Error) || !this.#failed.has(error);
      if (error instanceof Error) this.#failed.add(error);
      end(isFirst ? { error: describeError(error) } : { failed: true });
      throw error;
    };
    let result: T;
    try {
      result = work();
    } catch (error) {
      return fail(error);
    }
    if (result instanceof Promise) {
      return result.then((value: unknown) => {
        end();
        return value;
      }, fail) as T;
    }
    end();
    return result;
  }

  /**
   * Has methods of one object run as spans from now on, whoever calls them: so work is traced from
   * outside, and knows nothing of it.
   *
   * @param which methods, and as what: see spans.ts
   */
  watch<Which extends keyof typeof SPANS>(
    steps: Readonly<Record<keyof typeof SPANS[Which], (...args: never[]) => unknown>>,
    which: Which,
  ): void {
    for (const [key, name] of Object.entries(SPANS[which])) {
      const method = Reflect.get(steps, key) as () => unknown;
      const value = (...args: unknown[]) =>
        this.span(name, () => Reflect.apply(method, steps, args));
      Object.defineProperty(steps, key, { value });
    }
  }

  /** The spans that go on, as far as they have come. */
  open(): TraceEvent[] {
    const now = performance.now();
    return [...this.#open].map((event) => ({
      ...event,
      dur: now - event.ts,
      args: { open: true },
    }));
  }

  #event(name: string, ts: number): TraceEvent {
    return { name, ph: "X", cat: "parent", ts, pid: Deno.pid, tid: this.#tid };
  }
}

/** The event that gives a process its name. */
export function nameProcess(pid: number, name: string): TraceEvent {
  return { name: "process_name", ph: "M", ts: 0, pid, tid: pid, args: { name } };
}

/** An error as an event's argument. */
export function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (error instanceof Error && "toJSON" in error && typeof error.toJSON === "function") {
    const { message: _summary, ...details } = error.toJSON() as ContainerErrorJson;
    return { message: error.message, ...details };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}
