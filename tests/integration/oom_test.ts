import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError, ExecDriver, Factory, Process, run as runProgram } from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

const LIMIT = 16 << 20;
const MEMORY = { memory: { limit: LIMIT, swap: LIMIT } };
const EATER = ["tail", "/dev/zero"];
const BY_OOM = { code: 137, signal: 9, oomKilled: true };

Deno.test("wait, state and who asks later tell that the kernel ended the first process", async () => {
  for (const supervised of [false, true]) {
    await leavesNothing("hull-oom-wait", async () => {
      await using root = rootFolder();
      const factory = new Factory({ ...DRIVER, root: root.path });
      const id = "hull-oom-wait";
      await using container = await factory.create(id, undefined, { resources: MEMORY });
      const process = new Process({ args: EATER, stdin: "null" });
      await container.run(process, { supervised });
      assertEquals([await process.wait(), await container.wait()], [BY_OOM, BY_OOM]);
      assertEquals(factory.info(id).oomKilled, true);
      // Another program, such as the daemon when it was started again.
      const later = new Factory({ ...DRIVER, root: root.path });
      assertEquals(await later.load(id).wait(), BY_OOM);
      assertEquals([later.info(id).exitCode, later.info(id).oomKilled], [137, true]);
    });
  }
});

Deno.test("later calls tell it of a supervised container in another's pid namespace", async () => {
  await leavesNothing("hull-oom-joined", async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using other = await factory.create("hull-oom-joined-first");
    await other.run(new Process({ args: ["sleep", "600"], stdin: "null" }));
    const { pid } = other.ociState();
    using bundle = makeBundle("exec tail /dev/zero", ({ linux }) => {
      linux.resources = { ...linux.resources, ...MEMORY };
      linux.namespaces = linux.namespaces?.map(({ type }) =>
        type === "pid" ? { type, path: `/proc/${pid}/ns/pid` } : { type }
      );
    });
    const id = "hull-oom-joined";
    await using container = await factory.create(id, bundle.config, { bundle: bundle.folder });
    await container.run(new Process({ stdin: "null" }), { supervised: true });
    assertEquals(await new Factory({ ...DRIVER, root: root.path }).load(id).wait(), BY_OOM);
  });
});

Deno.test("a SIGKILL of somebody's, and a child that the kernel killed, are told as they are", async () => {
  await leavesNothing("hull-oom-other", async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    const run = async (script: string, act: (process: Process) => void) => {
      const args = ["sh", "-c", script];
      const options = { resources: MEMORY };
      await using container = await factory.create("hull-oom-other", undefined, options);
      const process = new Process({ args, stdin: "null", stderr: "null" });
      await container.run(process);
      act(process);
      return await process.wait();
    };
    const killed = await run("sleep 600", (process) => process.signal("KILL"));
    assertEquals(killed, { code: 137, signal: 9 });
    const child = await run("tail /dev/zero; exit 5", () => {});
    assertEquals(child, { code: 5, signal: undefined });
  });
});

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`a driver's run and what it restores tell it: ${init}`, async () => {
    await leavesNothing("hull-oom-driver", async () => {
      await using root = rootFolder();
      const driver = new ExecDriver({ root: root.path, init });
      const told: unknown[] = [];
      const status = await driver.run(
        { id: "hull-oom-driver", args: EATER, resources: MEMORY },
        {},
        () => {},
        {
          // The daemon that comes after one which was killed here.
          exitCallback: async () => {
            const next = new ExecDriver({ root: root.path });
            for (const container of await next.restore()) {
              told.push(await container.wait(), next.info(container.id).oomKilled);
            }
          },
        },
      );
      assertEquals([status, told], [{ ...BY_OOM, oomKills: 1 }, [BY_OOM, true]]);
    });
  });
}

Deno.test("run says it on stderr and exits with 137, and state has it", async () => {
  await leavesNothing("hull-oom-cli", async () => {
    await using hull = new Hull();
    const id = "hull-oom-cli";
    using bundle = makeBundle("exec tail /dev/zero", ({ linux }) => {
      linux.resources = { ...linux.resources, ...MEMORY };
    });
    const { code, stderr } = await hull.call(["run", "--keep", "-b", bundle.folder, id]);
    assertEquals(code, 137);
    assertMatch(
      stderr,
      /^hull: warning: the container ran out of memory at its limit of 16777216 .*\n$/,
    );
    const { exitCode, oomKilled } = JSON.parse(await hull.must("state", id));
    assertEquals([exitCode, oomKilled], [137, true]);
  });
});

Deno.test("a limit that is too low to start is named", async () => {
  await leavesNothing("hull-oom-start", async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    // that of memory and swap, if it is as low, is hit first
    for (const memory of [{ limit: 1 }, { limit: 1, swap: 1 }, { limit: 16384, swap: 16384 }]) {
      await using container = await factory.create("hull-oom-start", undefined, {
        resources: { memory },
      });
      const error = await assertRejects(
        () => container.run(new Process({ args: ["true"], stdin: "null" })),
        ContainerError,
      );
      assertEquals([error.code, error.pointer], ["OomKilled", "/linux/resources/memory/limit"]);
      assertStringIncludes(error.message, "memory limit");
    }
  });
});

Deno.test("at whichever point of the start the memory runs out, the limit is named", async () => {
  await using root = rootFolder();
  const factory = new Factory({ ...DRIVER, root: root.path });
  for (let memoryBytes = 16384; memoryBytes <= 32768; memoryBytes += 4096) {
    for (let times = 0; times < 8; times++) { // at some limits init may get ready or not
      const said = await runProgram(["true"], { factory, limits: { memoryBytes } }).then(
        ({ oomKilled }) => oomKilled ? "OomKilled" : "it ran",
        (error) => error instanceof ContainerError ? error.code : String(error),
      );
      assertEquals(said, "OomKilled", String(memoryBytes));
    }
  }
});
