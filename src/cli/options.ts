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
 * @param stopEarly whether everything from the first argument on is left as it is: all of it, `--`
 *   too, is among the arguments then
 * @throws {ContainerError} `ConfigInvalid` for an unknown flag or a flag without its value
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  whose: string,
  stopEarly = false,
): Parsed {
  const known = withHelp(flags);
  const { own, left } = split(args, known, stopEarly);
  const given = parseOwn(own, known, whose);
  const found: Record<string, string | readonly string[] | boolean> = {};
  for (const { name, value, many } of known) {
    if (many && Array.isArray(given[name])) {
      found[name] = given[name].map(String);
      continue;
    }
    const got = Array.isArray(given[name]) ? given[name].at(-1) : given[name];
    if (value !== undefined && got === "") {
      throw usageError(`${whose} --${name} needs a ${value}`, `see ${whose} --help`);
    }
    if (typeof got === "string" || got === true) found[name] = got;
  }
  if (stopEarly) return { flags: found, args: left, command: undefined };
  const command = left[0] === SEPARATOR ? left.slice(1) : undefined;
  return { flags: found, args: given._.map(String), command };
}

/**
 * Parses a command's words. Those of another program, which follow the first argument, stay as they
 * are; only a `--` right before them is hull's own.
 *
 * @throws {ContainerError} what {@linkcode parseFlags} throws
 */
export function parseCommand(name: string, command: Command, args: readonly string[]): Parsed {
  const parsed = parseFlags(args, command.flags, `hull ${name}`, command.stopsEarly);
  if (command.stopsEarly !== true || parsed.args[1] !== SEPARATOR) return parsed;
  return { ...parsed, args: parsed.args.toSpliced(1, 1) };
}

const SEPARATOR = "--";

/** What parseArgs gives: each flag's value or values, and the arguments. */
type Given = Record<string, unknown> & { readonly _: (string | number)[] };

function parseOwn(own: string[], known: readonly Flag[], whose: string): Given {
  const named = (wanted: (flag: Flag) => unknown) => known.filter(wanted).map(({ name }) => name);
  const alias: Record<string, string> = {};
  for (const { name, letter } of known) if (letter !== undefined) alias[letter] = name;
  return parseArgs(own, {
    string: ["_", ...named(({ value }) => value !== undefined)],
    boolean: named(({ value }) => value === undefined),
    collect: named(({ many }) => many),
    alias,
    unknown: (argument: string, key?: string) => {
      if (key === undefined) return true;
      throw unknownFlag(argument, known, whose);
    },
  }) as Given;
}

/**
 * Parts hull's own words from those that are left alone: from `--` on, or from the first argument on.
 * A value that begins with a dash, `-1` or the `-` of stdin, is joined with its flag, since it would
 * be taken for one.
 */
function split(
  args: readonly string[],
  flags: readonly Flag[],
  stopEarly: boolean,
): { readonly own: string[]; readonly left: readonly string[] } {
  const own: string[] = [];
  for (let k = 0; k < args.length; k++) {
    const arg = args[k] as string;
    const isFlag = arg.startsWith("-") && arg !== "-";
    if (arg === SEPARATOR || (!isFlag && stopEarly)) {
      // Before the first argument a -- only says that no flag follows.
      return { own, left: args.slice(stopEarly && arg === SEPARATOR ? k + 1 : k) };
    }
    const flag = awaitsValue(arg, flags);
    const next = args[k + 1];
    if (flag === undefined || next === undefined || next === SEPARATOR) own.push(arg);
    else if (/^-(\d|$)/.test(next)) own.push(...lettersBefore(arg), `--${flag.name}=${args[++k]}`);
    else own.push(arg, args[++k] as string);
  }
  return { own, left: [] };
}

/** Of `-tu` what stands before the last letter: `-t`. */
function lettersBefore(arg: string): string[] {
  return arg.startsWith("--") || arg.length === 2 ? [] : [arg.slice(0, -1)];
}

/** The flag that takes the next word: `--user`, `-u`, or the last of several letters, as in `-tu`. */
function awaitsValue(arg: string, flags: readonly Flag[]): Flag | undefined {
  const valued = flags.filter(({ value }) => value !== undefined);
  if (arg.startsWith("--")) return valued.find(({ name }) => arg === `--${name}`);
  const letters = [...arg.slice(1)];
  const first = letters.findIndex((each) => valued.some(({ letter }) => letter === each));
  if (first < 0 || first !== letters.length - 1) return undefined; // the others are its value
  return valued.find(({ letter }) => letter === letters[first]);
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
