/**
 * The parsing of a command line against flags given as data; whatever it can't mean is an error
 * that names the nearest thing it could.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { ContainerError } from "../errors.ts";
import type { Command, Flag, GivenFlags } from "./command.ts";
import { nearest } from "./suggest.ts";

/** A parsed command line. */
export interface Parsed {
  readonly flags: GivenFlags;
  readonly args: readonly string[];
  readonly command: readonly string[] | undefined;
}

const HELP: Flag = { name: "help", letter: "h", summary: "show this help" };

/** The flags with `--help`. */
export function withHelp(flags: readonly Flag[]): readonly Flag[] {
  return [...flags, HELP];
}

/** A mistake in the command line. */
export function usageError(message: string, hint: string): ContainerError {
  return new ContainerError("ConfigInvalid", message, { hint });
}

/**
 * Parses.
 *
 * @param whose the words before the arguments, such as `hull run`, for the errors
 * @param stopEarly whether everything from the first argument on is left as it is
 * @throws {ContainerError} `ConfigInvalid` for an unknown flag or a flag without its value
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  whose: string,
  stopEarly = false,
): Parsed {
  const known = withHelp(flags);
  const valued = known.filter(({ value }) => value !== undefined).map(({ name }) => name);
  const plain = known.filter(({ value }) => value === undefined).map(({ name }) => name);
  const alias: Record<string, string> = {};
  for (const { name, letter } of known) if (letter !== undefined) alias[letter] = name;
  const { _: rest, "--": behind, ...given } = parseArgs(joinDashed(args, known, stopEarly), {
    string: ["_", ...valued],
    boolean: plain,
    alias,
    stopEarly,
    "--": true,
    unknown: (argument: string, key?: string) => {
      if (key === undefined) return true;
      throw unknownFlag(argument, known, whose);
    },
  }) as Record<string, unknown> & { _: (string | number)[]; "--"?: string[] };
  const found: Record<string, string | boolean> = {};
  for (const { name, value } of known) {
    const got = Array.isArray(given[name]) ? given[name].at(-1) : given[name];
    if (value !== undefined && got === "") {
      throw usageError(`${whose} --${name} needs a ${value}`, `see ${whose} --help`);
    }
    if (typeof got === "string" || got === true) found[name] = got;
  }
  return {
    flags: found,
    args: rest.map(String),
    command: args.includes("--") ? behind ?? [] : undefined,
  };
}

/**
 * Joins a flag with a value that begins with a dash, which would be taken for a flag: `-1`, or `-`
 * for stdin.
 */
function joinDashed(
  args: readonly string[],
  flags: readonly Flag[],
  stopEarly: boolean,
): string[] {
  const joined: string[] = [];
  for (let k = 0; k < args.length; k++) {
    const arg = args[k] as string;
    const isFlag = arg.startsWith("-") && arg !== "-";
    if (arg === "--" || (!isFlag && stopEarly)) return [...joined, ...args.slice(k)];
    const flag = flags.find(({ name, letter, value }) =>
      value !== undefined && (arg === `--${name}` || arg === `-${letter}`)
    );
    const next = args[k + 1];
    if (flag === undefined || next === undefined || next === "--") joined.push(arg);
    else if (/^-(\d|$)/.test(next)) joined.push(`--${flag.name}=${args[++k]}`);
    else joined.push(arg, args[++k] as string);
  }
  return joined;
}

/**
 * Checks the number of arguments.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function checkArity(name: string, command: Command, parsed: Parsed): void {
  const [least, most] = command.arity;
  const count = parsed.args.length;
  const hint = `usage: hull ${name} ${command.synopsis}`;
  if (count < least) throw usageError(`an argument of hull ${name} is missing`, hint);
  if (count > most) {
    const extra = parsed.args[most] as string;
    throw usageError(
      `${JSON.stringify(extra)} is one argument too many for hull ${name}`,
      command.takesCommand === true ? `put -- before the command; ${hint}` : hint,
    );
  }
  if (parsed.command !== undefined && command.takesCommand !== true) {
    throw usageError(`hull ${name} takes no command behind --`, hint);
  }
}

function unknownFlag(argument: string, flags: readonly Flag[], whose: string): ContainerError {
  const name = argument.split("=")[0] as string;
  const near = nearest(name.replace(/^-+/, ""), flags.map((flag) => flag.name));
  return usageError(
    `unknown flag ${name} of ${whose}`,
    near === undefined ? `see ${whose} --help` : `did you mean --${near}?`,
  );
}
