/**
 * Where the kernel lets nothing die, as in a cgroup v1 below one that is frozen, no command waits for
 * ever: it says who is left, and what was there can be ended once it is let go.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import { type Ended, GivenHull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { isV1, TestCgroup } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";

const NAME = "hull-sec-above";
/** More than any wait of hull's; what `timeout` ends has code 124. */
const BOUND = ["timeout", "-k", "5", "60"];

async function endBelowFrozen(init: "direct" | "reexec"): Promise<Record<string, Ended>> {
  const id = `${NAME}-${init}`;
  await using above = new TestCgroup(`/${id}`);
  await using hull = new GivenHull(...BOUND);
  using bundle = leanBundle("sleep 100", ({ linux }) => {
    linux.cgroupsPath = `/${id}/c`;
  });
  const factory = new Factory({ root: hull.root, init });
  const container = await factory.create(id, bundle.config, { bundle: bundle.folder });
  const process = new Process({ stdin: "null" });
  await container.run(process);
  await above.manager.freeze();
  const answers: Record<string, Ended> = {};
  try {
    answers.kill = await hull.call(["kill", id, "KILL"]);
    answers.all = await hull.call(["kill", "--all", id, "KILL"]);
    answers.delete = await hull.call(["delete", "--force", id]);
    answers.list = await hull.call(["list", "--quiet"]);
  } finally {
    await above.manager.thaw();
  }
  answers.thawed = await hull.call(["delete", "--force", id]);
  assertEquals((await process.wait()).signal, 9);
  return answers;
}

testWhere(
  isV1 ? undefined : "cgroup v1",
  "kill and delete --force end where nothing can die, and name who is left",
  async () => {
    await leavesNothing(NAME, async () => {
      for (
        const answers of await Promise.all((["direct", "reexec"] as const).map(endBelowFrozen))
      ) {
        const codes = Object.entries(answers).map(([name, { code }]) => [name, code]);
        const wanted = { kill: 0, all: 0, delete: 1, list: 0, thawed: 0 };
        assertEquals(codes, Object.entries(wanted));
        assertMatch(answers.delete?.stderr ?? "", /killed, but not ended: .*frozen/);
        assertMatch(answers.list?.stdout ?? "", new RegExp(NAME));
      }
    });
  },
);
