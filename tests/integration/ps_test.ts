import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Runc } from "../fixtures/runc.ts";
import { until } from "../fixtures/until.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

testWhere(
  ROOT,
  "ps shows what runc ps shows, with the host's ps options, and pids as JSON",
  async () => {
    await leavesNothing("hull-lc-ps", async () => {
      await using hull = new Hull();
      await using runc = new Runc();
      using bundle = makeBundle("sleep 600 & sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-ps");
      await runc.detach("run", "-d", "-b", bundle.folder, "hull-lc-ps-runc");
      const pids = async (): Promise<number[]> =>
        JSON.parse(await hull.must("ps", "--format", "json", "hull-lc-ps"));
      await until(async () => (await pids()).length === 2);
      const seen = await pids();
      const { pid } = JSON.parse(await hull.must("state", "hull-lc-ps"));
      assert(seen.includes(pid), `${seen} holds ${pid}`);
      for (const options of [[], ["-o", "pid,comm"], ["aux"], ["-ef", "--no-headers"]]) {
        const ours = await hull.call(["ps", "hull-lc-ps", ...options]);
        const theirs = await runc.call(["ps", "hull-lc-ps-runc", ...options]);
        assertEquals([ours.code, shape(ours.stdout)], [theirs.code, shape(theirs.stdout)]);
      }
      const table = await hull.must("ps", "hull-lc-ps", "-o", "pid,args");
      assertMatch(table, /^\s*PID COMMAND\n/);
      assertEquals(table.trimEnd().split("\n").length, 3, table);
    });
  },
);

Deno.test("ps says what keeps it from an answer", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 0");
  await hull.call(["run", "--keep", "-b", bundle.folder, "hull-lc-ps2"]);
  assertStringIncludes(await hull.refuse("ps", "hull-lc-none"), "does not exist");
  assertStringIncludes(await hull.refuse("ps", "-f", "yaml", "hull-lc-ps2"), "use table or json");
  await hull.must("delete", "hull-lc-ps2");
  await hull.detach("create", "-b", bundle.folder, "hull-lc-ps2");
  assertStringIncludes(await hull.refuse("ps", "hull-lc-ps2", "-o", "comm"), "PID field");
  assertStringIncludes(await hull.refuse("ps", "hull-lc-ps2", "--nonsense"), "ps(1)");
  await hull.must("delete", "hull-lc-ps2");
});

Deno.test("a stopped container has no processes, which is no error, as with runc", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 0");
  await hull.call(["run", "--keep", "-b", bundle.folder, "hull-lc-ps3"]);
  assertEquals((await hull.must("ps", "hull-lc-ps3")).trimEnd().split("\n").length, 1);
  assertEquals(await hull.must("ps", "-f", "json", "hull-lc-ps3"), "[]\n");
  await hull.must("delete", "hull-lc-ps3");
});

/** The words that don't change from one container to the next. */
function shape(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.trim().replaceAll(/\d+([:.]\d+)*/g, "0").replaceAll(/\s+/g, " ").replace(
      / (R|S|D)\S* /,
      " S ",
    )
  );
}
