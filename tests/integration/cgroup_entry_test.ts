/** Whoever becomes a process of a container is in all of its cgroups, whichever way it came. */
import { assert, assertEquals } from "@std/assert";
import type { StoredState } from "../../src/state/stored_state.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { cgroupName } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const WAYS = {
  directly: ["--init", "direct"],
  "by a re-executed init": ["--init", "reexec"],
  "below a supervisor": ["--supervise"],
};

for (const [name, flags] of Object.entries(WAYS)) {
  Deno.test(`a process that is started ${name} is in every cgroup, and so is a further one`, async () => {
    const id = "hull-entry";
    await leavesNothing(id, async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 1000");
      await hull.detach("run", "-d", ...flags, "-b", bundle.folder, id);
      const state = Deno.readTextFileSync(`${hull.root}/${id}/state.json`);
      const { init, cgroupPaths } = JSON.parse(state) as StoredState;
      const first = cgroupsOf(Deno.readTextFileSync(`/proc/${init?.pid}/cgroup`));
      const pidFile = `${hull.root}/further`;
      await hull.detach("exec", "-d", "--pid-file", pidFile, id, "sleep", "1000");
      const pid = Deno.readTextFileSync(pidFile);
      const further = cgroupsOf(Deno.readTextFileSync(`/proc/${pid}/cgroup`));
      Deno.removeSync(pidFile);
      for (const [controller, folder] of Object.entries(cgroupPaths)) {
        const place = first.get(controller);
        assert(
          place?.endsWith(`/${cgroupName(id)}`) && folder.endsWith(place),
          `${controller}: ${place}`,
        );
      }
      assertEquals(further, first);
    });
  });
}

/** Controller → cgroup. */
function cgroupsOf(text: string): Map<string, string> {
  const lines = text.trim().split("\n").map((line) => /^\d+:([^:]*):(.*)$/.exec(line) ?? []);
  return new Map(lines.flatMap(([, names = "", place = ""]) => {
    return names.split(",").map((name) => [name, place] as const);
  }));
}
