/**
 * The manual: a page for hull and one for each command, from the table that the help is made of.
 *
 * Source: man-pages(7).
 *
 * @module
 */

import { DEFAULT_ROOT } from "../../own/default_root.ts";
import { VERSION } from "../../version.ts";
import type { Command, Entry, Flag, Program } from "../flags/command.ts";
import { withHelp } from "../flags/options.ts";
import { examplesOf, GROUPS, SUMMARY, toldFlags } from "../help.ts";
import { argument, bold, escaped, literal, section, synopsisText, tagged } from "./roff.ts";

/** A page of the manual. */
export interface Page {
  /** The file's name, such as `hull-run.1`. */
  readonly file: string;
  /** Its text, in roff. */
  readonly text: string;
}

/** All pages; every command is loaded. */
export async function manualPages(program: Program): Promise<Page[]> {
  const commands = await Promise.all(
    Object.entries(program.commands).map(async ([name, entry]) => {
      const { command } = await entry.load();
      return { file: `hull-${name}.1`, text: commandPage(name, entry, command) };
    }),
  );
  return [{ file: "hull.1", text: globalPage(program) }, ...commands];
}

function globalPage({ commands, flags }: Program): string {
  const groups = Object.entries(GROUPS).flatMap(([group, title]) => [
    `.SS ${argument(title)}`,
    ...Object.entries(commands).filter(([, entry]) => entry.group === group).map((
      [name, { summary }],
    ) => tagged(`${bold(`hull-${name}`)}(1)`, escaped(summary))),
  ]);
  return page("hull", [
    section("NAME"),
    "hull \\- run Linux containers",
    section("SYNOPSIS"),
    `${bold("hull")} [\\fIglobal flags\\fR] \\fIcommand\\fR [\\fIflags\\fR] [\\fIarguments\\fR]`,
    section("DESCRIPTION"),
    escaped(SUMMARY),
    "Each command has a page of its own, and a help:",
    `${bold("hull")} \\fIcommand\\fR ${bold("--help")}.`,
    section("COMMANDS"),
    ...groups,
    section("OPTIONS"),
    ...flagParagraphs(flags),
    ...exampleParagraphs(""),
    section("EXIT STATUS"),
    "0 if a command succeeds. What else there is, the pages of the commands tell.",
    section("FILES"),
    tagged(
      escaped(DEFAULT_ROOT),
      "The state of root's containers, gone at the next boot.",
    ),
    tagged(
      escaped("$XDG_RUNTIME_DIR/hull"),
      "That of an ordinary user's containers.",
    ),
    section("SEE ALSO"),
    `${bold("runc")}(8), ${bold("crun")}(1), ${bold("cgroups")}(7), ${bold("namespaces")}(7)`,
  ]);
}

function commandPage(name: string, { summary }: Entry, command: Command): string {
  const title = `hull-${name}`;
  return page(title, [
    section("NAME"),
    `${escaped(title)} \\- ${escaped(summary)}`,
    section("SYNOPSIS"),
    `${bold("hull")} [\\fIglobal flags\\fR] ${bold(name)} [\\fIflags\\fR] ${
      synopsisText(command.synopsis)
    }`.trimEnd(),
    section("DESCRIPTION"),
    escaped(command.description.replaceAll("\n", " ")),
    section("OPTIONS"),
    ...flagParagraphs(command.flags),
    ...exampleParagraphs(name),
    section("EXIT STATUS"),
    exitStatus(name, command),
    section("SEE ALSO"),
    `${bold("hull")}(1)`,
  ]);
}

function exitStatus(name: string, command: Command): string {
  const failureCode = typeof command.failureCode === "number" ? command.failureCode : 1;
  if (name !== "run" && name !== "exec") return `0 if it succeeds, ${failureCode} if it fails.`;
  return `That of the program, or 128 plus the signal that ended it; ${failureCode} if hull fails, ` +
    "unless something else is told above.";
}

function page(title: string, lines: readonly string[]): string {
  const head = `.TH ${argument(title.toUpperCase())} 1 "" ${argument(`hull ${VERSION}`)} ${
    argument("hull's manual")
  }`;
  return [head, ".nh", ".ad l", ...lines, ""].join("\n");
}

function flagParagraphs(flags: readonly Flag[]): string[] {
  return toldFlags(withHelp(flags)).map((flag) => {
    const { name, letter, value, summary } = flag;
    const words = [...(letter === undefined ? [] : [bold(`-${letter}`)]), bold(`--${name}`)];
    return tagged(words.join(", ") + valueText(value, flag.mayStandAlone), escaped(summary));
  });
}

function valueText(value: string | undefined, mayStandAlone = false): string {
  if (value === undefined) return "";
  const text = `\\fI${escaped(value)}\\fR`;
  return mayStandAlone ? `[=${text}]` : ` ${text}`;
}

function exampleParagraphs(name: string): string[] {
  const examples = examplesOf(name);
  if (examples.length === 0) return [];
  return [
    section("EXAMPLES"),
    ...examples.flatMap(([line, meaning], k) => [
      ...(k === 0 ? [] : [".PP"]),
      `${escaped(meaning)}:`,
      literal(line),
    ]),
  ];
}
