/**
 * An online judge: runs a solution on each case, without network or rights and within limits, and
 * tells what became of it.
 *
 *     deno run -A examples/judge.ts SOLUTION.py CASES        # a folder of 1.in, 1.out, 2.in …
 *
 *     1 accepted 41 ms 9.1 MiB
 *     2 time limit 2000 ms 3.4 MiB
 *
 * @module
 */

import { Factory, type Limits, type Output, run, type Usage } from "../mod.ts";

/** One case: what the solution reads, and what it has to write. */
export interface Case {
  readonly input: string;
  readonly expected: string;
}

/** What became of one case. */
export interface Judged {
  readonly verdict: string;
  readonly usage: Usage;
}

const MIB = 2 ** 20;
const LIMITS: Limits = { memoryBytes: 256 * MIB, pids: 16, cpus: 1 };
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Runs a solution on all cases, so many at once. */
export async function judge(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  cases: readonly Case[],
  { deadlineMs = 2000, limits = LIMITS, atOnce = 4, factory = new Factory() } = {},
): Promise<Judged[]> {
  const judged: Judged[] = [];
  const waiting = [...cases.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [k, { input: stdin, expected }] = next;
      const wishes = { files, user: NOBODY, cwd: "/tmp", capabilities: [] };
      const output = await run(args, {
        stdin,
        wishes,
        limits,
        deadlineMs,
        outputLimit: MIB,
        factory,
      });
      judged[k] = { verdict: verdictOf(output, expected), usage: output.usage };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return judged;
}

function verdictOf(output: Output, expected: string): string {
  if (output.timedOut) return "time limit";
  if (output.oomKilled) return "memory limit";
  if (output.truncated) return "output limit";
  if (output.code !== 0) return `runtime error (${output.code})`;
  return output.stdout.trimEnd() === expected.trimEnd() ? "accepted" : "wrong answer";
}

if (import.meta.main) {
  const [solution, folder] = Deno.args;
  if (solution === undefined || folder === undefined) throw new Error("usage: judge.ts FILE CASES");
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".in")).map((name) => name.slice(0, -3)).sort();
  const read = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  const cases = names.map((name) => ({
    input: read(`${name}.in`),
    expected: read(`${name}.out`),
  }));
  const files = { "/solution.py": Deno.readTextFileSync(solution) };
  const judged = await judge(["python3", "/solution.py"], files, cases);
  for (const [k, { verdict, usage }] of judged.entries()) {
    const mib = ((usage.memoryPeakBytes ?? 0) / MIB).toFixed(1);
    console.log(names[k], verdict, Math.round(usage.wallMs), "ms", mib, "MiB");
  }
}
