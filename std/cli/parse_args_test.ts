import { assertEquals } from "@std/assert";
import { parseArgs } from "./mod.ts";

Deno.test("flags take their values by a space, by an equals sign and behind a letter", () => {
  const options = { string: ["file"], boolean: ["quiet"], alias: { f: "file", q: "quiet" } };
  for (
    const args of [["--file", "x"], ["--file=x"], ["-f", "x"], ["-fx"], ["-f=x"], ["-qf", "x"]]
  ) {
    const { file, f, quiet } = parseArgs(args, options);
    assertEquals([file, f, quiet], ["x", "x", args[0] === "-qf"], args.join(" "));
  }
  assertEquals(parseArgs(["--file", "--quiet"], options).file, "");
  assertEquals(parseArgs(["--file="], options).file, "");
});

Deno.test("what is not said to be text is a number where it looks like one", () => {
  const { _, n, s } = parseArgs(["--n", "5", "--s", "5", "7", "-3", "0x1f", "1e2", "v1"], {
    string: ["s"],
  });
  assertEquals([n, s, _], [5, "5", [7, -3, 31, 100, "v1"]]);
  assertEquals(parseArgs(["007"], { string: ["_"] })._, ["007"]);
});

Deno.test("booleans take no word but true and false, and are false without the flag", () => {
  const options = { boolean: ["a", "b"], negatable: ["b"], default: { b: true } };
  assertEquals(parseArgs(["-a", "word"], options), { _: ["word"], a: true, b: true });
  assertEquals(parseArgs(["-a", "false", "--no-b"], options), { _: [], a: false, b: false });
});

Deno.test("lists collect, defaults fill, later ones win", () => {
  const options = { collect: ["l"], string: ["l", "s"], default: { d: 1 } };
  const parsed = parseArgs(["--l", "a", "--l", "b", "--s", "x", "--s", "y"], options);
  assertEquals(parsed, { _: [], l: ["a", "b"], s: "y", d: 1 });
});

Deno.test("-- ends the flags, and stopEarly ends them at the first argument", () => {
  assertEquals(parseArgs(["a", "--", "-b"])._, ["a", "-b"]);
  assertEquals(parseArgs(["a", "--", "-b"], { "--": true }), { _: ["a"], "--": ["-b"] });
  assertEquals(parseArgs(["-x", "--", "y"], { boolean: ["x"], stopEarly: true })._, ["y"]);
  assertEquals(parseArgs(["run", "-x"], { stopEarly: true })._, ["run", "-x"]);
});

Deno.test("unknown sees what nobody named, and can leave it out", () => {
  const seen: string[] = [];
  const { _, ...flags } = parseArgs(["--known", "--other=5", "word"], {
    boolean: ["known"],
    unknown: (argument, key) => {
      seen.push(`${argument} ${key}`);
      return false;
    },
  });
  assertEquals([seen, _, flags], [["--other=5 other", "word undefined"], [], { known: true }]);
});
