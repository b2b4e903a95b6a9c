/**
 * The help of hull and of its commands.
 *
 * @module
 */

import type { Command, Flag } from "./flags/command.ts";
import { withHelp } from "./flags/options.ts";

/** The help of a command. */
export function commandHelp(name: string, command: Command): string {
  return [
    `usage: hull [global flags] ${name} [flags] ${command.synopsis}`.trimEnd(),
    "",
    command.description,
    "",
    "flags:",
    ...flagLines(withHelp(command.flags)),
    "",
  ].join("\n");
}

/** The help of hull itself. */
export function globalHelp(
  commands: readonly (readonly [name: string, summary: string])[],
  flags: readonly Flag[],
): string {
  return [
    "usage: hull [global flags] <command> [flags] [arguments]",
    "",
    "An OCI runtime: creates, runs, looks at and removes Linux containers.",
    "",
    "commands:",
    ...columns(commands),
    "",
    "global flags:",
    ...flagLines(withHelp(flags)),
    "",
    "hull <command> --help tells about a command.",
    "",
  ].join("\n");
}

function flagLines(flags: readonly Flag[]): string[] {
  const told = flags.filter(({ isInner }) => isInner !== true);
  return columns(told.map(({ name, letter, value, summary }) => {
    const short = letter === undefined ? "    " : `-${letter}, `;
    return [`${short}--${name}${value === undefined ? "" : ` ${value}`}`, summary];
  }));
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
