/**
 * What may stand where in hull's command line, for completion: the table of commands, loaded, with
 * what is known of each value.
 *
 * @module
 */

import type { Command, Flag, Program } from "../flags/command.ts";
import { withHelp } from "../flags/options.ts";

/** What a value or an argument may be; `any` is what nobody but the user knows. */
export type Kind =
  | { readonly kind: "any" | "files" | "folders" | "ids" | "commands" | "program" }
  | { readonly kind: "words"; readonly words: readonly string[] };

/** A flag as it is typed. */
export interface FlagWords {
  readonly name: string;
  readonly letter: string | undefined;
  readonly summary: string;
  readonly isMany: boolean;
  /** Its value; undefined for one that is on or off. */
  readonly value: FlagValue | undefined;
}

/** A flag's value. */
export interface FlagValue {
  readonly name: string;
  readonly kind: Kind;
  /** Whether it may be left out, and is part of the flag's word otherwise: `--init=direct`. */
  readonly isOptional: boolean;
}

/** A command as it is typed. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagWords[];
  /** Its arguments, in their order. */
  readonly args: readonly Kind[];
  /** Whether no flags of hull's follow its first argument. */
  readonly stopsEarly: boolean;
}

/** All that can be typed. */
export interface Grammar {
  readonly flags: readonly FlagWords[];
  readonly commands: readonly CommandWords[];
}

/** The signals that are completed; any other can be named, too. */
const SIGNALS = ["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT", "WINCH"];

/** Loads all commands, and tells what is typed where. */
export async function grammarOf({ commands, flags }: Program): Promise<Grammar> {
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => {
      const { command } = await load();
      return {
        name,
        summary,
        flags: flagWords(command.flags),
        args: argumentsOf(command),
        stopsEarly: command.stopsEarly === true,
      };
    }),
  );
  const help: CommandWords = {
    name: "help",
    summary: "show the help, or that of a command",
    flags: [],
    args: [{ kind: "commands" }],
    stopsEarly: false,
  };
  return { flags: flagWords(flags), commands: [...loaded, help] };
}

function flagWords(flags: readonly Flag[]): FlagWords[] {
  return withHelp(flags).filter(({ isInner }) => isInner !== true).map((flag) => ({
    name: flag.name,
    letter: flag.letter,
    summary: flag.summary,
    isMany: flag.many === true,
    value: valueOf(flag),
  }));
}

function valueOf(flag: Flag): FlagValue | undefined {
  if (flag.value === undefined) return undefined;
  return { name: flag.value, kind: kindOf(flag), isOptional: flag.mayStandAlone === true };
}

function kindOf({ value = "", choices }: Flag): Kind {
  if (choices !== undefined) return { kind: "words", words: choices };
  if (/^(FILE|PATH|SOCKET)\b/.test(value)) return { kind: "files" };
  return { kind: /^DIR\b/.test(value) ? "folders" : "any" };
}

/** What the synopsis says: `<id> [signal]`, `bash|zsh|fish`. */
function argumentsOf({ synopsis, isNew, takesCommand, stopsEarly }: Command): Kind[] {
  const own = synopsis.split(" [-- ")[0]?.split(" ") ?? [];
  const kinds = own.filter((word) => word !== "").map((word): Kind => {
    const bare = word.replaceAll(/[<>[\]]/g, "");
    if (word === "<id>") return { kind: isNew === true ? "any" : "ids" };
    if (bare === "signal") return { kind: "words", words: SIGNALS };
    if (/^[a-z]+(\|[a-z]+)+$/.test(bare)) return { kind: "words", words: bare.split("|") };
    return { kind: "any" };
  });
  const isForOther = takesCommand === true || stopsEarly === true;
  return isForOther ? [...kinds.slice(0, 1), { kind: "program" }] : kinds;
}

/** A flag's words: `--bundle`, and `-b`. */
export function wordsOf({ name, letter }: FlagWords): string[] {
  return letter === undefined ? [`--${name}`] : [`--${name}`, `-${letter}`];
}
