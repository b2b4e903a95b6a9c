/** `hull inspect` and `hull logs`: what became of a container that nobody looked at. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ExecDriver } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";

const ID = "hull-logs";

Deno.test("inspect shows all mounts, however many there are", async () => {
  await using hull = new Hull();
  const count = 120;
  using bundle = makeBundle("sleep 600", (config) => {
    for (let k = 0; k < count; k++) {
      config.mounts.push({
        destination: `/tmp/with-a-name-that-is-not-short/${k}`,
        type: "tmpfs",
        source: "tmpfs",
        options: ["size=64k"],
      });
    }
  });
  await hull.detach("run", "--detach", "--bundle", bundle.folder, ID);
  const { pid, mounts } = JSON.parse(await hull.must("inspect", ID));
  const lines = Deno.readTextFileSync(`/proc/${pid}/mountinfo`).trim().split("\n");
  assert(lines.length > count);
  assertEquals(mounts.length, lines.length);
  await hull.must("delete", "--force", ID);
});

Deno.test("inspect tells what runs where; the output's file is followed until the end", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const log = `${folder.path}/out`;
  using bundle = makeBundle(
    "echo first; echo wrong >&2; read go </run/go/fifo; printf '\\033[31mred\\033[0m\\n'; exit 7",
    (config) => {
      config.mounts.push({
        destination: "/run/go",
        type: "bind",
        source: folder.path,
        options: ["bind"],
      });
      config.annotations = { "org.example.job": "42" };
    },
  );
  new Deno.Command("mkfifo", { args: [`${folder.path}/fifo`] }).outputSync();
  const words = ["--bundle", bundle.folder, "--log-output", log, ID];
  await hull.detach("run", "--detach", "--supervise", ...words);

  const seen = JSON.parse(await hull.must("inspect", ID));
  const state = JSON.parse(await hull.must("state", ID));
  for (
    const name of ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"]
  ) {
    assertEquals(seen[name], state[name], name);
  }
  assertEquals(seen.outputFiles, { stdout: log, stderr: log });
  assertEquals(state.outputFiles, seen.outputFiles);
  assertEquals(seen.annotations, { "org.example.job": "42" });
  assertEquals([seen.supervised, seen.folder], [true, `${hull.root}/${ID}`]);
  const [first] = seen.processes;
  assertEquals([first.pid, first.innerPid], [seen.pid, 1]);
  assertStringIncludes(first.args.join(" "), "echo first");
  assertMatch(seen.namespaces.pid.id, /^pid:\[\d+\]$/);
  assertEquals([seen.namespaces.pid.isHosts, seen.namespaces.mount.isHosts], [false, false]);
  const bound = seen.mounts.find((each: { destination: string }) => each.destination === "/run/go");
  assert(bound !== undefined);
  assertEquals(seen.network, { interfaces: [], routes: [], ports: [] });
  assertEquals(
    seen.config.process.args,
    JSON.parse(
      await hull.must("inspect", "--field", "config.process.args", ID),
    ),
  );
  assertEquals(await hull.must("inspect", "--field", "status", ID), "running\n");
  assertStringIncludes(await hull.refuse("inspect", "--field", "mount", ID), "it has ociVersion");

  // The follower is there before the end, and sees all of it.
  const follower = hull.command(["logs", "--follow", "-n", "1", ID], {
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = follower.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.endsWith("\n")) text += (await reader.read()).value ?? "";
  assertEquals(text, "wrong\n");
  Deno.truncateSync(log); // as logrotate's copytruncate does
  Deno.writeTextFileSync(`${folder.path}/fifo`, "go\n");
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assertEquals((await follower.status).code, 0);
  assertEquals(text, "wrong\n\x1b[31mred\x1b[0m\n"); // as it is, where no terminal reads it
  assertEquals(await hull.must("wait", ID), "7\n");

  const ended = JSON.parse(await hull.must("inspect", ID));
  assertEquals([ended.status, ended.exitCode, ended.pid], ["stopped", 7, 0]);
  assertEquals([ended.processes, ended.namespaces], [[], {}]);
  assertEquals(ended.mounts.at(-1).destination, "/run/go");
  assertEquals(await hull.must("logs", ID), "\x1b[31mred\x1b[0m\n");
  assertEquals(await hull.must("logs", "--follow", "--tail", "0", ID), "");
  Deno.removeSync(log);
  assertStringIncludes(await hull.refuse("logs", ID), "somebody has moved or removed it");
});

Deno.test("a run in the foreground can print to a file, but not with a terminal", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  using bundle = makeBundle("echo kept");
  const log = `${folder.path}/out`;
  const words = ["run", "--bundle", bundle.folder, "--log-output", log];
  assertEquals(await hull.must(...words, "--keep", ID), "");
  assertEquals(await hull.must("logs", ID), "kept\n");
  assertEquals((Deno.statSync(log).mode ?? 0) & 0o777, 0o600);
  assertStringIncludes(await hull.refuse(...words, "--tty", `${ID}-2`), "add --tty=false");
  const nowhere = ["run", "--bundle", bundle.folder, "--log-output", `${folder.path}/no/out`];
  assertStringIncludes(await hull.refuse(...nowhere, `${ID}-2`), "ENOENT");
  assertEquals(await hull.must("list", "--quiet"), `${ID}\n`);
  await hull.must("delete", ID);
  await hull.must("create", "--bundle", bundle.folder, "--log-output", log, ID);
  await hull.must("start", ID);
  await hull.must("logs", "--follow", ID);
  assertEquals(Deno.readTextFileSync(log), "kept\nkept\n"); // appended to
  await hull.must("delete", "--force", ID);
  assertEquals(await hull.must("run", "--bundle", bundle.folder, "--keep", ID), "kept\n");
  assertStringIncludes(await hull.refuse("logs", ID), "make it with --log-output FILE");
});

Deno.test("a driver's run with a file tells where its output is", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const driver = new ExecDriver({ root: hull.root });
  const pipes = { stdout: { file: `${folder.path}/out` } };
  let seen: unknown;
  await driver.run({ id: ID, args: ["echo", "hello"] }, pipes, async () => {
    seen = (await driver.factory.inspect(ID)).outputFiles;
  });
  assertEquals(seen, { stdout: `${folder.path}/out` });
});
