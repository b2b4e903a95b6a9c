import { assertEquals } from "@std/assert";
import { type Draft, joinNamespace, makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

/** Mounts one of the kernel's own file systems, of which there is one for a namespace, at a place. */
function mounts(type: string, destination: string, options: readonly string[]) {
  return (config: Draft): void => {
    config.mounts = config.mounts.filter((mount) => mount.destination !== destination);
    config.mounts.push({ destination, type, source: type, options: [...options] });
  };
}

/** The options of a mount, and those of its file system, in a container that waits or prints. */
const LOOK = (place: string) => `grep ' ${place} ' /proc/self/mountinfo`;

function readonlyIn(line: string): readonly [mount: boolean, fileSystem: boolean] {
  const words = line.trim().split(" ");
  const isReadonly = (options = "") => options.split(",").includes("ro");
  return [isReadonly(words[5]), isReadonly(words.at(-1))];
}

testWhere(
  ROOT,
  "a container can write to a file system that another of its namespace has read-only",
  async () => {
    await leavesNothing("hull-shared-fs", async () => {
      await using hull = new Hull();
      for (
        const [type, place, namespace] of [
          ["sysfs", "/sys", "network"],
          ["mqueue", "/dev/mqueue", "ipc"],
          ["proc", "/proc", "pid"],
        ] as const
      ) {
        using first = makeBundle("sleep 600", mounts(type, place, ["ro"]));
        await hull.detach("run", "-d", "-b", first.folder, "hull-shared-fs");
        const { pid } = JSON.parse(await hull.must("state", "hull-shared-fs"));
        const own = await hull.must("exec", "hull-shared-fs", "sh", "-c", LOOK(place));
        assertEquals(readonlyIn(own), [true, false], type);
        using second = makeBundle(LOOK(place), (config) => {
          mounts(type, place, [])(config);
          const file = namespace === "network" ? "net" : namespace;
          joinNamespace(config, namespace, `/proc/${pid}/ns/${file}`);
        });
        const seen = await hull.must("run", "-b", second.folder, "hull-shared-fs-2");
        assertEquals(readonlyIn(seen), [false, false], type);
        await hull.must("delete", "--force", "hull-shared-fs");
      }
    });
  },
);

testWhere(
  ROOT,
  "a remount that is read-only leaves the file system to those who have it as well",
  async () => {
    await leavesNothing("hull-shared-remount", async () => {
      await using hull = new Hull();
      using bundle = makeBundle(LOOK("/sys") + "; " + LOOK("/other"), (config) => {
        mounts("sysfs", "/sys", [])(config);
        mounts("sysfs", "/other", [])(config);
        config.mounts.push({ destination: "/other", type: "sysfs", options: ["remount", "ro"] });
      });
      const seen = await hull.must("run", "-b", bundle.folder, "hull-shared-remount");
      const lines = seen.trimEnd().split("\n").map(readonlyIn);
      assertEquals([lines[0], lines.at(-1)], [[false, false], [true, false]]);
    });
  },
);
