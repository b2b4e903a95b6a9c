/**
 * A created container waits for its start, and a process that exec puts beside it may trace it: it has
 * no right that the container hasn't, and its filter.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { Factory, Process, Trace } from "../../mod.ts";
import { attemptExec, leanBundle } from "../fixtures/attempt.ts";
import { type Bundle, type Draft, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { missingLibrary } from "../fixtures/filter_machine.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";

const ID = "hull-sec-waiting";
const CAP_KILL = "0000000000000020";

/** A container with one capability, and a filter that denies some calls. */
function filtered(denied: readonly string[], change: (config: Draft) => void = () => {}): Bundle {
  return leanBundle("sleep 1000", (config) => {
    const sets = ["bounding", "effective", "permitted"].map((set) => [set, ["CAP_KILL"]]);
    config.process.capabilities = Object.fromEntries(sets);
    config.process.noNewPrivileges = false;
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: [...denied], action: "SCMP_ACT_ERRNO" }],
    };
    change(config);
  });
}

function statusOf(pid: number): Record<string, string> {
  const lines = Deno.readTextFileSync(`/proc/${pid}/status`).split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":\t") as [string, string]));
}

for (const init of ["direct", "reexec"] as const) {
  for (const noNewPrivileges of [false, true]) {
    const how = `${noNewPrivileges ? "with" : "without"} no_new_privs: ${init}`;
    testWhere(
      missingLibrary(),
      `who waits for the start has its filter and no right beside, ${how}`,
      async () => {
        await leavesNothing(ID, async () => {
          using scratch = scratchFolder();
          using bundle = filtered(["mount"], ({ process }) => {
            process.noNewPrivileges = noNewPrivileges;
          });
          const factory = new Factory({ ...DRIVER, root: scratch.path, init });
          await using container = await factory.create(ID, bundle.config, {
            bundle: bundle.folder,
          });
          await container.start(new Process({ stdin: "null", stdout: "null", stderr: "null" }));
          const { CapEff, CapPrm, Seccomp, Threads } = statusOf(container.state().pid as number);
          assertEquals([CapEff, CapPrm, Seccomp, Threads], [CAP_KILL, CAP_KILL, "2", "1"]);
          const { text } = await attemptExec(container, { args: ["cat", "/proc/self/status"] });
          assertEquals(/^CapEff:\t(.*)$/m.exec(text ?? "")?.[1], CAP_KILL);
          await container.release();
        });
      },
    );
  }

  testWhere(
    missingLibrary(),
    `nobody joins a container that waits without the filter, which denies what that takes: ${init}`,
    async () => {
      await leavesNothing(ID, async () => {
        using scratch = scratchFolder();
        using bundle = filtered(["capset"]);
        const factory = new Factory({ ...DRIVER, root: scratch.path, init });
        await using container = await factory.create(ID, bundle.config, { bundle: bundle.folder });
        await container.start(new Process({ stdin: "null", stdout: "null", stderr: "null" }));
        const { error } = await attemptExec(container, { args: ["true"] });
        assertEquals([error?.code, error?.pointer], ["ContainerNotRunning", "/linux/seccomp"]);
        await container.release();
        assertEquals((await attemptExec(container, { args: ["true"] })).code, 0);
        assertEquals(statusOf(container.state().pid as number).CapEff, CAP_KILL);
      });
    },
  );
}

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`who waits for the start has nothing of the host's program: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      using scratch = scratchFolder();
      using bundle = leanBundle("cat /work/file", (config) => {
        // Work that a re-executed init does itself, between its programs.
        config.mounts.push({
          destination: "/work",
          type: "tmpfs",
          source: "tmpfs",
          options: ["tmpcopyup"],
        });
      });
      Deno.mkdirSync(`${bundle.folder}/rootfs/work`);
      Deno.writeTextFileSync(`${bundle.folder}/rootfs/work/file`, "copied");
      const factory = new Factory({ ...DRIVER, root: scratch.path, init });
      await using container = await factory.create(ID, bundle.config, { bundle: bundle.folder });
      const process = new Process({ stdin: "null", stdout: "piped", stderr: "inherit" });
      await container.start(process);
      const { pid } = container.state();
      assertEquals(statusOf(pid as number).Threads, "1");
      assertMatch(Deno.readLinkSync(`/proc/${pid}/exe`), /^\/memfd:hull-init/);
      const maps = Deno.readTextFileSync(`/proc/${pid}/maps`).match(/\/\S+/g) ?? [];
      assertEquals([...new Set(maps)], ["/memfd:hull-init"]);
      await container.release();
      const [text] = await Promise.all([new Response(process.stdout).text(), process.wait()]);
      assertEquals(text, "copied");
    });
  });
}

Deno.test("nobody joins a container whose init waits with threads of the host's program", async () => {
  await leavesNothing(ID, async () => {
    using scratch = scratchFolder();
    using bundle = leanBundle("sleep 1000");
    const factory = new Factory({
      ...DRIVER,
      root: scratch.path,
      init: "reexec",
      trace: new Trace(),
    });
    await using container = await factory.create(ID, bundle.config, { bundle: bundle.folder });
    await container.start(new Process({ stdin: "null", stdout: "null", stderr: "null" }));
    const { error } = await attemptExec(container, { args: ["true"] });
    assertEquals(error?.code, "ContainerNotRunning");
    await container.release();
    assertEquals((await attemptExec(container, { args: ["true"] })).code, 0);
  });
});
