/**
 * A runner of jobs, so many at a time, each of which can be cancelled while it waits or runs.
 *
 *     deno run -A examples/runner.ts < JOBS      # a shell script on each line; ^C cancels all
 *
 * @module
 */

import { type Output, run, type RunProgramOptions } from "../mod.ts";

/** A job that was given to a runner. */
export interface Job {
  /** What came of it; rejects with the reason if it was cancelled. */
  readonly output: Promise<Output>;
  /** Ends it, or keeps it from beginning. */
  cancel(reason?: unknown): void;
}

/** Runs jobs in the order in which they come. */
export class Runner implements AsyncDisposable {
  readonly #options: RunProgramOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #jobs = new Set<Job>();
  #free: number;

  /** With the options of each run. */
  constructor(atOnce: number, options: RunProgramOptions = {}) {
    this.#free = atOnce;
    this.#options = options;
  }

  /** Takes a job. */
  submit(args: readonly string[]): Job {
    const controller = new AbortController();
    const { signal } = controller;
    const job: Job = {
      output: this.#turn().then(() => run(args, { ...this.#options, signal })).finally(() => {
        this.#jobs.delete(job);
        this.#free++;
        this.#waiting.shift()?.();
      }),
      cancel: (reason) => controller.abort(reason),
    };
    this.#jobs.add(job);
    return job;
  }

  /** Cancels what is left, and waits until nothing of it is there. */
  async [Symbol.asyncDispose](): Promise<void> {
    const jobs = [...this.#jobs];
    for (const job of jobs) job.cancel(new Error("the runner ends"));
    await Promise.allSettled(jobs.map(({ output }) => output));
  }

  async #turn(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#free--;
  }
}

if (import.meta.main) {
  await using runner = new Runner(4, { deadlineMs: 60_000 });
  const scripts = (await new Response(Deno.stdin.readable).text()).trim().split("\n");
  const jobs = scripts.map((script) => runner.submit(["sh", "-c", script]));
  Deno.addSignalListener("SIGINT", () => jobs.forEach((job) => job.cancel(new Error("cancelled"))));
  for (const [k, { output }] of jobs.entries()) {
    const line = await output.then(({ code, stdout }) => `${code} ${stdout.trim()}`, String);
    console.log(`${k + 1}: ${line}`);
  }
  Deno.exit();
}
