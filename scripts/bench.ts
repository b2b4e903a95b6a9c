/**
 * Compares the time of `run` of several runtimes, measured in turn in one run.
 *
 * @module
 */

import { makeBundle, run, scratchFolder } from "../tests/fixtures/bundle.ts";

/** A runtime: its name, and its words up to the command. */
interface Runtime {
  readonly name: string;
  readonly words: readonly string[];
}

const rounds = Number(Deno.args[0] ?? 20);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("usage: scripts/bench [rounds]");
  Deno.exit(2);
}

using state = scratchFolder();
using bundle = makeBundle("exit 0", (config) => {
  config.process.args = ["/bin/true"];
});
const hull = decodeURIComponent(new URL("hull", import.meta.url).pathname);

const WITHOUT_V2 = 'umount -l /sys/fs/cgroup/unified; exec "$@"';

const candidates: readonly Runtime[] = [
  { name: "hull", words: [hull, "--root", `${state.path}/hull`] },
  { name: "runc", words: ["runc", "--root", `${state.path}/runc`] },
  { name: "crun", words: ["crun", "--root", `${state.path}/crun`] },
  // On a hybrid host crun starts nothing while it sees the v2 tree beside the v1 ones.
  {
    name: "crun in a mount namespace",
    words: ["unshare", "-m", "sh", "-c", WITHOUT_V2, "sh", "crun", "--root", `${state.path}/crun2`],
  },
];

let count = 0;

/** One container; gives milliseconds, or why it did not work. */
async function time({ words: [program = "", ...words] }: Runtime): Promise<number | string> {
  const args = [...words, "run", "--bundle", bundle.folder, `hull-bench-${count++}`];
  const command = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const start = performance.now();
  const { code, stderr } = await command.output();
  const milliseconds = performance.now() - start;
  return code === 0 ? milliseconds : new TextDecoder().decode(stderr).trim() || `exit code ${code}`;
}

const times = new Map<string, number[]>();
const runtimes: Runtime[] = [];
for (const runtime of candidates) {
  if (runtime.name.startsWith("crun in") && times.has("crun")) continue;
  const first = await time(runtime); // the first one fills caches and is not counted
  if (typeof first === "string") console.log(`${runtime.name} left out: ${first}`);
  else {
    runtimes.push(runtime);
    times.set(runtime.name, []);
  }
}
for (let round = 0; round < rounds; round++) {
  for (const runtime of runtimes) {
    const took = await time(runtime);
    if (typeof took === "string") throw new Error(`${runtime.name}: ${took}`);
    times.get(runtime.name)?.push(took);
  }
}

/** The middle of the values, and the middle half's ends. */
function quartiles(values: readonly number[]): readonly [number, number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return [at(0.25) ?? 0, at(0.5) ?? 0, at(0.75) ?? 0];
}

console.log(`${rounds} rounds, ${run("uname", "-r").trim()}, median (middle half) in ms`);
const [, base] = quartiles(times.get("hull") ?? []);
for (const [name, values] of times) {
  const [low, middle, high] = quartiles(values);
  const range = `${low.toFixed(1)} to ${high.toFixed(1)}`;
  const ratio = name === "hull" ? "" : `  hull takes ${(base / middle).toFixed(2)} times as long`;
  console.log(`${name.padEnd(26)} ${middle.toFixed(1).padStart(7)}  (${range})${ratio}`);
}
