import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

Deno.test("a config.json that lies here is named by every error about it", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  const file = `${folder.path}/config.json`;
  const run = (...words: string[]) => hull.call(["run", ...words], { cwd: folder.path });
  const refusal = async (text: string) => {
    Deno.writeTextFileSync(file, text);
    const { code, stderr } = await run("hull-slips", "--", "true");
    assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
    assertStringIncludes(stderr, file);
    assertStringIncludes(stderr, "--builtin");
    return stderr;
  };
  assertStringIncludes(await refusal('{"name": "of another program"}'), "/ociVersion: is required");
  assertStringIncludes(await refusal("null"), "must hold an object, not null");
  assertStringIncludes(await refusal("[]"), "must hold an object, not an array");
  assertStringIncludes(await refusal('"x"'), "must hold an object, not a string");
  assertStringIncludes(await refusal("\ufeff{}"), "byte order mark");
  const config = {
    ociVersion: "1.0.0",
    root: { path: "." },
    process: { args: ["x"], env: ["PATH=/bin"], cwd: "/" },
    linux: { namespaces: [{ type: "mount" }] },
  };
  assertStringIncludes(await refusal(JSON.stringify(config)), "[config /process/args/0]");
  Deno.removeSync(file);
  Deno.symlinkSync("nothing", file);
  const { code, stderr } = await run("hull-slips", "--", "true");
  assertEquals(code, 1);
  assertStringIncludes(stderr, `${file}: it is a link to nothing`);
  const ended = await run("--builtin", "hull-slips", "--", "sh", "-c", "exit 3");
  assertEquals(ended, { code: 3, stdout: "", stderr: "" });
  assertStringIncludes((await run("--builtin", "-b", ".", "x")).stderr, "leave out --bundle");
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

Deno.test("a root that was named and is not there is no empty list", async () => {
  await using hull = new Hull();
  assertEquals(await hull.must("list", "-q"), "");
  const said = await hull.refuse("--root", `${hull.root}/none`, "list");
  assertStringIncludes(said, `cannot list the root ${hull.root}/none`);
  Deno.writeTextFileSync(`${hull.root}/file`, "");
  assertStringIncludes(await hull.refuse("--root", `${hull.root}/file`, "list"), "is no folder");
});

Deno.test("a log that can't be written is told before anything is made", async () => {
  await using hull = new Hull();
  using folder = scratchFolder();
  for (const log of [`${folder.path}/none/log`, folder.path]) {
    const said = await hull.refuse("--log", log, "create", "--builtin", "hull-slips");
    assertStringIncludes(said, `cannot write to the log ${log}`);
  }
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

Deno.test("update refuses what changes nothing, and keys that mean nothing", async () => {
  await leavesNothing("hull-slips-update", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 1000");
    const id = "hull-slips-update";
    await hull.detach("run", "-d", "-b", bundle.folder, id);
    for (const flags of [[], ["--check-before-update"], ["--blkio-weight", "0"]]) {
      assertStringIncludes(await hull.refuse("update", ...flags, id), "there is nothing to update");
    }
    const update = (stdin: string, ...flags: string[]) =>
      hull.call(["update", "-r", "-", ...flags, id], { stdin });
    assertStringIncludes((await update("{}")).stderr, "there is nothing to update in stdin");
    assertStringIncludes((await update("null")).stderr, "stdin must hold an object");
    const { code, stderr } = await update('{"memory": {"limt": 50000000}}');
    assertEquals(code, 1);
    assertStringIncludes(stderr, "/memory/limt: is no resource; did you mean limit?");
    assertEquals(await update('{"cpu": {}, "memory": {}}'), { code: 0, stdout: "", stderr: "" });
    const both = await update('{"pids": {"limit": 9}}', "--memory", "50M");
    assertEquals(both.code, 0);
    assertMatch(both.stderr, /warning: .* ignored beside --resources/);
  });
});

Deno.test("kill and delete do it for all ids that fit an expression", async () => {
  await leavesNothing("hull-slips-re", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 1000");
    for (const k of [1, 2]) {
      await hull.detach("run", "-d", "-b", bundle.folder, `hull-slips-re${k}`);
    }
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-slips-other");
    assertEquals(await hull.must("kill", "--regex", "re[0-9]$", "0"), "");
    const refused = await hull.call(["delete", "--regex", "s-re"]);
    assertEquals([refused.code, refused.stderr.trimEnd().split("\n").length], [1, 2]);
    await hull.must("delete", "-rf", "--", "-re");
    assertEquals(await hull.must("list", "-q"), "hull-slips-other\n");
    assertStringIncludes(await hull.refuse("kill", "-r", "^re"), "no container's id fits");
    assertStringIncludes(await hull.refuse("delete", "-r", "("), "no regular expression");
    await hull.must("delete", "-rf", "^nothing");
    await hull.must("delete", "-f", "hull-slips-other");
  });
});

Deno.test("-- before an id, and ids that look like flags or values", async () => {
  await leavesNothing("hull-slips-id", async () => {
    await using hull = new Hull();
    const run = [
      "run",
      "--builtin",
      "--",
      "-hull-slips-id",
      "--",
      "sh",
      "-c",
      "echo $0 $1",
      "a",
      "--",
    ];
    assertEquals((await hull.call(run)).stdout, "a --\n");
    await hull.detach("run", "-d", "--builtin", "--keep", "--", "true", "--", "sleep", "1000");
    assertEquals(JSON.parse(await hull.must("state", "--", "true")).id, "true");
    await hull.must("delete", "--force", "true");
  });
});

Deno.test("exec adds no capability that there is none of, and passes on what the caller has", async () => {
  await leavesNothing("hull-slips-exec", async () => {
    await using hull = new Hull();
    await hull.detach("run", "-d", "--builtin", "hull-slips-exec", "--", "sleep", "1000");
    const ended = await hull.call(["exec", "-c", "foo", "hull-slips-exec", "true"]);
    assertEquals(ended.code, 0);
    assertStringIncludes(ended.stderr, "there is no capability FOO: ignored");
    const env = { HULL_SLIP: "mine" };
    const names = ["-e", "HULL_SLIP", "-e", "HULL_NOT_SET"];
    const shown = await hull.call(["exec", ...names, "hull-slips-exec", "env"], { env });
    assertStringIncludes(shown.stdout, "HULL_SLIP=mine\n");
    assertEquals(shown.stdout.includes("HULL_NOT_SET"), false, shown.stdout);
    const empty = await hull.call(["exec", "-e", "", "hull-slips-exec", "true"]);
    assertStringIncludes(empty.stderr, "--env needs a NAME=VALUE");
  });
});

Deno.test("exec that can't enter the folder says chdir", async () => {
  await leavesNothing("hull-slips-cwd", async () => {
    await using hull = new Hull();
    await hull.detach("run", "-d", "--builtin", "hull-slips-cwd", "--", "sleep", "1000");
    const { code, stderr } = await hull.call(["exec", "--cwd", "/none", "hull-slips-cwd", "true"]);
    assertEquals(code, 255);
    assertStringIncludes(stderr, "cannot enter /none with chdir: no such file or directory");
  });
});

Deno.test("a flag that has taken the command for its value is told so", async () => {
  for (const words of [["--root", "run"], ["--cgroup-manager", "list"], ["--root=run"]] as const) {
    const { code, stdout, stderr } = await bare(words);
    assertEquals([code, stdout], [1, ""], words.join(" "));
    assertMatch(stderr, /there is no command: --[a-z-]+ has taken (run|list) for its/);
  }
  assertMatch((await bare(["--debug"])).stderr, /there is no command; see hull --help/);
  for (const words of [[], ["--help"], ["--root", "run", "--help"]]) {
    assertEquals((await bare(words)).code, 0, words.join(" "));
  }
});

Deno.test("hints name flags, not the library's options", async () => {
  await leavesNothing("hull-slips-hints", async () => {
    await using hull = new Hull();
    await hull.detach("run", "-d", "hull-slips-hints", "--", "sleep", "1000");
    assertStringIncludes(await hull.refuse("delete", "hull-slips-hints"), "hull delete --force");
    await hull.must("pause", "hull-slips-hints");
    const said = await hull.call(["exec", "hull-slips-hints", "true"]);
    assertStringIncludes(said.stderr, "hull exec --ignore-paused");
    await hull.must("delete", "--force", "hull-slips-hints");
  });
});

Deno.test("exec -e of a variable that the caller has not says so and sets none", async () => {
  await leavesNothing("hull-slips-env", async () => {
    await using hull = new Hull();
    await hull.detach("run", "-d", "hull-slips-env", "--", "sleep", "1000");
    const words = [
      "exec",
      "-e",
      "HULL_SLIPS_UNSET",
      "-e",
      "HULL_SLIPS_SET",
      "hull-slips-env",
      "env",
    ];
    const { code, stdout, stderr } = await hull.call(words, { env: { HULL_SLIPS_SET: "here" } });
    assertEquals([code, stdout.includes("HULL_SLIPS_UNSET")], [0, false]);
    assertStringIncludes(stdout, "HULL_SLIPS_SET=here");
    assertStringIncludes(stderr, "--env HULL_SLIPS_UNSET: there is no such variable here");
    await hull.must("delete", "--force", "hull-slips-env");
  });
});

/** Calls hull with these words alone. */
async function bare(words: readonly string[]) {
  const [program, ...own] = HULL;
  const { code, stdout, stderr } = await new Deno.Command(program as string, {
    args: [...own, ...words],
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
