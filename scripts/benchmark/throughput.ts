/**
 * How many untrusted jobs a second one program runs, so many at a time, and for how long its event
 * loop stands meanwhile: `deno run -A scripts/benchmark/throughput.ts [JOBS [AT_ONCE]]`.
 *
 *     {"jobs":200,"atOnce":8,"perSecond":71.3,"ownCpuMs":9.1,"p50Ms":108,"p99Ms":152,"standP99Ms":14.2,…}
 *
 * `ownCpuMs` is the CPU time of this program for each job, of all its threads; a stand is the longest
 * time in a job's life in which no timer could go off, and `standP99Ms` that of all but the worst
 * hundredth of the jobs.
 *
 * @module
 */

import { Factory, run } from "../../mod.ts";
import { numbersOf } from "../numbers.ts";
import { quantile } from "./statistics.ts";

const TICK_MS = 1;
const WARM_UP = 16;
const TICKS_PER_SECOND = 100;

/** What a judge would ask for. */
const JOB = {
  stdin: "a question\n",
  cwd: "/tmp",
  user: { uid: 65_534, gid: 65_534 },
  capabilities: {},
  noNewPrivileges: true,
  limits: { memoryBytes: 64 * 2 ** 20, pids: 32, cpus: 1 },
  deadlineMs: 10_000,
  outputLimit: 65_536,
} as const;

interface Stand {
  readonly end: number;
  readonly ms: number;
}

/** Notes each time that a timer goes off late. */
class Stands implements Disposable {
  readonly #stands: Stand[] = [];
  #last = performance.now();
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  /** The longest one that lay in a span of time, at least in part. */
  longest(from: number, to: number): number {
    const within = this.#stands.filter(({ end, ms }) => end >= from && end - ms <= to);
    return within.reduce((most, { ms }) => Math.max(most, ms), 0);
  }

  #tick(): void {
    const end = performance.now();
    this.#stands.push({ end, ms: end - this.#last - TICK_MS });
    this.#last = end;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** CPU time of this program so far, in milliseconds: proc_pid_stat(5). */
function ownCpuMs(): number {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

const [jobs = 200, atOnce = 8] = numbersOf(Deno.args);
const root = "/run/hull-throughput";
const factory = new Factory({ root });

async function job(): Promise<void> {
  const { stdout, code } = await run(["sh", "-c", "cat; exit 3"], { ...JOB, factory });
  if (code !== 3 || stdout !== JOB.stdin) throw new Error(`the job ended with ${code}: ${stdout}`);
}

/** Runs jobs, so many at a time; calls back for each with its begin and end. */
async function runAll(count: number, done: (from: number, to: number) => void): Promise<void> {
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const from = performance.now();
      await job();
      done(from, performance.now());
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

await runAll(WARM_UP, () => {});
using stands = new Stands();
const spans: { readonly from: number; readonly to: number }[] = [];
const [began, cpu] = [performance.now(), ownCpuMs()];
await runAll(jobs, (from, to) => spans.push({ from, to }));
const [took, used] = [performance.now() - began, ownCpuMs() - cpu];
const rounded = (value: number) => Math.round(value * 10) / 10;
const times = spans.map(({ from, to }) => to - from);
const longest = spans.map(({ from, to }) => stands.longest(from, to));
console.log(JSON.stringify({
  jobs,
  atOnce,
  perSecond: rounded(jobs / took * 1000),
  ownCpuMs: rounded(used / jobs),
  p50Ms: rounded(quantile(times, 0.5)),
  p99Ms: rounded(quantile(times, 0.99)),
  standP50Ms: rounded(quantile(longest, 0.5)),
  standP99Ms: rounded(quantile(longest, 0.99)),
  standMaxMs: rounded(Math.max(...longest)),
}));
