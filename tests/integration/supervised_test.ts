import { assertEquals, assertRejects } from "@std/assert";
import { ContainerError, Factory, Process, type StartOptions } from "../../mod.ts";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const SUPERVISED: StartOptions = { supervised: true };

function mapUsers({ linux }: Draft): void {
  linux.namespaces?.push({ type: "user" });
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  linux.uidMappings = map;
  linux.gidMappings = map;
}

function joinPids({ linux }: Draft, path: string): void {
  linux.namespaces = linux.namespaces?.map((n) => n.type === "pid" ? { ...n, path } : n) ?? [];
}

/** A container's parent as its first process sees it from the host. */
function parentOf(pid: number): string {
  const parent = /^PPid:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Deno.readTextFileSync(`/proc/${parent}/cmdline`).split("\0")[0] ?? "";
}

/** Runs a script in a supervised container of some shape; its parent and exit code are checked. */
async function runShape(id: string, change: (config: Draft) => void): Promise<void> {
  await leavesNothing(id, async () => {
    using root = scratchFolder();
    using bundle = makeBundle("read line; echo $line; exit 7", change);
    Deno.chmodSync(bundle.folder, 0o755);
    if (bundle.config.linux?.uidMappings !== undefined) {
      run("chown", "-R", "100000:100000", `${bundle.folder}/rootfs`);
    }
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create(id, bundle.config, { bundle: bundle.folder });
    const process = new Process({ stdin: "piped", stdout: "piped" });
    await container.run(process, SUPERVISED);
    assertEquals(parentOf(process.pid), "hull-supervisor");
    const ended = factory.load(id).wait(); // as another program would
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("hello\n"));
    await writer.close();
    assertEquals(await new Response(process.stdout).text(), "hello\n");
    assertEquals((await process.wait()).code, 7);
    assertEquals([(await ended)?.code, (await container.wait())?.code], [7, 7]);
    assertEquals(factory.load(id).exitStatus()?.code, 7);
  });
}

testWhere(
  ROOT,
  "a supervised container has its exit recorded, in every kind of birth",
  async () => {
    await runShape("hull-sv-plain", () => {});
    await runShape("hull-sv-user", mapUsers);
    await runShape("hull-sv-time", ({ linux }) => linux.namespaces?.push({ type: "time" }));
    await leavesNothing("hull-sv-first", async () => {
      using root = scratchFolder();
      const factory = new Factory({ ...DRIVER, root: root.path });
      await using first = await factory.create("hull-sv-first");
      const process = new Process({ args: ["sleep", "600"], stdin: "null" });
      await first.run(process, SUPERVISED);
      await runShape("hull-sv-joins", (config) => joinPids(config, `/proc/${process.pid}/ns/pid`));
    });
  },
);

Deno.test("a supervised birth that fails says why, and leaves neither supervisor nor container", async () => {
  const faults: readonly (readonly [string, (config: Draft) => void])[] = [
    ["/process/args/0", ({ process }) => process.args = ["/no/such/program"]],
    ["/mounts/", ({ mounts }) => {
      mounts.push({ destination: "/data", type: "nosuchfs", source: "none" });
    }],
    ["/linux/namespaces/0", (config) => joinPids(config, "/run/no-such-namespace")],
  ];
  for (const [pointer, change] of faults) {
    await leavesNothing("hull-sv-fails", async () => {
      using root = scratchFolder();
      using bundle = makeBundle("exit 0", change);
      const factory = new Factory({ ...DRIVER, root: root.path });
      await using container = await factory.create("hull-sv-fails", bundle.config, {
        bundle: bundle.folder,
      });
      const error = await assertRejects(
        () => container.run(new Process({ stdin: "null" }), SUPERVISED),
        ContainerError,
      );
      assertEquals(error.code, "InitFailed");
      assertEquals(error.pointer?.startsWith(pointer), true, error.message);
    });
  }
});

Deno.test("a supervisor that is killed takes its knowledge with it, not the container", async () => {
  await leavesNothing("hull-sv-killed", async () => {
    using root = scratchFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create("hull-sv-killed");
    const process = new Process({ args: ["sleep", "600"], stdin: "null" });
    await container.run(process, SUPERVISED);
    const parent = /^PPid:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${process.pid}/status`))
      ?.[1];
    Deno.kill(Number(parent), "SIGKILL");
    assertEquals(container.status(), "running");
    container.signal("KILL");
    const error = await assertRejects(() => process.wait(), ContainerError);
    assertEquals(error.code, "SystemError");
    assertEquals(await container.wait(), undefined);
  });
});
