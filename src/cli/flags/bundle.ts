/**
 * Reads the bundle that a command was given: a folder with a config.json.
 *
 * @module
 */

import { isThere } from "../../../ffi/files/file_status.ts";
import type { Config } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import { type Flag, type GivenFlags, isOn, text } from "./command.ts";
import { parseDocument } from "./json_document.ts";
import { usageError } from "./options.ts";
import { reason } from "../../failures/reason.ts";

/** A bundle that was read; its config is not yet checked. */
export interface Bundle {
  readonly folder: string;
  /** The config's file. */
  readonly path: string;
  /** Whether it was not named, but is used because it lies in the current folder. */
  readonly isFound: boolean;
  readonly config: Config;
  /** Whether the rootfs must not be changed, so that an overlay lies over it. */
  readonly overlay?: boolean;
}

/** The flags that name a bundle. */
export const BUNDLE_FLAGS: readonly Flag[] = [
  { name: "bundle", letter: "b", value: "DIR", summary: "the bundle's folder; default: this one" },
  {
    name: "config",
    letter: "f",
    value: "FILE",
    summary: "the config's file, in place of config.json",
  },
  { name: "builtin", summary: "the built-in default, even if there is a config.json here" },
];

/** The hint for a file that was found but not named. */
const ESCAPE = "--builtin takes the built-in default instead";

/**
 * Reads the bundle.
 *
 * @returns undefined if none was named and there is no config.json here, or with `--builtin`
 * @throws {ContainerError} `ConfigInvalid`
 */
export function readBundle(flags: GivenFlags, caller: Caller): Bundle | undefined {
  const folder = text(flags, "bundle");
  const file = text(flags, "config");
  const isFound = folder === undefined && file === undefined;
  if (isOn(flags, "builtin")) {
    if (isFound) return undefined;
    throw usageError("--builtin is the config itself", "leave out --bundle and --config");
  }
  const base = caller.path(folder ?? ".");
  const path = file === undefined || !file.startsWith("/")
    ? `${base}/${file ?? "config.json"}`
    : file;
  const json = readConfig(path, isFound, caller);
  if (json === undefined) return undefined;
  return { folder: base, path, isFound, config: parse(json, path, isFound) };
}

/**
 * Adds the file to an error of the config: the user may not know that there is one in this folder.
 */
export function namingFile(error: unknown, bundle: Bundle | undefined): unknown {
  if (bundle === undefined || !(error instanceof ContainerError)) return error;
  const { code, summary, pointer, faults, cause } = error;
  if (pointer === undefined && faults === undefined) return error;
  if (!bundle.isFound && faults === undefined) return error;
  const file = `the config is ${wholePath(bundle.path)}`;
  const hints = [error.hint, file, bundle.isFound ? ESCAPE : undefined];
  const hint = hints.filter((part) => part !== undefined).join("; ");
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}

function readConfig(path: string, isFound: boolean, caller: Caller): string | undefined {
  try {
    return caller.readText(path);
  } catch (cause) {
    if (cause instanceof NotHere) throw cause;
    const isMissing = cause instanceof Deno.errors.NotFound;
    const isDangling = isMissing && isThere(path);
    if (isMissing && !isDangling && isFound) return undefined;
    const why = isDangling
      ? "it is a link to nothing"
      : isMissing
      ? "there is no such file"
      : reason(cause);
    throw unusable(`cannot read the config ${wholePath(path)}: ${why}`, path, {
      cause,
      hint: isFound
        ? ESCAPE
        : isMissing && !isDangling
        ? "make one with hull spec, or name its folder with --bundle"
        : "name the folder that holds config.json with --bundle",
    });
  }
}

/** The text as an object. Its content is checked when a container is made of it. */
function parse(json: string, path: string, isFound: boolean): Config {
  const hint = isFound ? ESCAPE : "hull spec writes one, to begin with or to compare";
  let value: unknown;
  try {
    value = parseDocument(json);
  } catch (cause) {
    const why = json.startsWith("\ufeff")
      ? "it begins with a byte order mark"
      : (cause as Error).message;
    throw unusable(`${wholePath(path)} is not JSON: ${why}`, path, { cause, hint });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Config;
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
  throw unusable(`${wholePath(path)} must hold an object, not ${kind}`, path, { hint });
}

function unusable(
  summary: string,
  path: string,
  details: { readonly cause?: unknown; readonly hint: string | undefined },
): ContainerError {
  return new ContainerError("ConfigInvalid", summary, { path, ...details });
}

function wholePath(path: string): string {
  if (path.startsWith("/")) return path;
  try {
    return `${Deno.cwd()}/${path.replace(/^\.\//, "")}`;
  } catch {
    return path; // this folder is gone
  }
}
