import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Bundle, type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

/** Scheduling, I/O priority, OOM score, personality, memory policy and CPUs of a shell. */
const LOOK = `set -- $(sed 's/.*) //' /proc/$$/stat); echo \${16} \${17} \${38} \${39}
ionice -p $$; cat /proc/self/oom_score_adj; uname -m; grep Cpus_allowed_list /proc/self/status
sed -n '/ stack/s/^[0-9a-f]* \\([^ ]*\\).*/\\1/p' /proc/self/numa_maps`;

/** A bundle whose program writes what it sees to /tmp/seen. */
function lookingBundle(change: (config: Draft) => void): Bundle {
  return makeBundle(`{ ${LOOK}; } > /tmp/seen; sleep 600`, (config) => {
    config.root = { path: "rootfs", readonly: false };
    change(config);
  });
}

/** Starts it, and gives what its first process saw. */
async function running(hull: Hull, id: string, bundle: Bundle): Promise<string> {
  await hull.detach("run", "-d", "-b", bundle.folder, id);
  let seen = "";
  await until(async () => {
    const { code, stdout } = await hull.call(["exec", id, "cat", "/tmp/seen"]);
    seen = stdout;
    return code === 0 && stdout.trim().split("\n").length === 6;
  });
  return seen;
}

Deno.test("a further process is scheduled, ranked and placed as the first one", async () => {
  await leavesNothing("hull-exec-fields", async () => {
    await using hull = new Hull();
    using bundle = lookingBundle((config) => {
      config.process.scheduler = { policy: "SCHED_BATCH", nice: 7 };
      config.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 };
      config.process.oomScoreAdj = 321;
      config.linux.personality = { domain: "LINUX32" };
      config.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "0" };
    });
    const seen = await running(hull, "hull-exec-fields", bundle);
    for (const part of ["27 7 0 3", "best-effort: prio 6", "321", "bind:0"]) {
      assertStringIncludes(seen, part);
    }
    assertEquals(await hull.must("exec", "hull-exec-fields", "sh", "-c", LOOK), seen);
    using scratch = scratchFolder();
    const file = `${scratch.path}/process.json`;
    const process = { cwd: "/", args: ["cat", "/proc/self/oom_score_adj"], env: ["PATH=/bin"] };
    Deno.writeTextFileSync(file, JSON.stringify(process));
    const unnamed = await hull.must("exec", "-p", file, "hull-exec-fields");
    assertEquals(unnamed, "321\n", "one that names no rank has the container's");
    const own = { ...process, oomScoreAdj: 654 };
    Deno.writeTextFileSync(file, JSON.stringify(own));
    assertEquals(await hull.must("exec", "-p", file, "hull-exec-fields"), "654\n");
    await hull.must("delete", "--force", "hull-exec-fields");
  });
});

testWhere(ROOT, "a fork on the way takes nothing from a further process", async () => {
  await leavesNothing("hull-exec-fork", async () => {
    await using hull = new Hull();
    const reset = { policy: "SCHED_BATCH", nice: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"] } as const;
    // One process more than there is may be born, or none could join.
    using bundle = lookingBundle((config) => {
      config.process.scheduler = { ...reset, flags: [...reset.flags] };
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.rlimits = [{ type: "RLIMIT_NPROC", soft: 1, hard: 2 }];
      config.process.args = ["sleep", "600"];
    });
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-fork");
    // The shell's own words alone: its children may not be.
    const script = `read -r line < /proc/self/stat; echo $line
while read -r line; do case $line in "Max processes"*) echo $line; esac; done < /proc/self/limits`;
    const schedule = ["sh", "-c", script];
    const seen = async (...words: string[]) => {
      const [line = "", limit] = (await hull.must("exec", ...words)).split("\n");
      return [...line.split(" ").filter((_, k) => [18, 40].includes(k)), limit];
    };
    assertEquals(await seen("hull-exec-fork", ...schedule), [
      "7",
      "3",
      "Max processes 1 2 processes",
    ]);
    using scratch = scratchFolder();
    const file = `${scratch.path}/process.json`;
    const whole = { cwd: "/", args: schedule, env: ["PATH=/bin"], scheduler: reset };
    const write = (more: Record<string, unknown>) =>
      Deno.writeTextFileSync(file, JSON.stringify({ ...whole, ...more }));
    write({ scheduler: { ...reset, nice: 9 } });
    assertEquals(await seen("-p", file, "hull-exec-fork"), [
      "9",
      "3",
      "Max processes 1 2 processes",
    ]);
    const refused = { policy: "SCHED_DEADLINE", runtime: 1000, deadline: 1_000_000 };
    write({ scheduler: refused });
    const { code, stderr } = await hull.call(["exec", "-p", file, "hull-exec-fork"]);
    assertEquals(code, 255);
    assertStringIncludes(stderr, "schedule by SCHED_DEADLINE");
    await hull.must("delete", "--force", "hull-exec-fork");
  });
});

testWhere(
  navigator.hardwareConcurrency < 2 ? "two CPUs" : undefined,
  "execCPUAffinity is for further processes alone, and may be one's own",
  async () => {
    await leavesNothing("hull-exec-cpus", async () => {
      await using hull = new Hull();
      const all = `0-${navigator.hardwareConcurrency - 1}`;
      using bundle = lookingBundle((config) => {
        config.process.execCPUAffinity = { initial: "0", final: "1" };
      });
      const seen = await running(hull, "hull-exec-cpus", bundle);
      assertStringIncludes(seen, `Cpus_allowed_list:\t${all}\n`);
      const cpus = async (...words: string[]) => {
        const { code, stdout, stderr } = await hull.call(["exec", ...words]);
        return code === 0 ? /list:\t(.*)/.exec(stdout)?.[1] : stderr;
      };
      const grep = ["grep", "Cpus_allowed_list", "/proc/self/status"];
      assertEquals(await cpus("hull-exec-cpus", ...grep), "1");
      using scratch = scratchFolder();
      const file = `${scratch.path}/process.json`;
      const write = (own: Record<string, unknown>) =>
        Deno.writeTextFileSync(
          file,
          JSON.stringify({ cwd: "/", args: grep, env: ["PATH=/bin"], ...own }),
        );
      write({});
      assertEquals(await cpus("-p", file, "hull-exec-cpus"), "1");
      write({ execCPUAffinity: { final: "0" } });
      assertEquals(await cpus("-p", file, "hull-exec-cpus"), "0");
      write({ execCPUAffinity: { final: "8000" } });
      const said = await cpus("-p", file, "hull-exec-cpus") ?? "";
      assertStringIncludes(said, "/process/execCPUAffinity/final");
      assertStringIncludes(said, "EINVAL");
      await hull.must("delete", "--force", "hull-exec-cpus");
    });
  },
);

const bounding = BigInt(
  `0x${/CapBnd:\s*(\S+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "0"}`,
);
const RESOURCE = 24n;

testWhere(
  (bounding >> RESOURCE & 1n) === 1n ? "a host without CAP_SYS_RESOURCE" : ROOT,
  "exec warns of a capability that hull does not hold, and goes on without it",
  async () => {
    await leavesNothing("hull-exec-caps", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-caps");
      const { code, stdout, stderr } = await hull.call(
        ["exec", "--cap", "CAP_SYS_RESOURCE", "hull-exec-caps", "echo", "ran"],
      );
      assertEquals([code, stdout], [0, "ran\n"]);
      assert(stderr.includes("can't be granted") && stderr.includes("CAP_SYS_RESOURCE"), stderr);
      await hull.must("delete", "--force", "hull-exec-caps");
    });
  },
);
