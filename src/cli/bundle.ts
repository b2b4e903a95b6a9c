/**
 * The bundle that a command was given: a folder with a config.json.
 *
 * @module
 */

import type { Config } from "../config/types.ts";
import { ContainerError } from "../errors.ts";
import { type Flag, type GivenFlags, text } from "./command.ts";

/** A bundle that was read; its config is not yet checked. */
export interface Bundle {
  readonly folder: string;
  readonly config: Config;
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
];

/**
 * Reads the bundle.
 *
 * @returns undefined if none was named and there is no config.json here
 * @throws {ContainerError} `ConfigInvalid`
 */
export function readBundle(flags: GivenFlags): Bundle | undefined {
  const folder = text(flags, "bundle");
  const file = text(flags, "config");
  const base = folder ?? ".";
  const path = file === undefined || !file.startsWith("/")
    ? `${base}/${file ?? "config.json"}`
    : file;
  const json = readConfig(path, folder === undefined && file === undefined);
  if (json === undefined) return undefined;
  return { folder: base, config: parse(json, path) };
}

function readConfig(path: string, mayBeMissing: boolean): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    if (isMissing && mayBeMissing) return undefined;
    const why = isMissing ? "there is no such file" : (cause as Error).message;
    throw new ContainerError("ConfigInvalid", `cannot read the config ${path}: ${why}`, {
      path,
      cause,
      hint: isMissing ? "make one with hull spec, or name its folder with --bundle" : undefined,
    });
  }
}

/** The text as an object; what it holds is checked when a container is made of it. */
function parse(json: string, path: string): Config {
  try {
    return JSON.parse(json) as Config;
  } catch (cause) {
    throw new ContainerError("ConfigInvalid", `${path} is not JSON: ${(cause as Error).message}`, {
      path,
      cause,
    });
  }
}
