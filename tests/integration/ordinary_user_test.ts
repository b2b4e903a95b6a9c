import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, HULL, Hull } from "../fixtures/cli.ts";
import { fromFileUrl } from "../fixtures/paths.ts";

const MOD = fromFileUrl(new URL("../../mod.ts", import.meta.url));

/** Calls hull as a user who may read Deno and hull, wherever they lie, and nothing else. */
async function asUser(hull: Hull, cache: string, args: readonly string[], cwd: string) {
  const right = "+dac_read_search";
  const user = ["--reuid", "1000", "--regid", "1000", "--clear-groups"];
  const { code, stderr, stdout } = await new Deno.Command("setpriv", {
    args: [...user, "--inh-caps", right, "--ambient-caps", right, ...HULL, ...args],
    env: { DENO_DIR: cache, HOME: cache, XDG_RUNTIME_DIR: "" },
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stdout), "");
  assertEquals([...Deno.readDirSync(hull.root)], []);
  return { code, stderr: decoder.decode(stderr) };
}

Deno.test("an ordinary user is told in one line what is missing and what to do", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using bundle = makeBundle("true");
  using rootless = makeBundle("true", (config) => {
    config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
    config.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
  });
  run("chown", "1000:1000", scratch.path);
  const root = ["--root", hull.root];
  const cases: [string[], string][] = [
    [["run", "--builtin", "x", "--", "true"], "the built-in default needs the rights of root"],
    [["create", "--builtin", "x"], "run hull as root (sudo hull"],
    [["run", "-b", bundle.folder, "x"], "without a user namespace of its own needs the rights"],
    [["run", "-b", rootless.folder, "x"], "EACCES: permission denied; run hull as root (sudo"],
  ];
  for (const [args, part] of cases) {
    const { code, stderr } = await asUser(hull, scratch.path, [...root, ...args], scratch.path);
    assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
    assertStringIncludes(stderr, part);
  }
  const mine = ["--root", `${scratch.path}/root`, "run", "-b", rootless.folder, "x"];
  const { stderr } = await asUser(hull, scratch.path, mine, scratch.path);
  assertStringIncludes(stderr, "use hull --cgroup-manager disabled");
});

Deno.test("without a permission of Deno's that hull needs it says which, and makes nothing", async () => {
  await using hull = new Hull();
  using empty = scratchFolder();
  const deno = FROM_SOURCES.filter((word) => word !== "--allow-all");
  const start = async (...permissions: string[]) => {
    const words = [...deno.slice(1), "--no-prompt", ...permissions, MOD, "--root", hull.root];
    const { code, stderr } = await new Deno.Command(deno[0] as string, {
      args: [...words, "run", "hull-permit", "--", "true"],
      cwd: empty.path,
    }).output();
    assertEquals([...Deno.readDirSync(hull.root)], []);
    return [code, new TextDecoder().decode(stderr)] as const;
  };
  const [none, first] = await start();
  assertEquals([none, first.trimEnd().split("\n").length], [1, 1], first);
  assertStringIncludes(first, "without --allow-env, --allow-ffi, --allow-read, --allow-run");
  const [some, second] = await start("--allow-ffi", "--allow-read", "--allow-write");
  assertEquals(some, 1);
  assertStringIncludes(second, "without --allow-env, --allow-run, --allow-sys; start it with");
  const each = ["env", "ffi", "read", "run", "sys", "write"].map((name) => `--allow-${name}`);
  const [almost, third] = await start(...each);
  assertEquals(almost, 1);
  assertStringIncludes(third, "--allow-all");
  assertEquals(await start("--allow-all"), [0, ""]);
});

Deno.test("--debug shows where in the sources it failed", async () => {
  await using hull = new Hull();
  for (const words of [HULL, [fromFileUrl(new URL("../../scripts/hull", import.meta.url))]]) {
    const [program, ...args] = [...words, "--root", hull.root, "--debug", "state", "none"];
    const { stderr } = await new Deno.Command(program as string, { args }).output();
    const said = new TextDecoder().decode(stderr);
    assertStringIncludes(said, "src/state/state_store.ts:");
    assertStringIncludes(said, "src/cli/commands/state.ts:");
  }
});
