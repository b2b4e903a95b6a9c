/**
 * What a command of the CLI is: its flags and texts as data, which serve to parse options, print
 * help and explain mistakes; and the function that runs it.
 *
 * @module
 */

import type { Factory } from "../../factory.ts";
import type { Caller } from "../caller/caller.ts";
import type { Output } from "../output/output.ts";
import type { TraceFile } from "../output/trace_file.ts";

/** A flag of a command or of hull itself. */
export interface Flag {
  readonly name: string;
  /** Its one letter. */
  readonly letter?: string;
  /** What its value stands for, such as `FILE`; a flag without one is on or off. */
  readonly value?: string;
  /** The words that its value may be, where they are few. */
  readonly choices?: readonly string[];
  /**
   * Whether it is on or off where none of its choices follows, nor a = with a value: it takes a next
   * word only if that is one of them.
   */
  readonly mayStandAlone?: true;
  /** Whether it may be given several times, each with a value of its own. */
  readonly many?: true;
  /** What it does, for the help. */
  readonly summary: string;
  /** Whether only hull itself gives it, so that the help leaves it out. */
  readonly isInner?: true;
}

/** The flags that were given: text for those with a value, or texts; on or off for the others. */
export type GivenFlags = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

/** What a command runs with. */
export interface Invocation {
  readonly flags: GivenFlags;
  /** The arguments that are not flags. */
  readonly args: readonly string[];
  /** What stood behind `--`; undefined without one. */
  readonly command: readonly string[] | undefined;
  /** The root folder that `--root` named. */
  readonly root: string | undefined;
  /** The Factory that hull's own flags describe. */
  readonly factory: () => Promise<Factory>;
  readonly output: Output;
  readonly caller: Caller;
  /** Does another caller's command. */
  readonly main: (args: readonly string[], caller: Caller) => Promise<number>;
  /** The trace, with `--trace`. */
  readonly trace: TraceFile | undefined;
  /** What hull can be told, for commands about hull itself. */
  readonly program: Program;
}

/** hull as data. */
export interface Program {
  /** By name, in the order of the help. */
  readonly commands: Readonly<Record<string, Entry>>;
  /** Those before the command's name. */
  readonly flags: readonly Flag[];
}

/** What a command is for: the help has them in these groups. */
export type CommandGroup = "run" | "look" | "change" | "host";

/** A command that is not loaded. */
export interface Entry {
  /** What it is for. */
  readonly group: CommandGroup;
  /** What it does, for the help. */
  readonly summary: string;
  /** Loads it. */
  load(): Promise<{ readonly command: Command }>;
}

/**
 * hull's exit code after a failure.
 *
 * @param words all that followed the command's name, also what could not be parsed
 */
export type FailureCode = (
  error: unknown,
  words: readonly string[],
  caller: Caller,
) => number | Promise<number>;

/** A command. */
export interface Command {
  /** The arguments behind its name, such as `<id> [signal]`. */
  readonly synopsis: string;
  /** What it does, in a few sentences. */
  readonly description: string;
  readonly flags: readonly Flag[];
  /** How few and how many arguments it takes. */
  readonly arity: readonly [least: number, most: number];
  /** Whether its `<id>` names a container that it makes. */
  readonly isNew?: true;
  /**
   * Whether everything behind the first argument is left as it is, because it is for another
   * program.
   */
  readonly stopsEarly?: boolean;
  /** Whether it only looks, and what it does is done by the process that it starts. */
  readonly onlyLooks?: boolean;
  /** Whether it sees to it itself that a caller in another process waits: see {@linkcode Caller.begin}. */
  readonly beginsLate?: boolean;
  /** hull's exit code if it fails; 1 unless said otherwise. */
  readonly failureCode?: number | FailureCode;
  /** Whether it takes `-- command…`. */
  readonly takesCommand?: boolean;
  /** Runs it; gives the exit code. */
  run(invocation: Invocation): Promise<number> | number;
}

/** A flag's text; undefined if it was not given. */
export function text(flags: GivenFlags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

/** A flag's path, as this program reaches it; undefined if it was not given. */
export function pathOf(
  { flags, caller }: Pick<Invocation, "flags" | "caller">,
  name: string,
): string | undefined {
  const path = text(flags, name);
  return path === undefined ? undefined : caller.path(path);
}

/** Whether a flag without a value is on. */
export function isOn(flags: GivenFlags, name: string): boolean {
  return flags[name] === true;
}

/** Whether a flag without a value was set on or off; undefined if it was not given. */
export function choice(flags: GivenFlags, name: string): boolean | undefined {
  const value = flags[name];
  return typeof value === "boolean" ? value : undefined;
}

/** A flag's texts, in the order given. */
export function list(flags: GivenFlags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value : [];
}
