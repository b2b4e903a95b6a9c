import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { countFds } from "../fixtures/open_fds.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { Runc } from "../fixtures/runc.ts";
import { LIMITS, ROOT, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const MIB = 2 ** 20;
/** tail keeps the endless line that it reads. */
const HUNGRY = "tail /dev/zero >/dev/null 2>&1";

/** The names of all fields, without the values. */
function fields(value: unknown, prefix = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${prefix}: ${Array.isArray(value) ? "list" : value === null ? "null" : typeof value}`];
  }
  return Object.entries(value).flatMap(([key, inner]) => fields(inner, `${prefix}/${key}`));
}

testWhere(
  ROOT,
  "events --stats prints the fields of runc events --stats, and the same digits for no limit",
  async () => {
    await leavesNothing("hull-lc-events", async () => {
      await using hull = new Hull();
      await using runc = new Runc();
      using bundle = makeBundle("echo x; sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-events");
      await runc.detach("run", "-d", "-b", bundle.folder, "hull-lc-ev-runc");
      const ours = await hull.must("events", "--stats", "hull-lc-events");
      const theirs = await runc.must("events", "--stats", "hull-lc-ev-runc");
      const [mine, runcs] = [JSON.parse(ours), JSON.parse(theirs)];
      assertEquals([mine.type, mine.id], ["stats", "hull-lc-events"]);
      // Counters that are still 0 are left out by both; newer fields (psi) runc 1.1 does not have.
      const steady = (line: string) => !/(cache|percpu|kernel|user|usage|max|blkio|raw)/.test(line);
      const have = new Set(fields(mine));
      assertEquals(fields(runcs).filter(steady).filter((line) => !have.has(line)), []);
      assertEquals(Object.keys(mine.data.memory.raw), Object.keys(runcs.data.memory.raw));
      assertEquals({ ...mine.data.cpuset, ...runcs.data.cpuset }, mine.data.cpuset);
      const limit = /"usage":\{"limit":\d+/.exec(theirs)?.[0] ?? "none";
      assertStringIncludes(ours, limit);
      assertStringIncludes(
        await hull.refuse("events", "--interval", "0s", "hull-lc-events"),
        "above 0",
      );
      await hull.must("kill", "hull-lc-events", "KILL");
      await until(async () => await hull.status("hull-lc-events") === "stopped");
      assertStringIncludes(await hull.refuse("events", "hull-lc-events"), "is not running");
    });
  },
);

testWhere(
  noMemoryController() ?? LIMITS,
  "events tells of every OOM and ends with the container",
  async () => {
    await leavesNothing("hull-lc-oom", async () => {
      await using hull = new Hull();
      const script = `while [ ! -e /tmp/go ]; do sleep 0.1; done; ${HUNGRY}; ${HUNGRY}; sleep 1`;
      using bundle = makeBundle(script, (config) => {
        config.root.readonly = false;
        const memory = { limit: 16 * MIB, swap: 16 * MIB };
        config.linux.resources = { ...config.linux.resources, memory };
      });
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-oom");
      const child = hull.command(["events", "--interval", "200ms", "hull-lc-oom"], {
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      let stdout = "";
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        if (stdout === "") Deno.writeTextFileSync(`${bundle.folder}/rootfs/tmp/go`, "");
        stdout += chunk;
      }
      assertEquals((await child.status).code, 0);
      const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      // The kernel may find the memory short once more before a kill has freed any.
      const ooms = events.filter(({ type }) => type === "oom");
      assert(ooms.length >= 2, stdout);
      for (const oom of ooms) assertEquals(oom, { type: "oom", id: "hull-lc-oom" });
      assert(events.filter(({ type }) => type === "stats").length >= 4, stdout);
      await hull.must("delete", "hull-lc-oom");
    });
  },
);

Deno.test("the library's events: at the reader's pace, and nothing stays open after break or abort", async () => {
  await leavesNothing("hull-lc-lib-ev", async () => {
    const before = countFds();
    const root = Deno.makeTempDirSync({ prefix: "hull-test-root-" });
    {
      const factory = new Factory({ ...DRIVER, root });
      await using container = await factory.create("hull-lc-lib-ev");
      const process = new Process({ args: ["sleep", "600"], stdin: "null", stdout: "null" });
      await container.run(process);
      let count = 0;
      for await (const event of container.events({ intervalMs: 20 })) {
        assertEquals(event.type, "stats");
        await new Promise((resolve) => setTimeout(resolve, 100)); // nothing piles up meanwhile
        if (++count === 3) break;
      }
      const abort = new AbortController();
      const ooms = (async () => {
        let seen = 0;
        for await (const _ of container.notifyOOM({ signal: abort.signal })) seen++;
        return seen;
      })();
      setTimeout(() => abort.abort(), 50);
      assertEquals(await ooms, 0);
      const untilEnd = (async () => {
        for await (const _ of container.events({ intervalMs: 60_000 }));
      })();
      setTimeout(() => container.signal("KILL"), 50);
      await untilEnd;
      await process.wait();
    }
    Deno.removeSync(root);
    // The one loop that waits on fds ends a turn later.
    await until(() => countFds() === before);
  });
});

/** What is missing for limits of memory. */
function noMemoryController(): string | undefined {
  const root = "/sys/fs/cgroup";
  try {
    if (Deno.readTextFileSync(`${root}/cgroup.controllers`).includes("memory")) return undefined;
  } catch { /* cgroup v1 */ }
  try {
    Deno.lstatSync(`${root}/memory/memory.oom_control`);
    return undefined;
  } catch {
    return "the memory controller";
  }
}

Deno.test("stats and events are left by a break, and nothing stays open", async () => {
  await leavesNothing("hull-lc-stream", async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create("hull-lc-stream");
    await container.run(new Process({ args: ["sleep", "600"], stdin: "null" }));
    let seen = 0;
    for await (const stats of container.statsStream({ intervalMs: 10 })) {
      assertEquals(stats.networkInterfaces, []);
      if (++seen === 3) break;
    }
    for await (const { type } of container.events({ intervalMs: 10 })) {
      assertEquals(type, "stats");
      break;
    }
  });
});
