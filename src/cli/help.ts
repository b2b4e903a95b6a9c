/**
 * The help of hull and of its commands.
 *
 * @module
 */

import { type Example, EXAMPLES } from "./examples.ts";
import type { Command, CommandGroup, Flag, Program } from "./flags/command.ts";
import { withHelp } from "./flags/options.ts";

/** What hull is. */
export const SUMMARY = "An OCI runtime: creates, runs, looks at and removes Linux containers.";

/** The groups of commands, in their order. */
export const GROUPS: Readonly<Record<CommandGroup, string>> = {
  run: "run containers",
  look: "look at them",
  change: "change and end them",
  host: "this host, and hull itself",
};

/** The help of a command. */
export function commandHelp(name: string, command: Command): string {
  return [
    `usage: ${usageOf(name, command)}`,
    "",
    command.description,
    "",
    "flags:",
    ...flagLines(withHelp(command.flags)),
    ...exampleLines(name),
    "",
  ].join("\n");
}

/** How a command is called. */
export function usageOf(name: string, { synopsis }: Pick<Command, "synopsis">): string {
  return `hull [global flags] ${name} [flags] ${synopsis}`.trimEnd();
}

/** The help of hull itself. */
export function globalHelp({ commands, flags }: Program): string {
  const rows = Object.entries(commands);
  const width = widest(rows.map(([name]) => name));
  const groups = Object.entries(GROUPS).flatMap(([group, title]) => [
    "",
    `${title}:`,
    ...columns(
      rows.filter(([, entry]) => entry.group === group).map((
        [name, { summary }],
      ) => [name, summary]),
      width,
    ),
  ]);
  return [
    "usage: hull [global flags] <command> [flags] [arguments]",
    "",
    SUMMARY,
    ...groups,
    "",
    "global flags:",
    ...flagLines(withHelp(flags)),
    ...exampleLines(""),
    "",
    "hull <command> --help tells about a command.",
    "",
  ].join("\n");
}

/** A flag as it is typed, with its value. */
export function flagText({ name, letter, value, mayStandAlone }: Flag): string {
  const short = letter === undefined ? "    " : `-${letter}, `;
  const taken = value === undefined ? "" : mayStandAlone === true ? `[=${value}]` : ` ${value}`;
  return `${short}--${name}${taken}`;
}

/** Those that the help tells. */
export function toldFlags(flags: readonly Flag[]): readonly Flag[] {
  return flags.filter(({ isInner }) => isInner !== true);
}

/** The examples of a command; none for one that has none. */
export function examplesOf(name: string): readonly Example[] {
  return EXAMPLES[name] ?? [];
}

function flagLines(flags: readonly Flag[]): string[] {
  return columns(toldFlags(flags).map((flag) => [flagText(flag), flag.summary]));
}

function exampleLines(name: string): string[] {
  const examples = examplesOf(name);
  return examples.length === 0 ? [] : ["", "examples:", ...columns(examples)];
}

function columns(
  rows: readonly (readonly [string, string])[],
  width = widest(rows.map(([left]) => left)),
): string[] {
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
