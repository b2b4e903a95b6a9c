/**
 * Starts and ends containers, and further processes in one, from one program and counts what it and the host hold before, between
 * and after. Exits with 1 if something stayed.
 *
 * @module
 */

import { numbersOf } from "./numbers.ts";
import { Factory, Process } from "../mod.ts";
import { countFds, openedSince, openFds } from "../tests/fixtures/open_fds.ts";

const [rounds = 1000, atOnce = 50] = numbersOf(Deno.args);
const WARM_UP = 50;
/** Of resident memory: an engine's own buffers come and go. */
const SLACK_MIB = 32;

/** What is counted. */
interface Count {
  readonly fds: number;
  readonly children: number;
  readonly cgroups: number;
  readonly mounts: number;
  readonly state: number;
  readonly residentMib: number;
}

const root = Deno.makeTempDirSync({ prefix: "hull-soak-" });
const factory = new Factory({ root });

async function one(id: string): Promise<void> {
  await using container = await factory.create(id);
  const process = new Process({ args: ["/bin/sh", "-c", "exit 7"], stdin: "null" });
  await container.run(process);
  const { code } = await process.wait();
  if (code !== 7) throw new Error(`${id} ended with ${code}`);
}

/** Further processes of one container, one after another. */
async function execs(): Promise<void> {
  await using container = await factory.create("hull-soak-exec");
  const first = new Process({ args: ["/bin/sh", "-c", "sleep 100000"], stdin: "null" });
  await container.run(first);
  for (let k = 0; k < rounds; k++) {
    const process = new Process({ args: ["/bin/sh", "-c", "exit 7"], stdin: "null" });
    await container.start(process);
    const { code } = await process.wait();
    if (code !== 7) throw new Error(`process ${k} ended with ${code}`);
  }
  container.signal("KILL");
  await first.wait();
}

function count(): Count {
  const own = Deno.readTextFileSync(`/proc/${Deno.pid}/task/${Deno.pid}/children`);
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc === "function") gc();
  return {
    fds: countFds(),
    children: own.split(" ").filter((pid) => pid !== "").length,
    cgroups: countCgroups(),
    mounts: Deno.readTextFileSync("/proc/self/mountinfo").split("\n").length - 1,
    state: entries(root),
    residentMib: Math.round(Deno.memoryUsage().rss / 2 ** 20),
  };
}

function entries(folder: string): number {
  return [...Deno.readDirSync(folder)].length;
}

/** The cgroups of the kernel's own table, one line a controller. */
function countCgroups(): number {
  const lines = Deno.readTextFileSync("/proc/cgroups").split("\n").slice(1);
  return lines.reduce((sum, line) => sum + Number(line.split("\t")[2] ?? 0), 0);
}

/** Gives the kernel time to free what removed cgroups held. */
async function settled(target: Count): Promise<Count> {
  let now = count();
  for (let waited = 0; waited < 100 && now.cgroups > target.cgroups; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = count();
  }
  return now;
}

async function measure(what: string, work: () => Promise<void>, before: Count): Promise<Count> {
  const start = performance.now();
  await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const after = await settled(before);
  console.log(`${what}: ${seconds} s; ${JSON.stringify(after)}`);
  return after;
}

async function allAtOnce(): Promise<void> {
  await Promise.all(Array.from({ length: atOnce }, (_, k) => one(`hull-soak-${k}`)));
}

// What an engine keeps for later, it takes in the first rounds.
for (let k = 0; k < WARM_UP; k++) await one(`hull-soak-${k}`);
await allAtOnce();
const before = count();
const open = openFds();
console.log(`before: ${JSON.stringify(before)}`);
await measure(`${rounds} one after another`, async () => {
  for (let k = 0; k < rounds; k++) await one(`hull-soak-${k}`);
}, before);
await measure(`${rounds} execs in one container`, execs, before);
const after = await measure(`${atOnce} at once`, allAtOnce, before);
Deno.removeSync(root, { recursive: true });

const kept = Object.keys(before).filter((key) => {
  const name = key as keyof Count;
  return after[name] > before[name] + (name === "residentMib" ? SLACK_MIB : 0);
});
console.log(kept.length === 0 ? "nothing was left" : `left behind: ${kept.join(", ")}`);
if (kept.includes("fds")) console.log(openedSince(open).join("\n"));
Deno.exit(kept.length === 0 ? 0 : 1);
