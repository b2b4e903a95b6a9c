import { assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../src/cli/command_table.ts";
import { type CommandWords, type FlagWords, grammarOf } from "../../src/cli/completion/grammar.ts";
import { GLOBAL_FLAGS } from "../../src/cli/global_flags.ts";
import { manualPages } from "../../src/cli/manual/pages.ts";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { missingTmux, Tmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const PROGRAM = { commands: COMMANDS, flags: GLOBAL_FLAGS };
const GRAMMAR = await grammarOf(PROGRAM);
const NAMES = GRAMMAR.commands.map(({ name }) => name);

/** What is typed up to the cursor, and what may follow there. */
type Case = readonly [typed: string, answers: readonly string[]];

/** A root with containers, one that is none, and a name that a shell could take for a command. */
function fakeRoot() {
  const folder = scratchFolder();
  for (const id of ["web", "db-1", ".x+y", "-all", "a$(id)", "it's"]) {
    for (const root of [folder.path, `${folder.path}/a root`]) {
      Deno.mkdirSync(`${root}/${id}`, { recursive: true });
      Deno.writeTextFileSync(`${root}/${id}/state.json`, "{}");
    }
  }
  Deno.mkdirSync(`${folder.path}/none`);
  Deno.writeTextFileSync(`${folder.path}/a-file`, "");
  return folder;
}

/** What every shell completes: all commands, all flags, all values of which the words are known. */
function tableCases(flagsOf: (flags: readonly FlagWords[]) => string[]): Case[] {
  const all: Pick<CommandWords, "name" | "flags">[] = [
    { name: "", flags: GRAMMAR.flags },
    ...GRAMMAR.commands,
  ];
  return [
    ["hull ", NAMES],
    ["hull help ", NAMES],
    ...all.map(({ name, flags }): Case => [`hull ${name} --`.replace("  ", " "), flagsOf(flags)]),
    ...all.flatMap(({ name, flags }) =>
      flags.flatMap((flag): Case[] => {
        const { kind, isOptional } = flag.value ?? {};
        return kind?.kind !== "words" || isOptional === true
          ? []
          : [[`hull ${name} --${flag.name} `.replace("  ", " "), kind.words]];
      })
    ),
  ];
}

function rootCases(root: string): Case[] {
  const before = `hull --root ${root}`;
  return [
    ...["kill", "exec", "delete", "state", "ps"].map((
      name,
    ): Case => [`${before} ${name} `, [".x+y", "db-1", "web"]]),
    [`${before} kill .`, [".x+y"]],
    [`hull --root=${root} kill d`, ["db-1"]],
    [`hull --root '${root}' kill d`, ["db-1"]],
    [`hull --root "${root}" kill "d`, ["db-1"]],
    [`${before} kill --all w`, ["web"]],
    [`${before} kill web K`, ["KILL"]],
    [`${before} exec -e A=b -u 0 -t d`, ["db-1"]],
    [`${before} run w`, []],
    [`${before} create `, []],
    [`hull --log-format json --root ${root} start w`, ["web"]],
    [`hull run web -- ${root}/a-f`, [`${root}/a-file`]],
    ["hull resident s", ["status", "stop"]],
    ["hull completion ", ["bash", "zsh", "fish"]],
  ];
}

function compare(
  shell: string,
  cases: readonly Case[],
  given: readonly (readonly string[])[],
): void {
  cases.forEach(([typed, answers], k) => {
    assertEquals([...new Set(given[k])].sort(), [...answers].sort(), `${shell}: ${typed}`);
  });
}

/** Runs a shell's script on lines of input; gives the lines that it prints, each split at tabs. */
async function answersOf(words: string[], input: string): Promise<string[][]> {
  const [program = "", ...args] = words;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr, code } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  const lines = new TextDecoder().decode(stdout).split("\n").slice(0, -1);
  return lines.map((line) => line.split("\t").filter((word) => word !== ""));
}

const BASH = String.raw`
. "$1"
while IFS= read -r line; do
  # as bash separates a line: at blanks and at =
  read -ra COMP_WORDS <<<"${"$"}{line//=/ = }"
  if [[ $line == *[[:space:]=] ]]; then COMP_WORDS+=(""); fi
  COMP_CWORD=$(( ${"$"}{#COMP_WORDS[@]} - 1 ))
  _hull
  printf '%s\t' "${"$"}{COMPREPLY[@]}"
  echo
done
`;

Deno.test("bash completes all that the table has, and ids", async () => {
  await using hull = new Hull();
  using root = fakeRoot();
  using scratch = scratchFolder();
  const script = `${scratch.path}/hull`;
  Deno.writeTextFileSync(script, await hull.must("completion", "bash"));
  const cases = [
    ...tableCases((flags) => flags.map(({ name }) => `--${name}`)),
    ...rootCases(root.path),
    ["hull run --network=h", ["host"]] as const,
    ["hull run --detach=f", ["false"]] as const,
    ["hull run --detach=", ["true", "false"]] as const,
    ["hull run --init=d", ["direct"]] as const,
    ["hull run --init=", ["auto", "direct", "reexec"]] as const,
    [`hull --root ${root.path} exec --tty=false w`, ["web"]] as const,
  ];
  const input = cases.map(([typed]) => `${typed}\n`).join("");
  compare("bash", cases, await answersOf(["bash", "--norc", "-c", BASH, "bash", script], input));
  // in a shell of a person's
  assertMatch(run("bash", "--norc", "-ic", `. '${script}'; complete -p hull`), /-F _hull hull/);
});

const FISH = String.raw`
source $argv[1]
while read -l line
    echo (string join -- \t (complete -C $line | string replace -r '\t.*' ''))
end
`;

testWhere(missing("fish"), "fish completes all that the table has, and ids", async () => {
  await using hull = new Hull();
  using root = fakeRoot();
  using scratch = scratchFolder();
  const script = `${scratch.path}/hull.fish`;
  Deno.writeTextFileSync(script, await hull.must("completion", "fish"));
  const cases = [
    ...tableCases((flags) => flags.map(({ name }) => `--${name}`)).map((
      [typed, answers],
    ): Case => [typed, answers]),
    ...rootCases(root.path),
    ["hull run --init=d", ["--init=direct"]] as const,
  ];
  const input = cases.map(([typed]) => `${typed}\n`).join("");
  const given = await answersOf(["fish", "--no-config", "-c", FISH, script], input);
  // fish tells that a value may follow by a sign, shows names that it would quote, and hides those with
  // a dot at their beginning until one is typed
  const plain = given.map((words) =>
    words.map((word) => word.replace(/=$/, "")).filter((word) => !/\$|'/.test(word))
  );
  const shown = cases.map(([typed, answers]): Case => [
    typed,
    typed.endsWith(".") ? answers : answers.filter((word) => !word.startsWith(".")),
  ]);
  compare("fish", shown, plain);
});

testWhere(
  missing("zsh") ?? missingTmux(),
  "zsh completes commands, flags, values and ids",
  async () => {
    await using hull = new Hull();
    using root = fakeRoot();
    using scratch = scratchFolder();
    Deno.writeTextFileSync(`${scratch.path}/_hull`, await hull.must("completion", "zsh"));
    run("zsh", "-n", `${scratch.path}/_hull`);
    using tmux = new Tmux(scratch.path, 120, 40);
    await tmux.shows(/^OUT\$$/);
    await tmux.say("PS1='Z> ' zsh -f", /^Z>$/);
    tmux.type("fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; unsetopt automenu");
    const shows = async (typed: string, ...lines: RegExp[]) => {
      tmux.press("C-u");
      tmux.press("C-l");
      await until(() => tmux.screen === "Z>", 20);
      tmux.write(typed);
      await until(() => tmux.screen.endsWith(typed.trimEnd()), 20);
      tmux.press("Tab");
      for (const line of lines) await tmux.shows(line);
    };
    await shows("hull sta", /^start +-- start a created container's process$/, /^state +-- /);
    await shows("hull --log-l", /^Z> hull --log-level=?$/);
    await shows("hull --log-level d", /^Z> hull --log-level debug$/);
    await shows("hull kill --a", /^Z> hull kill --all$/);
    await shows("hull run --init=r", /^Z> hull run --init=reexec$/);
    await shows("hull run --det", /^Z> hull run --detach$/);
    await shows(`hull --root ${root.path} exec -t d`, /^Z> hull --root \S+ exec -t db-1$/);
    await shows(`hull --root=${root.path} kill w`, /^Z> hull --root=\S+ kill web$/);
    await shows("hull kill x KI", /^Z> hull kill x KILL$/);
    await shows("hull help to", /^Z> hull help top$/);
  },
);

testWhere(missing("man"), "the manual's pages are shown without a complaint", async () => {
  using scratch = scratchFolder();
  const lint = missing("mandoc") === undefined;
  for (const { file, text } of await manualPages(PROGRAM)) {
    const path = `${scratch.path}/${file}`;
    Deno.writeTextFileSync(path, text);
    const env = { MANWIDTH: "80", LC_ALL: "C.UTF-8", MANPAGER: "cat" };
    const shown = await new Deno.Command("man", { args: ["--warnings", "-l", path], env }).output();
    assertEquals(new TextDecoder().decode(shown.stderr), "", file);
    const name = file.replace(".1", "");
    assertMatch(new TextDecoder().decode(shown.stdout), new RegExp(`NAME\n +${name} - \\w`));
    if (!lint) continue;
    const { stdout } = await new Deno.Command("mandoc", { args: ["-Tlint", "-Wwarning", path] })
      .output();
    const complaints = new TextDecoder().decode(stdout).split("\n").filter((line) =>
      line !== "" && !line.includes("missing date") // a page is the same whenever it is made
    );
    assertEquals(complaints, [], file);
  }
});

/** The program, if it is not installed. */
function missing(program: string): string | undefined {
  try {
    run("sh", "-c", `command -v ${program}`);
    return undefined;
  } catch {
    return program;
  }
}
