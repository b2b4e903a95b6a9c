import { assertEquals, assertStringIncludes } from "@std/assert";
import { scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, HULL, Hull } from "../fixtures/cli.ts";
import { fromFileUrl } from "../fixtures/paths.ts";

const MOD = fromFileUrl(new URL("../../mod.ts", import.meta.url));

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
