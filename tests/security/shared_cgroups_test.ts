/**
 * A container without cgroups of its own sees its caller's, and changes nothing there.
 */

import { assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-shared";
/** A tree with a limit of processes: of v1, or the one of v2. */
const IS_V1 = isFolder("/sys/fs/cgroup/pids");
const TREE = IS_V1 ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
const OWN = `${TREE}/${ID}-caller`;

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function removeCgroup(path: string): void {
  if (isFolder(path)) Deno.removeSync(path);
}

/** Begins in a cgroup of the test's own, beside another one. */
const IN_CGROUP = `echo $$ > ${OWN}/cgroup.procs; exec "$@"`;

for (const init of ["direct", "reexec"]) {
  for (const has of ["its own cgroup namespace", "the host's cgroup namespace"]) {
    const name = `with cgroups disabled and ${has} a cgroup mount is read-only (${init})`;
    Deno.test(name, () =>
      leavesNothing(ID, async () => {
        await using hull = new Hull();
        Deno.mkdirSync(`${OWN}/other`, { recursive: true });
        try {
          // Where the caller's cgroup is seen depends on the namespace.
          const script = `cd $(dirname $(find ${TREE} -type d -name other | head -n 1)) || exit 7
            mkdir mine && echo made
            echo 1 > other/cgroup.procs && echo moved`;
          using bundle = makeBundle(script, (config) => {
            for (const mount of config.mounts) {
              if (mount.destination !== "/sys/fs/cgroup") continue;
              mount.options = mount.options?.filter((option) => option !== "ro").concat("rw") ?? [];
            }
            const { namespaces = [] } = config.linux;
            config.linux.namespaces = namespaces.filter(({ type }) => type !== "cgroup");
            if (has.startsWith("its")) config.linux.namespaces.push({ type: "cgroup" });
            config.linux.resources = {};
          });
          const call = ["--cgroup-manager", "disabled", "run", "--init", init, "-b"];
          const words = hull.words([...call, bundle.folder, ID]);
          const { stdout, stderr } = await new Deno.Command("sh", {
            args: ["-c", IN_CGROUP, "sh", ...words],
            stdin: "null",
          }).output();
          const decoder = new TextDecoder();
          assertEquals(decoder.decode(stdout), "");
          assertEquals(decoder.decode(stderr).match(/Read-only file system/g)?.length, 2);
        } finally {
          for (const folder of ["/mine", "/other", ""]) removeCgroup(`${OWN}${folder}`);
        }
      }));
  }
}
