/**
 * Many containers with a pair of interfaces each on one bridge, some of them created at once, from
 * one program; in a network namespace of its own. Prints the time a container takes, with the
 * interfaces and without, and what is held before and after. Exits with 1 if something stayed.
 *
 * @module
 */

import { numbersOf } from "./numbers.ts";
import { type Container, Factory, type Network, Process } from "../mod.ts";
import { cgroupsNamed } from "../tests/fixtures/leftovers.ts";
import { countFds, openedSince, openFds } from "../tests/fixtures/open_fds.ts";
import { until } from "../tests/fixtures/until.ts";

const [containers = 200, atOnce = 10] = numbersOf(Deno.args);
const NAME = "hull-soaknet";
/** Of resident memory: an engine grows over its first hundreds of starts, and its buffers come and go. */
const SLACK_MIB = 64;

/** What is counted. */
interface Count {
  readonly links: number;
  readonly fds: number;
  readonly children: number;
  readonly cgroups: number;
  readonly state: number;
  readonly residentMib: number;
}

const root = Deno.makeTempDirSync({ prefix: "hull-soak-" });
const factory = new Factory({ root });

function count(): Count {
  const own = Deno.readTextFileSync(`/proc/${Deno.pid}/task/${Deno.pid}/children`);
  return {
    links: Deno.readTextFileSync("/proc/thread-self/net/dev").trimEnd().split("\n").length - 2,
    fds: countFds(),
    children: own.split(" ").filter((pid) => pid !== "").length,
    cgroups: cgroupsNamed(NAME).length,
    state: [...Deno.readDirSync(root)].length,
    residentMib: Math.round(Deno.memoryUsage().rss / 2 ** 20),
  };
}

/** RFC 2544's addresses, for as many as 131,000. */
function networkOf(number: number): Network {
  const address = `198.18.${number >> 8}.${number & 255}/15`;
  return { type: "veth", bridge: "soak0", createBridge: true, address };
}

async function start(number: number, hasNetwork: boolean): Promise<Container> {
  const networks = hasNetwork ? [networkOf(number + 1)] : [];
  const container = await factory.create(`${NAME}-${number}`, undefined, { networks });
  try {
    await container.run(new Process({ args: ["/bin/sleep", "600"], stdin: "null" }));
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Works through numbers, as many at once as was asked for. When one fails the others come to their
 * end first: a container that is still being made then would hold this program's output for long.
 */
async function forAll(total: number, work: (number: number) => Promise<void>): Promise<number> {
  let next = 0;
  const worker = async () => {
    try {
      while (next < total) await work(next++);
    } finally {
      next = total;
    }
  };
  const begin = performance.now();
  const ends = await Promise.allSettled(
    Array.from({ length: Math.min(atOnce, total) }, worker),
  );
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return (performance.now() - begin) / total;
}

/** Makes and removes them; gives the milliseconds that each took. */
async function round(
  total: number,
  hasNetwork: boolean,
): Promise<{ readonly create: number; readonly destroy: number; readonly between: Count }> {
  const made: Container[] = [];
  try {
    const create = await forAll(total, async (number) => {
      made.push(await start(number, hasNetwork));
    });
    const between = count();
    const destroy = await forAll(total, async () => await made.pop()?.destroy({ force: true }));
    return { create, destroy, between };
  } finally {
    for (const container of made) await container[Symbol.asyncDispose]();
  }
}

try {
  // What an engine keeps for later, it takes in the first rounds.
  for (const hasNetwork of [false, true]) await round(Math.min(2 * atOnce, containers), hasNetwork);
  const before = count();
  const open = openFds();
  console.log(`before: ${JSON.stringify(before)}`);
  for (const hasNetwork of [false, true]) {
    const { create, destroy, between } = await round(containers, hasNetwork);
    const what = hasNetwork ? "with a pair of interfaces" : "without interfaces";
    const times = `${create.toFixed(1)} ms to create, ${destroy.toFixed(1)} ms to destroy`;
    console.log(
      `${containers} ${what}, ${atOnce} at once: ${times} each; all there: ${
        JSON.stringify(between)
      }`,
    );
    const links = before.links + (hasNetwork ? containers + 1 : 0);
    if (between.links !== links) throw new Error(`${between.links} links in place of ${links}`);
  }
  // The thread that waited closes what it waited on when it wakes. What stays is counted.
  await until(() => openedSince(open).length === 0, 1).catch(() => {});
  const after = count();
  console.log(`after: ${JSON.stringify(after)}`);
  const kept = (Object.keys(before) as (keyof Count)[]).filter((name) =>
    after[name] > before[name] + (name === "residentMib" ? SLACK_MIB : 0)
  );
  console.log(kept.length === 0 ? "nothing was left" : `left behind: ${kept.join(", ")}`);
  if (kept.includes("fds")) console.log(openedSince(open).join("\n"));
  if (kept.length > 0) Deno.exitCode = 1;
} finally {
  Deno.removeSync(root, { recursive: true });
}
