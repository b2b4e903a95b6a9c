/**
 * What a hook may do with its own container: none of its commands waits for the call that waits for
 * the hook.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { LONG_LIVED, testWhere } from "../fixtures/test_where.ts";

const ID = "hull-hook-calls";

/** Every command that is about a container. What comes of one must not depend on those before. */
const COMMANDS: Readonly<Record<string, string>> = {
  state: "state ID",
  list: "list",
  ps: "ps ID",
  kill: "kill ID 0",
  stats: "events --stats ID",
  exec: "exec ID true",
  update: "update --pids-limit 50 ID",
  pause: "pause ID",
  resume: "resume ID",
  start: "start ID",
  wait: "wait ID",
  delete: "delete ID",
};

interface Answer {
  readonly code: number;
  readonly said: string;
}

/** Runs a container with a hook that gives all these commands, and tells how each ended. */
async function answersIn(
  hull: Hull,
  point: string,
  commands: readonly string[],
  change: (config: Draft) => void = () => {},
): Promise<{ readonly code: number; readonly answers: Readonly<Record<string, Answer>> }> {
  using log = scratchFolder();
  const script = commands.map((name) => {
    const words = (COMMANDS[name] ?? name).replace("ID", ID).split(" ");
    const quoted = hull.words(words).map((word) => `'${word}'`).join(" ");
    // Who waits for the lock gives up after ten seconds, of which it would tell; wait never does.
    return `timeout 30 ${quoted} >'${log.path}/${name}' 2>&1; echo "code=$?" >>'${log.path}/${name}'`;
  }).join("\n");
  using bundle = makeBundle("sleep 1000", (config) => {
    config.hooks = { [point]: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
    change(config);
  });
  await hull.detach("create", "-b", bundle.folder, ID);
  const { code } = await hull.call(["start", ID]);
  await hull.call(["delete", "--force", ID]);
  const answers = commands.map((name) => {
    const text = Deno.readTextFileSync(`${log.path}/${name}`);
    const [, said = "", ended] = /^([^]*)code=(\d+)\n$/.exec(text) ?? [];
    return [name, { code: Number(ended), said }] as const;
  });
  return { code, answers: Object.fromEntries(answers) };
}

for (const point of ["prestart", "createRuntime", "createContainer"]) {
  testWhere(
    LONG_LIVED,
    `a ${point} hook that calls for its container is answered at once`,
    async () => {
      await leavesNothing(ID, async () => {
        await using hull = new Hull();
        const { code, answers } = await answersIn(hull, point, [
          ...Object.keys(COMMANDS),
          "delete --force ID",
        ]);
        assertEquals(code, 0);
        assertMatch(answers.state?.said ?? "", /"creating"/);
        assertMatch(answers.list?.said ?? "", /creating/);
        assertMatch(answers.kill?.said ?? "", /not running/);
        for (const name of ["exec", "update", "pause", "resume", "start", "wait", "delete"]) {
          assertMatch(answers[name]?.said ?? "", /held by the call of this hook.*EDEADLK/s, name);
          assertEquals(answers[name]?.code === 0, false, name);
        }
        assertMatch(answers["delete --force ID"]?.said ?? "", /EDEADLK/);
      });
    },
  );
}

Deno.test("a poststart hook does with its container what anybody may", async () => {
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    const able = ["state", "list", "ps", "kill", "stats", "exec", "update", "pause", "resume"];
    const { code, answers } = await answersIn(hull, "poststart", [...able, "start", "delete"]);
    assertEquals(code, 0);
    const failed = able.filter((name) => answers[name]?.code !== 0);
    assertEquals(failed.map((name) => `${name}: ${answers[name]?.said}`), []);
    assertMatch(answers.start?.said ?? "", /runs already/);
    assertMatch(answers.delete?.said ?? "", /is running/);
  });
});

Deno.test("a poststart hook may remove its container, and leave it paused", async () => {
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    const removed = await answersIn(hull, "poststart", ["delete --force ID", "state"]);
    assertEquals([removed.code, removed.answers["delete --force ID"]?.code], [0, 0]);
    assertMatch(removed.answers.state?.said ?? "", /does not exist/);
    const paused = await answersIn(hull, "poststart", ["pause", "state"]);
    assertEquals(paused.code, 0);
    assertMatch(paused.answers.state?.said ?? "", /"paused"/);
    // A foreground run ends with it, too.
    const hook = { path: "/bin/sh", args: ["sh", "-c", `${quoted(hull, "delete", "-f", ID)}`] };
    using bundle = makeBundle("sleep 1000", (config) => {
      config.hooks = { poststart: [hook] };
    });
    assertEquals((await hull.call(["run", "-b", bundle.folder, ID])).code, 137);
  });
});

Deno.test("a poststart hook that fails ends the container, whatever it did with it", async () => {
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    for (const verb of ["pause", "delete -f", "state"]) {
      const script = `${quoted(hull, ...verb.split(" "), ID)} >&2; exit 3`;
      using bundle = makeBundle("sleep 1000", (config) => {
        config.hooks = { poststart: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
      });
      await hull.detach("create", "-b", bundle.folder, ID);
      assertMatch(await hull.refuse("start", ID), /poststart hook 0 failed: exit code 3/, verb);
      assertMatch(await hull.refuse("state", ID), /does not exist/, verb);
    }
  });
});

Deno.test("a poststop hook finds its container gone, and its id free", async () => {
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    const commands = Object.keys(COMMANDS).filter((name) => name !== "list");
    const { answers } = await answersIn(hull, "poststop", commands);
    for (const name of commands) assertMatch(answers[name]?.said ?? "", /does not exist/, name);
    assert(commands.every((name) => answers[name]?.code !== 0));
  });
});

function quoted(hull: Hull, ...args: string[]): string {
  return hull.words(args).map((word) => `'${word}'`).join(" ");
}
