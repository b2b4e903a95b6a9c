import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ContainerError, Factory, Process } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { GivenHull, Hull } from "../fixtures/cli.ts";
import { cgroupsNamed, leavesNothing } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";

/** What a state.json may have become, given what it was. */
const BREAKS: Readonly<Record<string, (text: string) => string>> = {
  empty: () => "",
  cut: (text) => text.slice(0, text.length / 2),
  braces: () => "{}",
  null: () => "null",
  list: () => "[]",
  "wrong type": (text) => JSON.stringify({ ...JSON.parse(text), init: "1234" }),
  "foreign version": (text) => JSON.stringify({ ...JSON.parse(text), format: 2, config: [] }),
  "another's": (text) => JSON.stringify({ ...JSON.parse(text), id: "another" }),
};

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

for (const [name, break_] of Object.entries(BREAKS)) {
  Deno.test(`a broken state (${name}) hides no other container, and is ended by force`, async () => {
    const id = `hull-broken-${name.replaceAll(/\W/g, "-")}`;
    await leavesNothing(id, async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 600");
      await hull.detach("run", "-d", "-b", bundle.folder, id);
      await hull.detach("create", "-b", bundle.folder, `${id}-sound`);
      const { pid } = JSON.parse(await hull.must("state", id));
      const file = `${hull.root}/${id}/state.json`;
      Deno.writeTextFileSync(file, break_(Deno.readTextFileSync(file)));

      const listed = await hull.call(["list", "-f", "json"]);
      assertEquals(listed.code, 0);
      assertEquals(
        JSON.parse(listed.stdout).map((
          { id, status, pid }: Record<string, unknown>,
        ) => [id, status, pid === 0]),
        [[id, "broken", true], [`${id}-sound`, "created", false]],
      );
      assertStringIncludes(listed.stderr, `warning: the state of container ${id}`);
      assertMatch((await hull.call(["list"])).stdout, new RegExp(`${id} +0 +broken`));
      for (const verb of ["state", "start", "kill", "pause", "delete"]) {
        const said = await hull.refuse("--log-format", "json", verb, id);
        assertStringIncludes(said, '"code":"StateInvalid"', verb);
        assertStringIncludes(said, "hull delete --force", verb);
      }
      assertStringIncludes(await hull.refuse("run", "-b", bundle.folder, id), "id exists");
      assert(isAlive(pid), "nothing but force ends it");

      await hull.must("delete", "--force", id);
      await until(() => !isAlive(pid));
      assertEquals(await hull.must("list", "-q"), `${id}-sound\n`);
      await hull.must("delete", `${id}-sound`);
      assertEquals(cgroupsNamed(id), []);
    });
  });
}

Deno.test("a broken state beside a user's files is not removed", async () => {
  await using hull = new Hull();
  Deno.mkdirSync(`${hull.root}/app`);
  Deno.writeTextFileSync(`${hull.root}/app/state.json`, '{"score":7}');
  Deno.writeTextFileSync(`${hull.root}/app/notes.txt`, "mine");
  const said = await hull.refuse("delete", "--force", "app");
  assertStringIncludes(said, "notes.txt");
  assertEquals(Deno.readTextFileSync(`${hull.root}/app/notes.txt`), "mine");
  Deno.removeSync(`${hull.root}/app`, { recursive: true });
});

Deno.test("a state that is a fifo, a folder, a link or a terabyte holds nobody up", async () => {
  await using hull = new GivenHull("timeout", "-k", "5", "60");
  for (
    const make of [
      (path: string) => new Deno.Command("mkfifo", { args: [path] }).outputSync(),
      (path: string) => Deno.mkdirSync(path),
      (path: string) => Deno.symlinkSync("/proc/self/environ", path),
      (path: string) => {
        using file = Deno.openSync(path, { write: true, create: true });
        file.truncateSync(2 ** 40);
      },
    ]
  ) {
    Deno.mkdirSync(`${hull.root}/odd`);
    make(`${hull.root}/odd/state.json`);
    assertEquals((await hull.call(["list", "-q"])).stdout, "odd\n");
    assertStringIncludes(await hull.refuse("state", "odd"), "the state of container odd");
    await hull.must("delete", "--force", "odd");
  }
});

Deno.test("the copy of a container's folder is not the container", async () => {
  await leavesNothing("hull-copy", async () => {
    using scratch = scratchFolder();
    const factory = new Factory({ root: scratch.path });
    await using container = await factory.create("hull-copy-1");
    const process = new Process({ args: ["sleep", "600"], stdin: "null" });
    await container.run(process);
    Deno.mkdirSync(`${scratch.path}/hull-copy-2`);
    Deno.copyFileSync(
      `${scratch.path}/hull-copy-1/state.json`,
      `${scratch.path}/hull-copy-2/state.json`,
    );
    const error = await assertRejects(() => factory.remove("hull-copy-2"), ContainerError);
    assertEquals(error.code, "StateInvalid");
    await factory.remove("hull-copy-2", { force: true });
    assertEquals(container.status(), "running");
    container.signal("KILL");
    await process.wait();
  });
});

Deno.test("a cgroup of a broken container's name that another program made stays, with who is in it", async () => {
  const id = "hull-broken-namesake";
  await leavesNothing(id, async () => {
    using others = scratchFolder();
    const factory = new Factory({ root: others.path });
    await using container = await factory.create(id);
    const process = new Process({ args: ["sleep", "600"], stdin: "null" });
    await container.run(process); // of another root folder, which is as good as another program
    await using hull = new Hull();
    Deno.mkdirSync(`${hull.root}/${id}`);
    Deno.writeTextFileSync(`${hull.root}/${id}/state.json`, "");
    await hull.must("delete", "--force", id);
    assertEquals(await hull.must("list", "-q"), "");
    assertEquals(container.status(), "running");
    container.signal("KILL");
    await process.wait();
  });
});
