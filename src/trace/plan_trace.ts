/**
 * The part of a trace that happens in the child: the steps of the plan, with times that the child
 * writes into memory shared with this program. Loaded only for a start that is traced.
 *
 * @module
 */

import { CLOCK, clockOrigin, decodeTime } from "../../ffi/program/clock.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { SharedMemory } from "../../ffi/program/shared_memory.ts";
import { type InitLap, readInitTable } from "../../init/words/init_trace.ts";
import type { PlanItem, PlannedOperation } from "../../init/operations/operation.ts";
import {
  INIT_MARKS,
  mapMarks,
  type MarkedPlan,
  type MarkedStep,
  type MarkPlace,
  MARKS_SIZE,
  markSteps,
  OWN_ADDRESS,
  unmapMarks,
} from "../../init/operations/step_marks.ts";
import type { InitTraceFd } from "../../init/operations/init_config.ts";
import type { Config } from "../config/types/config.ts";
import { type End, joinSteps, stepEvents, type TimedStep } from "./step_events.ts";
import { nameProcess, type Trace, type TraceEvent } from "./trace.ts";

/** A birth with marks, in a program that maps the memory from its file. */
export interface SupervisedMarks {
  readonly map: readonly PlannedOperation[];
  readonly items: readonly PlannedOperation[];
  /** The operations with which the program goes on after it has made the child. */
  readonly unmap: readonly PlannedOperation[];
}

/** The trace of one child, from its clone to the user's program. */
export class PlanTrace implements Disposable {
  readonly #trace: Trace;
  readonly #name: string;
  readonly #memory = SharedMemory.create("hull-trace", MARKS_SIZE);
  readonly #clock: number;
  readonly #origin: bigint;
  readonly #source = () => this.#events();
  #birth: readonly MarkedStep[] = [];
  #own: readonly MarkedStep[] | undefined;
  #pids: readonly number[] = [];
  #roles: readonly string[] = ["launcher", "the child that joins"];
  #end: End | undefined;

  /**
   * Makes the shared memory.
   *
   * @param name what the child is called in the trace
   * @param config tells whether there is a time namespace, where the usual clock shows another time
   */
  constructor(trace: Trace, name: string, { linux: { namespaces = [] } = {} }: Config) {
    this.#trace = trace;
    this.#name = name;
    const isShifted = namespaces.some(({ type }) => type === "time");
    this.#clock = isShifted ? CLOCK.realtime : CLOCK.monotonic;
    this.#origin = clockOrigin(this.#clock);
    trace.add(this.#source);
  }

  /** The memory's file, for a program that the child becomes. */
  get file(): Fd {
    return this.#memory.file;
  }

  /** What a re-executed init is told, which has the file as `fd`. */
  forInit(fd: number): InitTraceFd {
    return { fd, clock: this.#clock };
  }

  /** Marks the program that begins with the clone, in memory that the child shares or inherits. */
  markBirth<Item extends PlanItem>(items: readonly Item[]): (Item | PlannedOperation)[] {
    const { address } = this.#memory;
    const marked = markSteps(items, { address, first: 0, clock: this.#clock });
    this.#birth = marked.steps;
    return marked.items;
  }

  /**
   * Marks the same as a part of a supervisor's program, which has the file under its own number.
   */
  markSupervised(birth: readonly PlannedOperation[]): SupervisedMarks {
    const { items, steps } = markSteps(birth, this.#ownPlace(0));
    this.#birth = steps;
    return { map: mapMarks("clone", this.file.number), items, unmap: unmapMarks("clone") };
  }

  /** Marks a plan that becomes an executable, which has the file as `fd`. */
  markProgram(plan: readonly PlanItem[], fd: number): PlanItem[] {
    const [first] = plan;
    if (first === undefined) return [];
    return [...mapMarks(first.step, fd), ...this.markOwn((place) => markSteps(plan, place))];
  }

  /**
   * Marks such a plan in a way of its own.
   *
   * @param roles what the processes are called that make the last one, in their order
   */
  markOwn<Item>(
    mark: (place: MarkPlace) => MarkedPlan<Item>,
    roles: readonly string[] = this.#roles,
  ): MarkedPlan<Item>["items"] {
    const { items, steps } = mark(this.#ownPlace(INIT_MARKS));
    this.#own = steps;
    this.#roles = roles;
    return items;
  }

  /**
   * Tells the pid of the child.
   *
   * @param pids the process that the clone made, and those that it made in its place
   */
  follow(...pids: readonly number[]): void {
    this.#pids = pids;
  }

  /**
   * Tells that the child has become the user's program, or has failed. Only the first call counts.
   */
  end(error?: unknown): void {
    this.#settle({ at: performance.now(), error });
  }

  /** Ends it with work that ends when the child has become the user's program. */
  async until(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.end(error);
      throw error;
    }
    this.end();
  }

  /** Ends it if nothing else has: the child's further steps are not followed. */
  [Symbol.dispose](): void {
    this.#settle({ at: performance.now(), isOpen: true });
  }

  #ownPlace(first: number): MarkPlace {
    return { address: OWN_ADDRESS, first, clock: this.#clock };
  }

  #settle(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#trace.settle(this.#source);
    this.#memory[Symbol.dispose]();
  }

  #events(): TraceEvent[] {
    const end = this.#end ?? { at: performance.now(), isOpen: true };
    const view = this.#memory.read();
    const table = readInitTable(this.#memory.file);
    // Where the host forbids a program in memory, init is re-executed after all.
    const own = table?.steps ?? this.#own ?? [];
    const [launcher] = this.#pids;
    const pidOf = ({ clones }: MarkedStep) => this.#pids[clones] ?? this.#pids.at(-1) ?? Deno.pid;
    const timed = (pid: (step: MarkedStep) => number) => (step: MarkedStep): TimedStep => ({
      ...step,
      pid: pid(step),
      ts: this.#timeOf(step, view),
    });
    const steps = joinSteps(
      this.#birth.map(timed(() => launcher ?? Deno.pid)),
      own.map(timed(pidOf)),
    );
    const laps = (table?.laps ?? []).map((lap) => this.#lapEvent(lap));
    const names = this.#pids.map((pid, k) => {
      const isLast = k === this.#pids.length - 1;
      return nameProcess(pid, isLast ? this.#name : `${this.#name}: ${this.#roles[k]}`);
    });
    return [...names, ...stepEvents(steps, laps[0]?.ts, end), ...laps];
  }

  #lapEvent({ name, from, to }: InitLap): TraceEvent {
    const origin = Number(this.#origin) / 1000;
    const [ts, until] = [from, to].map((us) => (us - origin) / 1000) as [number, number];
    const pid = this.#pids[0] ?? Deno.pid;
    return { name, ph: "X", cat: "init", ts, dur: until - ts, pid, tid: pid };
  }

  /** In milliseconds of this program's `performance.now()`; undefined if it was never reached. */
  #timeOf({ mark }: MarkedStep, view: DataView): number | undefined {
    const time = mark === undefined ? 0n : decodeTime(view, mark);
    return time === 0n ? undefined : Number(time - this.#origin) / 1e6;
  }
}
