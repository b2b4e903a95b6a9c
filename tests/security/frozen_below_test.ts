/**
 * A container that may write to its cgroups freezes what is in one below its own. On cgroup v1 no
 * frozen process dies.
 */
import { assertEquals } from "@std/assert";
import { type Container, Factory, Process } from "../../mod.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import type { Bundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { enter, makeDeep } from "../fixtures/deep_cgroup.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { isV1 } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const BELOW = "/sys/fs/cgroup/freezer/sub";
const SCRIPT = `mkdir ${BELOW}; sleep 1000 & echo $! > ${BELOW}/cgroup.procs
echo FROZEN > ${BELOW}/freezer.state
until [ $(cat ${BELOW}/freezer.state) = FROZEN ]; do :; done; echo frozen; sleep 1000`;

/** Lets go what hull has not. */
function thawedAtLast(container: Container): Disposable {
  const file = `${container.state().cgroupPaths.freezer}/sub/freezer.state`;
  const thaw = () => {
    try {
      Deno.writeTextFileSync(file, "THAWED", { create: false });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it is gone, as it should be
    }
  };
  return { [Symbol.dispose]: thaw };
}

function freezing(): Bundle {
  return leanBundle(SCRIPT, (config) => {
    for (const mount of config.mounts) {
      if (mount.destination !== "/sys/fs/cgroup") continue;
      mount.options = mount.options?.filter((option) => option !== "ro");
    }
  });
}

for (const init of ["direct", "reexec"] as const) {
  for (const way of ["destroy", "kill"] as const) {
    testWhere(
      isV1 ? undefined : "cgroup v1",
      `a container that has frozen a cgroup below its own ends by ${way}: ${init}`,
      async () => {
        const id = "hull-sec-frozen";
        await leavesNothing(id, async () => {
          await using scratch = rootFolder();
          using bundle = freezing();
          Deno.symlinkSync("busybox", `${bundle.folder}/rootfs/bin/mkdir`);
          const factory = new Factory({ ...DRIVER, root: scratch.path, init });
          const container = await factory.create(id, bundle.config, { bundle: bundle.folder });
          using _thawed = thawedAtLast(container);
          const process = new Process({ stdin: "null", stdout: "piped", stderr: "inherit" });
          await container.run(process);
          const reader = process.stdout.getReader();
          const { value } = await reader.read();
          assertEquals(new TextDecoder().decode(value), "frozen\n");
          await reader.cancel();
          if (way === "kill") {
            container.signal("KILL");
            await until(() => container.status() === "stopped");
          }
          await container.destroy({ force: way === "destroy" });
        });
      },
    );
  }
}

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`a cgroup deeper than a path can be long ends with its container: ${init}`, async () => {
    const id = "hull-sec-deep";
    await leavesNothing(id, async () => {
      await using root = rootFolder();
      const factory = new Factory({ ...DRIVER, root: root.path, init });
      const container = await factory.create(id);
      const process = new Process({ args: ["sleep", "600"], stdin: "null" });
      await container.run(process);
      const { cgroupPaths } = container.state();
      using deepest = makeDeep((cgroupPaths.freezer ?? cgroupPaths[""]) as string, "deep");
      enter(deepest, process.pid as number);
      deepest.close();
      await container.destroy({ force: true });
      assertEquals((await process.wait()).signal, 9);
    });
  });
}
