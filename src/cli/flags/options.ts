/**
 * Parses a command line by flags given as data. For a mistake, the error names the nearest valid
 * word.
 *
 * @module
 */

import { parseArgs } from "../../../std/cli/parse_args.ts";
import { ContainerError } from "../../errors.ts";
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

/** What a command line is parsed against. */
interface Grammar {
  readonly flags: readonly Flag[];
  /** The words before the arguments, such as `hull run`, for the errors. */
  readonly whose: string;
  readonly stopsEarly: boolean;
  readonly global: readonly Flag[];
}

/**
 * Parses. What stands behind `--` is the `command` of the result.
 *
 * @param whose the words before the arguments, such as `hull run`, for the errors
 * @param stopsEarly whether everything from the first argument on is left as it is: all of it, `--`
 *   too, is among the arguments then
 * @param global the flags that belong before the command, for the errors
 * @throws {ContainerError} `ConfigInvalid` for an unknown flag or a flag without its value
 */
export function parseFlags(
  args: readonly string[],
  flags: readonly Flag[],
  whose: string,
  stopsEarly = false,
  global: readonly Flag[] = [],
): Parsed {
  const known = withHelp(flags);
  const grammar: Grammar = { flags: known, whose, stopsEarly, global };
  const { own, left, switches } = split(args, grammar);
  const given = parseOwn(own, grammar);
  const found: Record<string, string | readonly string[] | boolean> = { ...switches };
  for (const { name, value, many } of known) {
    const got = given[name];
    const values = Array.isArray(got) ? got.map(String) : typeof got === "string" ? [got] : [];
    if (values.length === 0) continue;
    if (values.includes("")) throw usageError(`${whose} --${name} needs a ${value}`, see(whose));
    found[name] = many === true ? values : values.at(-1) as string;
  }
  if (stopsEarly) return { flags: found, args: left ?? [], command: undefined };
  return { flags: found, args: given._.map(String), command: left };
}

/**
 * What finds the first word that is neither a flag nor a flag's value, before the words are parsed.
 *
 * @param flags those that may stand before it
 */
export function argumentFinder(
  flags: readonly Flag[],
): (words: readonly string[]) => string | undefined {
  const valued = flags.filter(({ value }) => value !== undefined).map(({ name }) => `--${name}`);
  return (words) =>
    words.find((word, k) => !word.startsWith("-") && !valued.includes(words[k - 1] ?? ""));
}

/**
 * Parses a command's words. The words of another program, which follow the first argument, stay as
 * they are; only a `--` right before them belongs to hull. A `--` before required arguments means
 * that no flags follow; one after them begins the container's command.
 *
 * @param global the flags that belong before the command, for the errors
 * @throws {ContainerError} what {@linkcode parseFlags} throws
 */
export function parseCommand(
  name: string,
  command: Command,
  args: readonly string[],
  global: readonly Flag[] = [],
): Parsed {
  const { flags, stopsEarly, takesCommand = false, arity: [least] } = command;
  const parsed = parseFlags(args, flags, `hull ${name}`, stopsEarly, global);
  if (stopsEarly === true) {
    if (parsed.args[1] !== SEPARATOR) return parsed;
    return { ...parsed, args: parsed.args.toSpliced(1, 1) };
  }
  const { command: behind } = parsed;
  if (behind === undefined || (takesCommand && parsed.args.length >= least)) return parsed;
  const next = takesCommand ? behind.indexOf(SEPARATOR) : -1;
  return {
    ...parsed,
    args: [...parsed.args, ...next < 0 ? behind : behind.slice(0, next)],
    command: next < 0 ? undefined : behind.slice(next + 1),
  };
}

const SEPARATOR = "--";

/** What parseArgs gives: each flag's value or values, and the arguments. */
type Given = Record<string, unknown> & { readonly _: (string | number)[] };

function parseOwn(own: string[], grammar: Grammar): Given {
  const named = (wanted: (flag: Flag) => unknown) =>
    grammar.flags.filter(wanted).map(({ name }) => name);
  return parseArgs(own, {
    string: ["_", ...named(({ value }) => value !== undefined)],
    collect: named(({ value }) => value !== undefined),
    unknown: (argument: string, key?: string) => {
      if (key === undefined) return true;
      throw unknownFlag(argument, grammar);
    },
  }) as Given;
}

/** hull's own words, separated from those that are left alone, and the flags that are on or off. */
interface Split {
  readonly own: string[];
  /** What stands behind `--`, or from the first argument on; undefined without either. */
  readonly left: readonly string[] | undefined;
  readonly switches: Readonly<Record<string, boolean>>;
}

/**
 * Separates the words. A value that begins with a dash, such as `-1` or the `-` of stdin, is joined
 * with its flag, since it would be taken for a flag. A flag that is on or off takes no further
 * word, not even `true`.
 */
function split(args: readonly string[], grammar: Grammar): Split {
  const own: string[] = [];
  const switches: Record<string, boolean> = {};
  for (let k = 0; k < args.length; k++) {
    const arg = args[k] as string;
    const isFlag = arg.startsWith("-") && arg !== "-";
    if (arg === SEPARATOR) return { own, left: args.slice(k + 1), switches };
    if (!isFlag && grammar.stopsEarly) return { own, left: args.slice(k), switches };
    if (!isFlag) own.push(arg);
    for (const word of isFlag ? longForms(arg, grammar) : []) {
      const flag = flagOf(word, grammar);
      const { name } = flag;
      const next = args[k + 1];
      if (isSwitch(flag, word, next)) switches[name] = isOnBy(word, grammar);
      else if (word !== `--${name}` || next === undefined || next === SEPARATOR) own.push(word);
      else if (/^-(\d|$)/.test(next)) own.push(`${word}=${args[++k]}`);
      else own.push(word, args[++k] as string);
    }
  }
  return { own, left: undefined, switches };
}

/** Whether a flag stands alone: it takes no value, or none of the words that may follow. */
function isSwitch(
  { name, value, choices = [], mayStandAlone }: Flag,
  word: string,
  next = "",
): boolean {
  if (value === undefined || mayStandAlone !== true) return value === undefined;
  return word === `--${name}` ? !choices.includes(next) : /=(?:true|false|1|0)$/i.test(word);
}

/** `-tu0` as `--tty` and `--user=0`. */
function longForms(arg: string, grammar: Grammar): string[] {
  if (arg.startsWith("--")) return [arg];
  const words: string[] = [];
  for (let rest = arg.slice(1); rest !== "";) {
    const flag = grammar.flags.find(({ letter }) => letter === rest[0]);
    if (flag === undefined) throw unknownFlag(`-${rest[0]}`, grammar);
    rest = rest.slice(1);
    const takesRest = rest !== "" && (flag.value !== undefined || rest.startsWith("="));
    words.push(takesRest ? `--${flag.name}=${rest.replace(/^=/, "")}` : `--${flag.name}`);
    if (takesRest) break;
  }
  return words;
}

function flagOf(word: string, grammar: Grammar): Flag {
  const [name] = word.slice(2).split("=");
  return grammar.flags.find((flag) => flag.name === name) ?? unknown(word, grammar);
}

function unknown(word: string, grammar: Grammar): never {
  throw unknownFlag(word, grammar);
}

/** `--flag` is on; `--flag=false` is off. */
function isOnBy(word: string, { whose }: Grammar): boolean {
  const at = word.indexOf("=");
  const value = at < 0 ? "true" : word.slice(at + 1);
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw usageError(
    `${whose} ${word.slice(0, at)} is on or off, not ${JSON.stringify(value)}`,
    "give it alone, or with =true or =false",
  );
}

function see(whose: string): string {
  return `see ${whose} --help`;
}

/**
 * Checks the number of arguments.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function checkArity(name: string, command: Command, parsed: Parsed): void {
  const [least, most] = command.arity;
  const count = parsed.args.length;
  const hint = `usage: hull ${name} ${command.synopsis}`.trimEnd();
  if (count < least) throw usageError(`an argument of hull ${name} is missing`, hint);
  if (count > most) {
    const extra = parsed.args[most] as string;
    throw usageError(
      `${JSON.stringify(extra)} is one argument too many for hull ${name}`,
      command.takesCommand === true ? `put -- before the command; ${hint}` : hint,
    );
  }
}

function unknownFlag(argument: string, { flags, whose, global }: Grammar): ContainerError {
  const name = argument.split("=")[0] as string;
  const bare = name.replace(/^-+/, "");
  if (global.some((flag) => `--${flag.name}` === name)) {
    return usageError(
      `${name} is no flag of ${whose}`,
      `put it before the command: hull ${name} …`,
    );
  }
  if (/^-(i|it|ti)$/.test(argument) && flags.some((flag) => flag.letter === "t")) {
    return usageError(
      `unknown flag ${argument} of ${whose}`,
      "stdin is passed on anyway, and -t gives a terminal",
    );
  }
  const near = bare.length < 2 ? undefined : nearest(bare, flags.map((flag) => flag.name));
  return usageError(
    `unknown flag ${name} of ${whose}`,
    near === undefined ? see(whose) : `did you mean --${near}?`,
  );
}
