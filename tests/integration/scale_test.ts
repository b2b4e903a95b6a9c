import { assert, assertEquals } from "@std/assert";
import { Factory } from "../../mod.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { createOne, Crowd, threads } from "../fixtures/crowd.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { countFds } from "../fixtures/open_fds.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { until } from "../fixtures/until.ts";

const COUNT = 50;
/** Threads that an engine may start for its own ends. */
const SLACK_THREADS = 4;
/** An fd for each first process, and the loop's own. */
const LOOP_FDS = 4;
const KIB = 1024;

function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(Deno.readTextFileSync("/proc/self/io"))?.[1]);
}

Deno.test("fifty containers are listed, measured and waited for with one thread", async () => {
  await leavesNothing("hull-crowd-", async () => {
    using root = scratchFolder();
    using bundle = makeBundle("exec sleep 7200");
    const factory = new Factory({ ...DRIVER, root: root.path });
    const [threadsBefore, fdsBefore] = [threads(), countFds()];
    await using crowd = await Crowd.create(factory, bundle, "hull-crowd-", COUNT);

    const infos = factory.list();
    assertEquals(infos.length, COUNT);
    assert(infos.every(({ status }) => status === "created"));
    const memory = crowd.containers.map((container) => container.stats().memory?.usage.usage ?? -1);
    assert(memory.every((bytes) => bytes >= 0), "each has its stats");

    const waits = Promise.all(crowd.containers.map((container) => container.wait()));
    await until(() => countFds() - fdsBefore <= COUNT + LOOP_FDS);
    assert(threads() - threadsBefore <= SLACK_THREADS, `${threads()} threads`);
    assertEquals(await crowd.end(), Array(COUNT).fill(128 + 9));
    assertEquals((await waits).length, COUNT);
    assert(factory.list().every(({ status }) => status === "stopped"));
  });
});

Deno.test("what create reads does not grow with the containers that are there", async () => {
  await leavesNothing("hull-crowd-reads-", async () => {
    using root = scratchFolder();
    using bundle = makeBundle("exec sleep 7200");
    const factory = new Factory({ ...DRIVER, root: root.path });
    const readBy = async (id: string) => {
      const before = bytesRead();
      await using _container = await createOne(factory, bundle, id);
      return bytesRead() - before;
    };
    await readBy("hull-crowd-reads-first"); // loads modules
    const alone = await readBy("hull-crowd-reads-alone");
    await using _crowd = await Crowd.create(factory, bundle, "hull-crowd-reads-", COUNT);
    const among = await readBy("hull-crowd-reads-among");
    assert(among - alone < 16 * KIB, `read ${alone} bytes alone, ${among} among ${COUNT}`);
  });
});

Deno.test("what a start reads does not grow with the host's mounts", () => {
  using folder = scratchFolder();
  const fixture = (name: string) => fromFileUrl(new URL(`../fixtures/${name}`, import.meta.url));
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const words = ["run", "-A", "--quiet", "--no-lock", "--config", config];
  const program = [Deno.execPath(), ...words, fixture("detection_reads.ts")];
  const said = run("sh", fixture("many_mounts.sh"), "10", folder.path, ...program);
  const { mountinfo, read } = JSON.parse(said) as { mountinfo: number; read: number };
  assert(mountinfo > 64 * KIB, `mountinfo has ${mountinfo} bytes`);
  assert(read < 16 * KIB, `${read} bytes were read`);
});
