/**
 * A program that starts containers one after another, and notes how long each took and for how long
 * the event loop stood meanwhile: `latency_program.ts SETTINGS`, both in JSON.
 *
 * @module
 */

import { Factory, Process } from "../../mod.ts";
import type { Config } from "../../src/config/types/config.ts";

/** What it does. */
export interface Settings {
  readonly what: "run" | "exec";
  readonly root: string;
  readonly bundle: string;
  readonly starts: number;
  readonly heapMib: number;
}

/** What it notes, in milliseconds; times of starts, and of the loop's longest stand in each. */
export interface Notes {
  readonly tookMs: readonly number[];
  readonly blockedMs: readonly number[];
  /** The longest stands while nothing is started, as often. */
  readonly idleMs: readonly number[];
}

const WARM_UP = 10;
const TICK_MS = 1;
/** A mebibyte of numbers. */
const NUMBERS = 2 ** 17;

/** Watches how late a timer is that goes off all the time. */
class LoopWatch implements Disposable {
  #last = performance.now();
  #longest = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** The longest time that the loop stood since the last call. */
  take(): number {
    this.#tick();
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - TICK_MS);
    this.#last = now;
  }
}

const settings = JSON.parse(Deno.args[0] ?? "{}") as Settings;
const heap = Array.from({ length: settings.heapMib }, () => new Array(NUMBERS).fill(0.5));
const config = JSON.parse(Deno.readTextFileSync(`${settings.bundle}/config.json`)) as Config;
const factory = new Factory({ root: settings.root });
const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
const program = ["/bin/true"];

async function run(id: string): Promise<void> {
  await using container = await factory.create(id, config, { bundle: settings.bundle });
  const process = new Process({ ...quiet, args: program });
  await container.run(process);
  await succeed(process);
}

async function succeed(process: Process): Promise<void> {
  const { code } = await process.wait();
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}

/** Does it so many times. */
async function repeat(times: number, work: (k: number) => Promise<void>): Promise<Notes> {
  const notes = { tookMs: [] as number[], blockedMs: [] as number[], idleMs: [] as number[] };
  using watch = new LoopWatch();
  for (let k = 0; k < times; k++) {
    abort.signal.throwIfAborted();
    const begin = performance.now();
    await work(k);
    const took = performance.now() - begin;
    notes.tookMs.push(took);
    notes.blockedMs.push(watch.take());
    await new Promise((resolve) => setTimeout(resolve, took));
    notes.idleMs.push(watch.take());
  }
  return notes;
}

async function measure(): Promise<Notes> {
  if (settings.what === "run") {
    for (let k = 0; k < WARM_UP; k++) await run(`hull-bench-warm-${k}`);
    return await repeat(settings.starts, (k) => run(`hull-bench-start-${k}`));
  }
  await using container = await factory.create("hull-bench-inhabited", config, {
    bundle: settings.bundle,
  });
  const first = new Process({ ...quiet, args: ["/bin/sleep", "7200"] });
  await container.run(first);
  const join = async () => {
    const process = new Process({ ...quiet, args: program });
    await container.start(process);
    await succeed(process);
  };
  for (let k = 0; k < WARM_UP; k++) await join();
  return await repeat(settings.starts, join);
}

// Who interrupts the benchmark interrupts this program too, and its containers must go.
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => abort.abort(new Error(`ended by ${name}`)));
}
const notes = await measure();
if (heap.length !== settings.heapMib) throw new Error("the heap is gone");
console.log(JSON.stringify(notes));
Deno.exit(0);
