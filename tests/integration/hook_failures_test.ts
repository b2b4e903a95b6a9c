/** What a hook that fails ends, and who is told. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Factory, type Fault, Process } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { LONG_LIVED, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";
import { type Hook, POINTS, sharedLog, shell } from "../fixtures/hooks.ts";
import { exists } from "../fixtures/exists.ts";

for (const point of POINTS.slice(0, 5)) {
  for (const [how, hook, expected] of FAILURES()) {
    const isLong = how === "takes too long" && point !== "startContainer" && point !== "poststart";
    const missing = isLong ? LONG_LIVED : undefined;
    testWhere(
      missing,
      `a ${point} hook that ${how} ends the container, and poststop runs`,
      async () => {
        await leavesNothing("hull-hooks-fail", async () => {
          await using hull = new Hull();
          using log = sharedLog();
          using bundle = makeBundle("sleep 600", (config) => {
            config.hooks = {
              [point]: [hook, shell(`echo never >> ${log.path}`)],
              poststop: [shell(`echo poststop >> ${log.path}`)],
            };
          });
          const said = await hull.refuse("run", "-b", bundle.folder, "hull-hooks-fail");
          assertStringIncludes(said, `the ${point} hook 0 failed`);
          assertStringIncludes(said, `/hooks/${point}/0`);
          assertMatch(said, expected);
          assertEquals(log.read(), "poststop\n");
          assertEquals([...Deno.readDirSync(hull.root)], []);
        });
      },
    );
  }
}

function FAILURES(): readonly (readonly [string, Hook, RegExp])[] {
  return [
    ["fails", shell("echo one; echo why >&2; exit 3"), /exit code 3.*it wrote: one \| why/],
    ["is missing", { path: "/none/such" }, /execve\(\/none\/such\): ENOENT/],
    [
      "takes too long",
      shell("sleep 610 & sleep 610", { timeout: 1 }),
      /longer than its timeout of 1 s/,
    ],
  ];
}

Deno.test("a hook that fails in start takes the created container away", async () => {
  await leavesNothing("hull-hooks-start", async () => {
    await using hull = new Hull();
    using log = sharedLog();
    using bundle = makeBundle("sleep 600", (config) => {
      config.hooks = {
        poststart: [shell("kill -9 $$")],
        poststop: [shell(`echo p > ${log.path}`)],
      };
    });
    await hull.detach("create", "-b", bundle.folder, "hull-hooks-start");
    assertEquals(log.read(), "");
    assertMatch(await hull.refuse("start", "hull-hooks-start"), /poststart hook 0.*SIGKILL/);
    assertEquals(log.read(), "p\n");
    assertStringIncludes(await hull.refuse("state", "hull-hooks-start"), "does not exist");
  });
});

Deno.test("a poststop hook that fails is a warning, and the others run", async () => {
  await using hull = new Hull();
  using log = sharedLog();
  using bundle = makeBundle("exit 5", (config) => {
    config.hooks = { poststop: [shell("exit 1"), shell(`echo second > ${log.path}`)] };
  });
  const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-hooks-stop"]);
  assertEquals(code, 5);
  assertMatch(
    stderr,
    /^hull: warning: config \/hooks\/poststop\/0: the poststop hook 0 failed: exit code 1; it wrote nothing\n$/,
  );
  assertEquals(log.read(), "second\n");
});

Deno.test("kill -9 of hull ends the hook that it runs, and nothing is left", async () => {
  await leavesNothing("hull-hooks-kill", async () => {
    await using hull = new Hull();
    using log = sharedLog();
    using bundle = makeBundle("exit 0", (config) => {
      config.hooks = { createRuntime: [shell(`echo $$ > ${log.path}; exec sleep 600`)] };
    });
    const child = hull.command(["run", "-b", bundle.folder, "hull-hooks-kill"], {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => log.read() !== "");
    child.kill("SIGKILL");
    await child.status;
    const hook = Number(log.read());
    await until(() => !exists(`/proc/${hook}`));
    await hull.must("delete", "--force", "hull-hooks-kill");
  });
});

Deno.test("a program hears of a poststop hook's failure by onWarning", async () => {
  using root = scratchFolder();
  using bundle = makeBundle("exit 0", (config) => {
    config.hooks = { poststop: [shell("exit 9")] };
  });
  const warnings: Fault[] = [];
  const factory = new Factory({ root: root.path, onWarning: (warning) => warnings.push(warning) });
  {
    await using container = await factory.create("hull-hooks-lib", bundle.config, {
      bundle: bundle.folder,
    });
    const process = new Process();
    await container.run(process);
    await process.wait();
  }
  assertEquals(warnings.map(({ pointer }) => pointer), ["/hooks/poststop/0"]);
  assertStringIncludes(warnings[0]?.message ?? "", "exit code 9");
});
