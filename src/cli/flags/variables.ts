/**
 * Variables on a command line and in files.
 *
 * @module
 */

import { ownVariable } from "../../own/own_environment.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import { type Invocation, list } from "./command.ts";
import { usageError } from "./options.ts";
import type { Output } from "../output/output.ts";
import { reason } from "../../failures/reason.ts";

/**
 * The variables of `--env-file` and `--env`, of which the latter win.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function variablesOfFlags(
  { flags, output, caller }: Pick<Invocation, "flags" | "output" | "caller">,
): readonly string[] {
  return [
    ...list(flags, "env-file").flatMap((file) => variablesIn(file, caller)),
    ...list(flags, "env").flatMap((entry) => withValue(entry, output, caller)),
  ];
}

/**
 * The variables of a file: `NAME=VALUE`, or `NAME` for the caller's value if there is one, a line
 * each; lines that are empty or begin with # mean nothing. A value is taken as it stands, without
 * quotes and escapes, as Podman and Docker do.
 *
 * @throws {ContainerError} `ConfigInvalid` with the line's number
 */
export function variablesIn(path: string, caller: Caller): string[] {
  return readText(path, caller).split("\n").flatMap((line, k) => {
    const entry = line.replace(/^\s+/, "").replace(/\r$/, "");
    if (entry === "" || entry.startsWith("#")) return [];
    const [name = ""] = entry.split("=");
    if (name === "" || /\s/.test(name)) {
      throw usageError(
        `--env-file ${path} has no variable in line ${k + 1}`,
        "a line is NAME=VALUE",
      );
    }
    const value = entry.includes("=") ? entry : own(entry, caller);
    return value === undefined ? [] : [value];
  });
}

/** A name without a value gets the caller's own value; a warning tells if the caller has none. */
export function withValue(entry: string, output: Output, caller: Caller): string[] {
  if (entry.includes("=")) return [entry];
  const variable = own(entry, caller);
  if (variable !== undefined) return [variable];
  output.warn(`--env ${entry}: there is no such variable here, so none is set`);
  return [];
}

function own(name: string, caller: Caller): string | undefined {
  const value = caller.isOther ? caller.variable(name) : ownVariable(name);
  return value === undefined ? undefined : `${name}=${value}`;
}

function readText(path: string, caller: Caller): string {
  try {
    return caller.readText(caller.path(path));
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    throw usageError(`--env-file ${path} can't be read: ${reason(cause)}`, "name a file of text");
  }
}
