/**
 * What a re-executed init adds to a trace: how long it took to reach its plan, and the steps of the
 * plan, which only init knows. Loaded only for a start that is traced.
 *
 * @module
 */

import { clockOrigin } from "../../ffi/program/clock.ts";
import { Fd, readAll, writeAll } from "../../ffi/files/file.ts";
import { seek } from "../../ffi/files/offset.ts";
import { SharedMemory } from "../../ffi/program/shared_memory.ts";
import type { InitTraceFd } from "../operations/init_config.ts";
import type { PlanItem, PlannedOperation } from "../operations/operation.ts";
import { INIT_MARKS, type MarkedStep, MARKS_SIZE, markSteps } from "../operations/step_marks.ts";

/** A piece of init's own work, in microseconds of the trace's clock. */
export interface InitLap {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** What init writes behind the marks, for its parent. */
export interface InitTable {
  readonly laps: readonly InitLap[];
  readonly steps: readonly MarkedStep[];
}

/** The trace of one init. */
export class InitTrace {
  readonly #memory: SharedMemory;
  readonly #clock: number;
  readonly #laps: InitLap[] = [];
  readonly #origin: number;
  #last = 0;

  /**
   * Takes the fd over.
   *
   * @throws {SyscallError}
   */
  constructor({ fd, clock }: InitTraceFd) {
    this.#memory = new SharedMemory(new Fd(fd), MARKS_SIZE);
    this.#clock = clock;
    this.#origin = Number(clockOrigin(clock)) / 1000;
  }

  /**
   * Notes that a piece of work has ended. It began where the last one ended, or with this program.
   */
  lap(name: string, at: number = performance.now()): void {
    const [from, to] = [this.#last, at].map((ms) => this.#origin + 1000 * ms) as [number, number];
    this.#laps.push({ name, from, to });
    this.#last = at;
  }

  /** Puts the marks into the plan, and writes the plan's table with what was measured. */
  mark<Item extends PlanItem>(plan: readonly Item[]): (Item | PlannedOperation)[] {
    this.lap("make the plan");
    const { address, file } = this.#memory;
    const { items, steps } = markSteps(plan, { address, first: INIT_MARKS, clock: this.#clock });
    const table: InitTable = { laps: this.#laps, steps };
    seek(file, MARKS_SIZE);
    writeAll(file, new TextEncoder().encode(JSON.stringify(table)));
    file.close(); // the mapping stays, up to execve
    return items;
  }
}

/** Reads that table; undefined if init did not reach its plan. */
export function readInitTable(file: Fd): InitTable | undefined {
  seek(file, MARKS_SIZE);
  const text = new TextDecoder().decode(readAll(file));
  return text === "" ? undefined : JSON.parse(text) as InitTable;
}
