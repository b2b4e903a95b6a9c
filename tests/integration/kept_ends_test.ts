/** How a further process ends is kept before its status is taken. @module */

import { assertEquals, assertRejects } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { KEEP_END } from "../../src/process/process_claim.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

Deno.test("what keeps an end does so while the status is still there for another", async () => {
  await using root = rootFolder();
  await using container = await new Factory({ ...DRIVER, root: root.path }).create("hull-lc-kept");
  await container.run(new Process({ args: ["sleep", "60"] }));
  const seen: [number, string][] = [];
  const end = async (keep: (code: number, pid: number) => void) => {
    const process = new Process({ args: ["sh", "-c", "exit 7"], leaveStatus: true });
    await container.start(process);
    const { pid } = process;
    const { code } = await process[KEEP_END](({ code }) => keep(code, pid));
    seen.push([code, stateOf(pid)]);
    return pid;
  };
  await end((code, pid) => seen.push([code, stateOf(pid)]));
  assertEquals(seen, [[7, "Z"], [7, "gone"]]);
  const failed = await assertRejects(
    () =>
      end((_, pid) => {
        throw new RangeError(String(pid));
      }),
    RangeError,
  );
  assertEquals(stateOf(Number(failed.message)), "gone");
});

function stateOf(pid: number): string {
  try {
    return /\) (\w)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))?.[1] as string;
  } catch {
    return "gone";
  }
}
