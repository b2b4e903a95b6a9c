import { assertEquals, assertObjectMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError, Factory, Process } from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { CGROUP_DRIVER, DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { cgroupsNamed, leavesNothing } from "../fixtures/leftovers.ts";
import { Runc } from "../fixtures/runc.ts";
import { isV1 } from "../fixtures/test_cgroup.ts";
import { LIMITS, ROOT, testWhere } from "../fixtures/test_where.ts";

/** Files with a line for each device, and one whose other lines may change by themselves. */
const LISTS = ["devices.list", "blkio.throttle.read_bps_device", "io.max", "memory.oom_control"];

const FILES = [
  "memory.limit_in_bytes",
  "memory.memsw.limit_in_bytes",
  "memory.soft_limit_in_bytes",
  "cpu.shares",
  "cpu.cfs_quota_us",
  "cpu.cfs_period_us",
  "pids.max",
  "cpuset.cpus",
  "cpuset.mems",
  "blkio.bfq.weight",
  "memory.max",
  "memory.low",
  "memory.swap.max",
  "cpu.max",
  "cpu.weight",
];

/** A disk of this host, if it has one. */
function someDisk(): readonly { readonly major: number; readonly minor: number }[] {
  return [...Deno.readDirSync("/sys/block")].slice(0, 1).map(({ name }) => {
    const [major, minor] = Deno.readTextFileSync(`/sys/block/${name}/dev`).trim().split(":");
    return { major: Number(major), minor: Number(minor) };
  });
}

/** The lists of a container's cgroups, whatever the order of their lines. */
function lists(id: string): Record<string, readonly string[]> {
  const found = Object.entries(limits(id, LISTS));
  return Object.fromEntries(found.map(([name, text]) => [name, text.split("\n").sort()]));
}

/** The limits of a container, as its cgroups have them. */
function limits(id: string, files: readonly string[] = FILES): Record<string, string> {
  const found: Record<string, string> = {};
  const own = new RegExp(`/(?:${id}|[a-z]+-${id}\\.scope)$`); // systemd's is a scope
  for (const folder of cgroupsNamed(id).filter((path) => own.test(path))) {
    for (const name of files) {
      try {
        found[name] = Deno.readTextFileSync(`${folder}/${name}`).trim();
      } catch { /* another controller's */ }
    }
  }
  return found;
}

/** Quota and period as v2 shows them. */
function bandwidth(id: string): string | undefined {
  const found = limits(id);
  if (!isV1) return found["cpu.max"];
  const quota = found["cpu.cfs_quota_us"];
  return `${quota === "-1" ? "max" : quota} ${found["cpu.cfs_period_us"]}`;
}

testWhere(
  ROOT,
  "update sets what runc update sets, flag by flag, with the same exit codes",
  async () => {
    await leavesNothing("hull-lc-update", async () => {
      await using hull = new Hull();
      await using runc = new Runc();
      using bundle = makeBundle("sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-update");
      await runc.detach("run", "-d", "-b", bundle.folder, "hull-lc-upd-runc");
      const file = `${bundle.folder}/resources.json`;
      const resources = { memory: { limit: 40 << 20, swap: 80 << 20 }, cpu: { shares: 2 } };
      Deno.writeTextFileSync(file, JSON.stringify(resources));
      // shares whose weight on v2 is the same by runc's old curve and by its new one
      const cases: string[][] = [
        ["--memory", "30M", "--memory-swap", "50m", "--cpu-quota", "50000", "--pids-limit", "12"],
        ["--memory", "64MiB", "--memory-swap", "100mb"], // both rise: swap first
        ["--memory", "32000000", "--memory-swap", "0.04g"], // both sink: memory first
        ["--memory", "200M"], // above the limit of memory and swap that stands
        ["--memory-reservation", "16M", "--cpu-share", "262144", "--cpuset-cpus", "0"],
        ["--cpuset-mems", "0", "--cpu-period", "50000", "--cpu-quota", "20000"],
        ["-r", file],
        ["--memory", "-1"],
        ["--cpu-quota", "-1", "--cpu-period", "100000", "--pids-limit", "-1"],
        ["--memory", "10x"],
        ["--cpu-share", "much"],
        ["--cpuset-cpus", "99999"],
        ["--kernel-memory", "10M", "--kernel-memory-tcp", "10M"],
      ];
      for (const flags of cases) {
        const ours = await hull.call(["update", ...flags, "hull-lc-update"]);
        const theirs = await runc.call(["update", ...flags, "hull-lc-upd-runc"]);
        assertEquals(ours.code, theirs.code, `${flags}: ${ours.stderr}${theirs.stderr}`);
        assertEquals(limits("hull-lc-update"), limits("hull-lc-upd-runc"), flags.join(" "));
      }
    });
  },
);

testWhere(
  ROOT,
  "update keeps what it does not name of quota and period, which runc forgets on v2",
  async () => {
    await leavesNothing("hull-lc-period", async () => {
      await using hull = new Hull();
      await using runc = new Runc();
      using bundle = makeBundle("sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-period");
      await runc.detach("run", "-d", "-b", bundle.folder, "hull-lc-period-runc");
      // What hull has of bandwidth, and runc on v2 if that is something else.
      const cases: [flags: string[], ours: string, theirs?: string][] = [
        [["--cpu-quota", "40000"], "40000 100000"],
        [["--pids-limit", "12"], "40000 100000"],
        [["--cpu-period", "50000"], "40000 50000", "max 50000"],
        [["--pids-limit", "13"], "40000 50000", "max 50000"],
        [["--cpu-quota", "-1"], "max 50000", "max 100000"],
      ];
      for (const [flags, ours, theirs = ours] of cases) {
        await hull.must("update", ...flags, "hull-lc-period");
        assertEquals(bandwidth("hull-lc-period"), ours, flags.join(" "));
        if (CGROUP_DRIVER === "systemd") continue;
        await runc.must("update", ...flags, "hull-lc-period-runc");
        assertEquals(bandwidth("hull-lc-period-runc"), isV1 ? ours : theirs, flags.join(" "));
      }
    });
  },
);

testWhere(
  LIMITS,
  "update reads stdin, checks before it sets, and refuses what it can't do",
  async () => {
    await leavesNothing("hull-lc-update2", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 600");
      const id = "hull-lc-update2";
      await hull.detach("run", "-d", "-b", bundle.folder, id);
      const stdin = JSON.stringify({ pids: { limit: 7 }, cpu: { burst: 1000, quota: 20_000 } });
      assertEquals((await hull.call(["update", "-r", "-", id], { stdin })).code, 0);
      assertEquals(limits(id)["pids.max"], "7");
      const bad = await hull.call(["update", "-r", "-", id], {
        stdin: '{"pids":{"limit":"many"}}',
      });
      assertStringIncludes(bad.stderr, "/pids/limit: must be an integer");
      const checked = JSON.stringify({ memory: { limit: 4096, checkBeforeUpdate: true } });
      const low = await hull.call(["update", "-r", "-", id], { stdin: checked });
      assertStringIncludes(low.stderr, "below the usage");
      for (const flag of ["--l3-cache-schema", "--mem-bw-schema"]) {
        assertStringIncludes(await hull.refuse("update", flag, "L3:0=f", id), "class of service");
      }
      const { stderr, code } = await hull.call(["update", "--kernel-memory", "1M", id]);
      assertEquals([code, stderr], [0, "hull: warning: --kernel-memory is obsolete and ignored\n"]);
      const ofFile = await hull.call(["update", "--resources", "-", id], {
        stdin: '{"memory":{"kernelTCP":4096}}',
      });
      const warning = "config /linux/resources/memory/kernelTCP: is obsolete and ignored";
      assertEquals([ofFile.code, ofFile.stderr], [0, `hull: warning: ${warning}\n`]);
      await hull.must("kill", id, "KILL");
      await hull.call(["wait", id]);
      assertStringIncludes(await hull.refuse("update", "--memory", "1G", id), "not running");
      await hull.must("delete", id);
    });
  },
);

testWhere(
  LIMITS,
  "set keeps the new limits with the container; a refused one takes those before back",
  async () => {
    await leavesNothing("hull-lc-set", async () => {
      const root = Deno.makeTempDirSync({ prefix: "hull-test-root-" });
      const factory = new Factory({ ...DRIVER, root });
      await using container = await factory.create("hull-lc-set");
      await container.run(new Process({ args: ["sleep", "600"], stdin: "null", stdout: "null" }));
      await container.set({ memory: { limit: 64 << 20 }, pids: { limit: 20 } });
      // Another program's view, and its change, which this one then knows of.
      await factory.load("hull-lc-set").set({ cpu: { shares: 200 } });
      await container.set({ pids: { limit: 21 } });
      const stored = factory.load("hull-lc-set").config.linux?.resources;
      assertObjectMatch(stored ?? {}, {
        memory: { limit: 64 << 20 },
        pids: { limit: 21 },
        cpu: { shares: 200 },
      });
      const error = await assertRejects(
        () => container.set({ memory: { limit: 80 << 20 }, cpu: { shares: 400, cpus: "1000" } }),
        ContainerError,
      );
      assertEquals(error.pointer, "/linux/resources/cpu/cpus");
      assertEquals(container.stats().memory?.usage.limit, 64 << 20);
      assertEquals(factory.load("hull-lc-set").config.linux?.resources, stored);
      await container[Symbol.asyncDispose]();
      Deno.removeSync(root);
    });
  },
);

testWhere(
  LIMITS,
  "a refused update takes back limits that nobody had set before",
  async () => {
    await leavesNothing("hull-lc-refused", async () => {
      const root = Deno.makeTempDirSync({ prefix: "hull-test-root-" });
      const factory = new Factory({ root }); // systemd takes a unit's properties all or none
      await using container = await factory.create("hull-lc-refused");
      await container.run(new Process({ args: ["sleep", "600"], stdin: "null", stdout: "null" }));
      const all = () => ({ ...limits("hull-lc-refused"), ...lists("hull-lc-refused") });
      const before = all();
      const nowhere = [{ major: 4095, minor: 1, rate: 1 }];
      const limited = someDisk().map((disk) => ({ ...disk, rate: 1 << 30 }));
      for (
        const refused of [
          { blockIO: { throttleReadBpsDevice: nowhere } },
          { network: { classID: 7 }, blockIO: { throttleReadBpsDevice: nowhere } },
          {
            blockIO: { throttleReadBpsDevice: limited, throttleWriteIOPSDevice: nowhere },
            devices: [{ allow: true, type: "c" as const, major: 10, minor: 229, access: "rw" }],
          },
        ]
      ) {
        await assertRejects(
          () =>
            container.set({
              memory: { limit: 64 << 20, swap: 128 << 20, disableOOMKiller: isV1 },
              pids: { limit: 20 },
              cpu: { shares: 300, quota: 50_000, period: 50_000 },
              ...refused,
            }),
          ContainerError,
        );
        assertEquals(all(), before);
      }
      await container[Symbol.asyncDispose]();
      Deno.removeSync(root);
    });
  },
);

testWhere(
  LIMITS,
  "0 tasks of a document before spec 1.3 are no limit, in its updates too",
  async () => {
    await leavesNothing("hull-lc-pids", async () => {
      await using hull = new Hull();
      for (const [version, before, after] of [["1.0.2", "max", "max"], ["1.3.0", "1", "1"]]) {
        using bundle = makeBundle("", (config) => {
          config.ociVersion = version as string;
          config.process.args = ["sleep", "600"];
          config.linux.resources = { ...config.linux.resources, pids: { limit: 0 } };
        });
        await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-pids");
        assertEquals(limits("hull-lc-pids")["pids.max"], before);
        await hull.must("update", "--pids-limit", "9", "hull-lc-pids");
        const resources = JSON.stringify({ pids: { limit: 0 } });
        await hull.call(["update", "-r", "-", "hull-lc-pids"], { stdin: resources });
        assertEquals(limits("hull-lc-pids")["pids.max"], after);
        await hull.must("delete", "--force", "hull-lc-pids");
      }
    });
  },
);
