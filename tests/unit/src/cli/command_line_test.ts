import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Command, Flag } from "../../../../src/cli/flags/command.ts";
import { commandHelp, globalHelp } from "../../../../src/cli/help.ts";
import {
  argumentFinder,
  checkArity,
  parseCommand,
  parseFlags,
} from "../../../../src/cli/flags/options.ts";
import { oneLine, printable } from "../../../../src/cli/output/output.ts";
import { nearest } from "../../../../src/cli/flags/suggest.ts";
import { ContainerError } from "../../../../src/errors.ts";

const FLAGS: readonly Flag[] = [
  { name: "bundle", letter: "b", value: "DIR", summary: "where" },
  { name: "detach", letter: "d", summary: "whether" },
];

const COMMAND: Command = {
  synopsis: "<id> [-- command…]",
  description: "Does it.",
  flags: FLAGS,
  arity: [1, 1],
  takesCommand: true,
  run: () => 0,
};

Deno.test("flags in every form, arguments and the command behind --", () => {
  const cases: [string[], unknown][] = [
    [["-b", "x", "id"], { flags: { bundle: "x" }, args: ["id"], command: undefined }],
    [["--bundle=x", "-d", "id"], {
      flags: { bundle: "x", detach: true },
      args: ["id"],
      command: undefined,
    }],
    [["id", "--bundle", "x"], { flags: { bundle: "x" }, args: ["id"], command: undefined }],
    [["007"], { flags: {}, args: ["007"], command: undefined }],
    [["id", "--", "sh", "-d", "--", "x"], {
      flags: {},
      args: ["id"],
      command: ["sh", "-d", "--", "x"],
    }],
    [["id", "--"], { flags: {}, args: ["id"], command: [] }],
    [["-b", "1", "-b", "2"], { flags: { bundle: "2" }, args: [], command: undefined }],
  ];
  for (const [args, expected] of cases) {
    assertEquals(parseFlags(args, FLAGS, "hull run"), expected as never, args.join(" "));
  }
});

Deno.test("hull's own flags end at the command's name", () => {
  const parsed = parseFlags(["-b", "x", "run", "-d", "--unknown"], FLAGS, "hull", true);
  assertEquals(parsed, {
    flags: { bundle: "x" },
    args: ["run", "-d", "--unknown"],
    command: undefined,
  });
});

Deno.test("a -- behind the command's name is that command's", () => {
  const args = ["run", "id", "--", "sh", "--", "x"];
  assertEquals(parseFlags(args, FLAGS, "hull", true), { flags: {}, args, command: undefined });
});

Deno.test("the words of another program stay as they are, but for a -- before them", () => {
  const foreign: Command = { ...COMMAND, arity: [1, Infinity], stopsEarly: true };
  const cases: [string[], string[], Record<string, unknown>][] = [
    [["id", "cmd", "--", "x"], ["id", "cmd", "--", "x"], {}],
    [["id", "--", "cmd"], ["id", "cmd"], {}],
    [["id", "--", "cmd", "--", "-d"], ["id", "cmd", "--", "-d"], {}],
    [["-d", "--", "id", "cmd"], ["id", "cmd"], { detach: true }],
    [["id", "-o", "pid"], ["id", "-o", "pid"], {}],
    [["-db", "x", "id", "-d"], ["id", "-d"], { detach: true, bundle: "x" }],
    [["-bx", "id", "--help"], ["id", "--help"], { bundle: "x" }],
    [["-d", "--bundle", "-1", "id", "-1"], ["id", "-1"], { detach: true, bundle: "-1" }],
    [["-db", "-1", "id"], ["id"], { detach: true, bundle: "-1" }],
  ];
  for (const [args, words, flags] of cases) {
    const parsed = parseCommand("exec", foreign, args);
    assertEquals<unknown>(parsed, { flags, args: words, command: undefined }, args.join(" "));
  }
});

Deno.test("a -- before the arguments that there must be only ends the flags", () => {
  const parse = (...args: string[]) => {
    const { args: words, command } = parseCommand("run", COMMAND, args);
    return [words, command];
  };
  assertEquals<unknown>(parse("-d", "--", "-id"), [["-id"], undefined]);
  assertEquals<unknown>(parse("--", "id", "--", "sh", "--"), [["id"], ["sh", "--"]]);
  assertEquals<unknown>(parse("--", "id", "sh"), [["id", "sh"], undefined]);
  assertEquals<unknown>(parse("id", "--", "--", "x"), [["id"], ["--", "x"]]);
  const plan: Command = { ...COMMAND, arity: [0, 1] };
  assertEquals<unknown>(parseCommand("plan", plan, ["--", "sh"]).command, ["sh"]);
  const kill: Command = { ...COMMAND, arity: [1, 2], takesCommand: false };
  assertEquals<unknown>(parseCommand("kill", kill, ["a", "--", "9"]).args, ["a", "9"]);
  assertEquals<unknown>(parseCommand("kill", kill, ["--", "-a", "9"]).args, ["-a", "9"]);
});

Deno.test("a flag that is on or off takes true and false by = alone", () => {
  const cases: [string[], Record<string, unknown>, string[]][] = [
    [["--detach=true", "id"], { detach: true }, ["id"]],
    [["--detach=false", "id"], { detach: false }, ["id"]],
    [["-d=0", "id"], { detach: false }, ["id"]],
    [["-d", "true"], { detach: true }, ["true"]],
    [["--detach", "false"], { detach: true }, ["false"]],
    [["-d", "-d=false", "id"], { detach: false }, ["id"]],
  ];
  for (const [args, flags, words] of cases) {
    const parsed = parseFlags(args, FLAGS, "hull run");
    assertEquals<unknown>([parsed.flags, parsed.args], [flags, words], args.join(" "));
  }
});

Deno.test("a value that begins with a dash is a value if it is a number, or stdin", () => {
  for (const args of [["--bundle", "-1", "id"], ["id", "-b", "-1"], ["-b=-1", "id"]]) {
    assertEquals(parseCommand("update", COMMAND, args), {
      flags: { bundle: "-1" },
      args: ["id"],
      command: undefined,
    });
  }
  assertEquals(parseCommand("update", COMMAND, ["-b", "-", "id"]).flags, { bundle: "-" });
});

Deno.test("mistakes are named, with the nearest thing that could be meant", () => {
  const cases: [string[], string][] = [
    [["--bundel", "x"], "did you mean --bundle?"],
    [["--zzzzzz"], "see hull run --help"],
    [["-x"], "unknown flag -x"],
    [["--bundle"], "--bundle needs a DIR"],
    [["-b"], "--bundle needs a DIR"],
    [["-b="], "--bundle needs a DIR"],
    [["--bundle", "", "id"], "--bundle needs a DIR"],
    [["--detach=maybe"], 'is on or off, not "maybe"'],
    [["--detach="], 'is on or off, not ""'],
    [["id", "-9"], "unknown flag -9"],
  ];
  for (const [args, part] of cases) {
    const error = assertThrows(() => parseFlags(args, FLAGS, "hull run"), ContainerError);
    assertStringIncludes(error.message, part);
  }
});

Deno.test("who writes -it is told that -t does it", () => {
  const flags: Flag[] = [...FLAGS, { name: "tty", letter: "t", summary: "a terminal" }];
  for (const args of [["-it"], ["-i"], ["-ti"]]) {
    const error = assertThrows(() => parseFlags(args, flags, "hull exec"), ContainerError);
    assertStringIncludes(error.message, "-t gives a terminal");
  }
});

Deno.test("hull's own flag behind the command is told to be misplaced", () => {
  const global: readonly Flag[] = [{ name: "root", value: "DIR", summary: "where" }];
  const error = assertThrows(() => parseCommand("list", COMMAND, ["--root", "/x"], global));
  assertStringIncludes((error as Error).message, "put it before the command: hull --root");
});

Deno.test("too few and too many arguments are errors that show the usage", () => {
  const check = (...args: string[]) =>
    assertThrows(
      () => checkArity("run", COMMAND, parseFlags(args, FLAGS, "hull run")),
      ContainerError,
    ).message;
  assertStringIncludes(check(), "usage: hull run <id>");
  assertStringIncludes(check("id", "sh"), "put -- before the command");
});

Deno.test("help shows every flag and command", () => {
  const help = commandHelp("run", COMMAND);
  for (const part of ["usage: hull", "-b, --bundle DIR", "-d, --detach", "--help"]) {
    assertStringIncludes(help, part);
  }
  const load = () => Promise.resolve({ command: COMMAND });
  const commands = { run: { group: "run", summary: "runs it", load } } as const;
  assertStringIncludes(globalHelp({ commands, flags: FLAGS }), "run  runs it");
});

Deno.test("the nearest word, if it is near at all", () => {
  const names = ["start", "state", "spec", "delete"];
  assertEquals(
    ["strat", "stae", "delte", "xyzzy", ""].map((word) => nearest(word, names)),
    ["start", "state", "delete", undefined, undefined],
  );
});

Deno.test("what a message holds from elsewhere does nothing to a terminal", () => {
  assertEquals(printable("a\x1b]0;x\x07\r\x9b2J\tß"), "a\\x1b]0;x\\x07\\x0d\\x9b2J\tß");
});

Deno.test("an error is one line", () => {
  assertEquals(oneLine(new Error("a\n  b\n\nc")), "a b c");
  assertEquals(oneLine("text"), "text");
});

Deno.test("the first argument is found before the words are parsed", () => {
  const find = argumentFinder(FLAGS);
  assertEquals(find(["--bundle", "x", "--detach", "id", "-b"]), "id");
  assertEquals(find(["--bundle=x", "id", "--bundle"]), "id");
  assertEquals(find(["--detach", "--unknown"]), undefined);
});
