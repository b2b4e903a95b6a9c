import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../../../src/cli/command_table.ts";
import { grammarOf } from "../../../../src/cli/completion/grammar.ts";
import { zshCompletion } from "../../../../src/cli/completion/zsh.ts";
import { EXAMPLES } from "../../../../src/cli/examples.ts";
import type { Command, Flag } from "../../../../src/cli/flags/command.ts";
import {
  checkArity,
  parseCommand,
  parseFlags,
  withHelp,
} from "../../../../src/cli/flags/options.ts";
import { GLOBAL_FLAGS } from "../../../../src/cli/global_flags.ts";
import { commandHelp, globalHelp, GROUPS } from "../../../../src/cli/help.ts";
import { manualPages } from "../../../../src/cli/manual/pages.ts";
import { escaped, synopsisText } from "../../../../src/cli/manual/roff.ts";

const PROGRAM = { commands: COMMANDS, flags: GLOBAL_FLAGS };
const LOADED: readonly (readonly [string, Command])[] = await Promise.all(
  Object.entries(COMMANDS).map(async ([name, entry]) =>
    [name, (await entry.load()).command] as const
  ),
);
const told = (flags: readonly Flag[]) => withHelp(flags).filter(({ isInner }) => isInner !== true);

Deno.test("each command has a group, and the help has all of them with their summaries", () => {
  const help = globalHelp(PROGRAM);
  for (const [name, { group, summary }] of Object.entries(COMMANDS)) {
    assert(group in GROUPS, name);
    assert(new RegExp(`^  ${name} +${RegExp.escape(summary)}$`, "m").test(help), name);
  }
  for (const title of Object.values(GROUPS)) assertStringIncludes(help, `\n${title}:\n`);
  for (const { name } of told(GLOBAL_FLAGS)) assertStringIncludes(help, `--${name}`);
});

Deno.test("the help of a command has its flags and its examples", () => {
  for (const [name, command] of LOADED) {
    const help = commandHelp(name, command);
    for (const flag of told(command.flags)) {
      assert(
        new RegExp(`^  (-\\w,|   ) --${flag.name}\\b.*${RegExp.escape(flag.summary)}$`, "m").test(
          help,
        ),
        `${name} --${flag.name}`,
      );
    }
    for (const [line] of EXAMPLES[name] ?? []) assertStringIncludes(help, `\n  ${line} `);
  }
});

Deno.test("each command has examples, and each is a command line that hull takes", () => {
  assertEquals(Object.keys(EXAMPLES).sort(), ["", ...Object.keys(COMMANDS)].sort());
  for (const [of, examples] of Object.entries(EXAMPLES)) {
    assert(examples.length > 0);
    for (const [line] of examples) {
      const [program, ...words] = line.replace(/ >\S+$/, "").split(" ");
      assertEquals(program, "hull", line);
      const { args: [name = "", ...rest] } = parseFlags(words, GLOBAL_FLAGS, "hull", true);
      if (of !== "") assertEquals(name, of, line);
      const command = LOADED.find(([each]) => each === name)?.[1];
      assert(command !== undefined, line);
      checkArity(name, command, parseCommand(name, command, rest, GLOBAL_FLAGS));
    }
  }
});

Deno.test("a value with few words is told by the flag's summary as well", () => {
  for (const [name, { flags }] of [["", { flags: GLOBAL_FLAGS }] as const, ...LOADED]) {
    for (const { name: flag, choices = [], summary } of flags) {
      for (const word of choices) assert(summary.includes(word), `${name} --${flag} ${word}`);
    }
  }
});

Deno.test("ids are completed where a command takes a container that is there", async () => {
  const { commands } = await grammarOf(PROGRAM);
  for (const [name, { synopsis, isNew }] of LOADED) {
    const [first] = commands.find((each) => each.name === name)?.args ?? [];
    const isId = synopsis.startsWith("<id>") && isNew !== true;
    assertEquals(first?.kind === "ids", isId, name);
  }
  assertEquals(LOADED.filter(([, { isNew }]) => isNew === true).map(([name]) => name), [
    ...["create", "run"],
  ]);
});

Deno.test("each command has a page of the manual, with its flags and examples", async () => {
  const pages = new Map((await manualPages(PROGRAM)).map(({ file, text }) => [file, text]));
  assertEquals(
    [...pages.keys()].sort(),
    [
      "hull.1",
      ...Object.keys(COMMANDS).map((name) => `hull-${name}.1`),
    ].sort(),
  );
  const all = [
    ["", GLOBAL_FLAGS] as const,
    ...LOADED.map(([name, { flags }]) => [name, flags] as const),
  ];
  for (const [name, flags] of all) {
    const text = pages.get(name === "" ? "hull.1" : `hull-${name}.1`) ?? "";
    for (const flag of told(flags)) {
      assertStringIncludes(text, `\\fB${escaped(`--${flag.name}`)}\\fR`, `${name}`);
      assertStringIncludes(text, escaped(flag.summary));
    }
    for (const [line] of EXAMPLES[name] ?? []) assertStringIncludes(text, `\n${escaped(line)}\n`);
  }
  for (const name of Object.keys(COMMANDS)) {
    assertEquals(/=>|undefined|\[object/.test(pages.get(`hull-${name}.1`) ?? ""), false, name);
    assertStringIncludes(pages.get("hull.1") ?? "", `\\fB${escaped(`hull-${name}`)}\\fR(1)`);
  }
});

Deno.test("roff takes no text for a request", () => {
  assertEquals(escaped(".TH\n'x \\fB-v"), "\\&.TH\n\\&'x \\efB\\-v");
  assertEquals(synopsisText("<id> [-- command…]"), "\\fI<id>\\fR [\\-\\- command...]");
});

Deno.test("zsh's completion has every flag of every command", async () => {
  const grammar = await grammarOf(PROGRAM);
  const script = zshCompletion(grammar);
  for (const { name, flags } of grammar.commands) {
    const begin = script.indexOf(`    (${name})\n`);
    const part = script.slice(begin, script.indexOf(";;", begin));
    assert(begin > 0, name);
    for (const flag of flags) {
      assert(new RegExp(`--${flag.name}\\b`).test(part), `${name} ${flag.name}`);
    }
  }
});
