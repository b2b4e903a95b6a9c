import { assertEquals, assertStringIncludes } from "@std/assert";
import { Factory } from "../../mod.ts";
import { makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { cgroupsNamed, leavesNothing } from "../fixtures/leftovers.ts";
import { LIMITS, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

Deno.test("create, state, start, state, kill, state, delete", async () => {
  await leavesNothing("hull-life", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600", (config) => {
      config.annotations = { "org.example.key": "value" };
    });
    const id = "hull-life";
    await hull.detach("create", "-b", bundle.folder, id);
    const created = JSON.parse(await hull.must("state", id));
    assertEquals(created.status, "created");
    assertEquals(created.id, id);
    assertEquals(created.bundle, bundle.folder);
    assertEquals(created.annotations, { "org.example.key": "value" });
    assertEquals(created.rootfs, `${bundle.folder}/rootfs`);
    await hull.must("start", id);
    const running = JSON.parse(await hull.must("state", id));
    assertEquals([running.status, running.pid], ["running", created.pid]);
    await hull.must("kill", id, "KILL");
    await until(async () => await hull.status(id) === "stopped");
    assertEquals(JSON.parse(await hull.must("state", id)).pid, 0);
    await hull.must("delete", id);
    assertStringIncludes(await hull.refuse("state", id), "does not exist");
  });
});

Deno.test("every wrong order is refused, and changes nothing", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  const id = "hull-order";
  for (const verb of ["state", "start", "kill", "delete"]) {
    assertStringIncludes(await hull.refuse(verb, id), "does not exist", verb);
  }
  assertEquals((await hull.call(["delete", "--force", id])).code, 0);
  await hull.detach("create", "-b", bundle.folder, id);
  assertStringIncludes(await hull.refuse("create", "-b", bundle.folder, id), "id exists");
  assertStringIncludes(await hull.refuse("run", "-b", bundle.folder, id), "id exists");
  assertEquals(await hull.status(id), "created");
  await hull.must("start", id);
  assertStringIncludes(await hull.refuse("start", id), "runs already");
  assertStringIncludes(await hull.refuse("delete", id), "is running");
  assertEquals(await hull.status(id), "running");
  await hull.must("kill", id, "KILL");
  await until(async () => await hull.status(id) === "stopped");
  assertStringIncludes(await hull.refuse("start", id), "is stopped");
  assertStringIncludes(await hull.refuse("kill", id), "container not running");
  await hull.must("delete", id);
  assertStringIncludes(await hull.refuse("delete", id), "does not exist");
});

testWhere(LIMITS, "kill 0 asks whether a container is there, and hurts nobody", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  const id = "hull-conform-kill0";
  await hull.detach("run", "-d", "-b", bundle.folder, id);
  await hull.must("kill", id, "0");
  await hull.must("kill", "--all", id, "0");
  assertEquals(await hull.status(id), "running");
  await hull.must("kill", id, "KILL");
  await until(async () => await hull.status(id) === "stopped");
  assertStringIncludes(await hull.refuse("kill", id, "0"), "container not running");
  await hull.must("kill", "--all", id, "0"); // all of none
});

Deno.test("a created container can be deleted, a running one with force", async () => {
  await leavesNothing("hull-del", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    await hull.detach("create", "-b", bundle.folder, "hull-del1");
    await hull.must("delete", "hull-del1");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-del2");
    await hull.must("delete", "-f", "hull-del2");
    assertEquals(await hull.must("list", "-q"), "");
  });
});

Deno.test("list shows every container as a table, as JSON and by id", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  assertEquals(await hull.must("list", "--format", "json"), "[]\n");
  await hull.detach("create", "-b", bundle.folder, "one");
  await hull.detach("run", "-d", "-b", bundle.folder, "two");
  assertEquals(await hull.must("list", "-q"), "one\ntwo\n");
  const list = JSON.parse(await hull.must("list", "-f", "json"));
  const owner = run("id", "-un").trim();
  assertEquals(
    list.map(({ id, status, owner }: Record<string, string>) => [id, status, owner]),
    [["one", "created", owner], ["two", "running", owner]],
  );
  const [head, ...rows] = (await hull.must("list")).trimEnd().split("\n");
  assertEquals(head?.split(/ +/), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
  assertEquals(rows.length, 2);
});

Deno.test("twenty at once live and die side by side", async () => {
  await leavesNothing("hull-many", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("exit 5");
    const ids = Array.from({ length: 20 }, (_, k) => `hull-many-${k}`);
    const ends = await Promise.all(ids.map((id) => hull.call(["run", "-b", bundle.folder, id])));
    assertEquals(ends, ids.map(() => ({ code: 5, stdout: "", stderr: "" })));
    assertEquals(cgroupsNamed("hull-many"), []);
  });
});

Deno.test("of ten that want the id of what a killed program has left one gets it", async () => {
  await leavesNothing("hull-left", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    for (let k = 0; k < 3; k++) {
      await new Factory({ root: hull.root }).create("hull-left", bundle.config, {
        bundle: bundle.folder,
      });
      const file = `${hull.root}/hull-left/state.json`;
      const state = JSON.parse(Deno.readTextFileSync(file));
      state.creator.startTime = 1; // as if this program had ended
      Deno.writeTextFileSync(file, JSON.stringify(state));
      const words = ["create", "-b", bundle.folder, "hull-left"];
      const ends = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const log = Deno.makeTempFileSync();
          const { code } = await hull.command(["--log", log, ...words], {
            stdin: "null",
            stdout: "null",
            stderr: "null",
          }).output();
          const said = Deno.readTextFileSync(log);
          Deno.removeSync(log);
          return code === 0 ? "made" : said.includes("id exists") ? "exists" : said;
        }),
      );
      assertEquals(ends.sort(), [...new Array<string>(9).fill("exists"), "made"]);
      await hull.must("delete", "--force", "hull-left");
    }
  });
});

Deno.test("of twenty that want the same id one gets it", async () => {
  await leavesNothing("hull-same", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    let ended = 0;
    const calls = Array.from({ length: 20 }, async () => {
      const end = await hull.call(["run", "-b", bundle.folder, "hull-same"]);
      ended++;
      return end;
    });
    await until(() => ended === 19, 60); // who got it has it for as long as the others ask
    await hull.must("kill", "hull-same", "KILL");
    const ends = await Promise.all(calls);
    assertEquals(ends.filter(({ code }) => code === 128 + 9).length, 1);
    const refused = ends.filter(({ code, stderr }) => code === 1 && stderr.includes("id exists"));
    assertEquals(refused.length, 19, ends.map(({ stderr }) => stderr).join(""));
  });
});
