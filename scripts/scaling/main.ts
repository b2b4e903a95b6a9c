/**
 * What hull costs with many containers and on a host with many mounts: `main.ts [containers]`.
 * Exits with 1 if `create` costs more than it may, or if something stays.
 *
 * @module
 */

import { numbersOf } from "../numbers.ts";
import { Factory } from "../../mod.ts";
import { type Bundle, makeBundle, scratchFolder } from "../../tests/fixtures/bundle.ts";
import { createOne, Crowd, threads } from "../../tests/fixtures/crowd.ts";
import { cgroupsNamed } from "../../tests/fixtures/leftovers.ts";
import { countFds } from "../../tests/fixtures/open_fds.ts";
import { installHull } from "../benchmark/installed.ts";
import { type Cost, measure } from "../benchmark/usage.ts";
import { type CreateCost, createCost, growth } from "./create_cost.ts";
import { ManyMounts } from "./many_mounts.ts";

const MOUNTS = 5000;
const PREFIX = "hull-scale-";
/** So many until an engine has compiled what it will, and its buffers have their size. */
const WARM_UP = 300;
const CHURN = 300;
/** How many times as long as alone the command may take, on a machine that has nothing else to do. */
const MOST = 1.2;
/** Of memory in use, for each container made and destroyed: an engine's buffers come and go. */
const CHURN_KIB = 16;
const KIB = 1024;

const [count = 1000] = numbersOf(Deno.args);
if (!Number.isInteger(count) || count < 1) {
  console.error("usage: scripts/soak scale [containers]");
  Deno.exit(2);
}
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => abort.abort(new Error(`ended by ${name}`)));
}
const { signal } = abort;

/** Resident memory once the garbage is gone. */
function residentKib(): number {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect === "function") collect();
  return Math.round(Deno.memoryUsage().rss / KIB);
}

/**
 * The same without what the engine has reserved for its heap and does not use, which grows by tens of
 * mebibytes at a time, and comes to rest after some thousand starts.
 */
function usedKib(): number {
  const resident = residentKib();
  const { heapTotal, heapUsed } = Deno.memoryUsage();
  return resident - Math.round((heapTotal - heapUsed) / KIB);
}

/** Prints what something costs for each of the crowd. */
async function each(what: string, work: () => void | Promise<void>): Promise<void> {
  signal.throwIfAborted();
  const { wall, cpu } = await measure(async () => await work(), true);
  console.log(
    `${what}: ${(wall / count).toFixed(3)} ms each, ${(cpu / count).toFixed(3)} ms of processor`,
  );
}

async function makeAndDestroy(factory: Factory, bundle: Bundle, times: number): Promise<void> {
  for (let k = 0; k < times; k++) {
    signal.throwIfAborted();
    await using _container = await createOne(factory, bundle, `${PREFIX}churn-${k}`);
  }
}

/** What a Factory keeps of containers that are gone. */
async function churn(factory: Factory, bundle: Bundle): Promise<boolean> {
  await makeAndDestroy(factory, bundle, WARM_UP);
  const [before, heapBefore] = [usedKib(), Deno.memoryUsage().heapUsed];
  await makeAndDestroy(factory, bundle, CHURN);
  const kib = (usedKib() - before) / CHURN;
  const heap = (Deno.memoryUsage().heapUsed - heapBefore) / CHURN / KIB;
  console.log(
    `made and destroyed ${CHURN}: for each ${kib.toFixed(1)} KiB more in use, ` +
      `${heap.toFixed(1)} KiB of them in the heap`,
  );
  return kib <= CHURN_KIB;
}

/** What each of many containers costs; they are all there when `among` is called. */
async function crowded(
  factory: Factory,
  bundle: Bundle,
  among: () => Promise<void>,
): Promise<void> {
  const [kib, fds, running] = [residentKib(), countFds(), threads()];
  const begin = performance.now();
  await using crowd = await Crowd.create(factory, bundle, PREFIX, count, signal);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`created ${count} in ${seconds} s`);
  console.log(`held: ${((residentKib() - kib) / count).toFixed(1)} KiB each in this program`);
  await each("list", () => void factory.list());
  await each("state", () => crowd.containers.forEach((container) => container.state()));
  await each(
    "load and state",
    () => crowd.containers.forEach(({ id }) => void factory.load(id).state()),
  );
  await each("stats", () => crowd.containers.forEach((container) => container.stats()));
  await each("one event of stats", async () => {
    for (const container of crowd.containers) {
      for await (const _event of container.events({ intervalMs: 1 })) break;
    }
  });
  await among();
  const waits = Promise.all(crowd.containers.map((container) => container.wait()));
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(`waiting: ${threads() - running} threads and ${countFds() - fds} fds more`);
  await each("kill and wait", async () => void await crowd.end());
  await waits;
  await each("destroy", () => crowd[Symbol.asyncDispose]());
}

function judge(what: string, cost: CreateCost, alone: readonly CreateCost[]): boolean {
  const [command, library] = [growth(cost, alone, "command"), growth(cost, alone, "library")];
  const text = ({ wall, cpu }: Cost) => `${cpu.toFixed(2)} (wall ${wall.toFixed(2)})`;
  console.log(
    `create ${what}, times the processor time of alone: command ${text(command)}, ` +
      `library ${text(library)}`,
  );
  return command.wall <= MOST;
}

async function main(): Promise<boolean> {
  using root = scratchFolder();
  using bundle = makeBundle("exec sleep 7200");
  const factory = new Factory({ root: root.path });
  const isFreed = await churn(factory, bundle);
  const hull = installHull();
  const cost = () => createCost(hull, factory, bundle, `${PREFIX}cost-`, signal);
  const before = await cost();
  let among: CreateCost | undefined;
  await crowded(factory, bundle, async () => void (among = await cost()));
  const after = await cost();
  const mounted = await (async () => {
    using _mounts = new ManyMounts(MOUNTS);
    return await cost();
  })();
  const alone = [before, after, await cost()];
  const fits = [
    among !== undefined && judge(`among ${count} containers`, among, alone),
    judge(`with ${MOUNTS} mounts`, mounted, alone),
  ];
  return isFreed && fits.every((holds) => holds);
}

const holds = await main().catch((error) => {
  if (!signal.aborted) throw error;
  console.error(`soak: ${signal.reason.message}`);
  return false;
});
const left = cgroupsNamed(PREFIX);
console.log(left.length === 0 ? "no cgroup was left" : `left behind: ${left.join(" ")}`);
Deno.exit(holds && left.length === 0 ? 0 : 1);
