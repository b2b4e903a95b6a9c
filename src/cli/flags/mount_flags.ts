/**
 * `--volume`, `--mount` and `--tmpfs`, as Podman reads them.
 *
 * @module
 */

import type { HostMount, TmpfsMount } from "../../create/default_wishes.ts";
import { usageError } from "./options.ts";
import { parseBytes } from "./quantities.ts";

/** A mount that a flag names. */
export type FlagMount = HostMount | TmpfsMount;

/** Gives a path as this program reaches it. */
type Reach = (path: string) => string;

/** What SELinux hosts need; elsewhere it means nothing. */
const RELABEL = new Set(["z", "Z"]);
/** What every mount of a folder of the host is anyway. */
const ANYWAY = new Set(["rbind", "bind", "rprivate", "private", "nosuid", "nodev"]);

/**
 * `SOURCE:PLACE[:OPTIONS]`.
 *
 * @throws {ContainerError} `ConfigInvalid`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseVolume } from "./mount_flags.ts";
 *
 * assertEquals(parseVolume("/srv:/data:ro,z", (path) => path), {
 *   type: "host",
 *   source: "/srv",
 *   destination: "/data",
 *   writable: false,
 * });
 * ```
 */
export function parseVolume(written: string, reach: Reach): FlagMount {
  const [source = "", destination, options = "", ...rest] = written.split(":");
  if (destination === undefined) {
    throw usageError("has no place in the container", "SOURCE:PLACE, or --tmpfs PLACE");
  }
  if (rest.length > 0) throw usageError("has too many parts", "SOURCE:PLACE[:OPTIONS]");
  let writable = true;
  for (const option of options.split(",").filter(Boolean)) {
    if (option === "ro" || option === "rw") writable = option === "rw";
    else if (!RELABEL.has(option) && !ANYWAY.has(option)) {
      throw unknownOption(option, "ro, rw, z, Z");
    }
  }
  return hostMount(source, destination, writable, reach);
}

function hostMount(
  source: string,
  destination: string,
  writable: boolean,
  reach: Reach,
): HostMount {
  if (!/^(?:\/|\.\.?(?:\/|$))/.test(source)) {
    throw usageError(
      `names no path: ${JSON.stringify(source)}`,
      "hull keeps no volumes by name; begin the source with / or ./",
    );
  }
  return { type: "host", source: reach(source), destination, writable };
}

/**
 * `PLACE[:OPTIONS]`. As with Podman nothing can be executed from it, unless `exec` says so.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function parseTmpfs(written: string): FlagMount {
  const at = written.indexOf(":");
  const [destination, options] = at < 0
    ? [written, ""]
    : [written.slice(0, at), written.slice(at + 1)];
  let mount: TmpfsMount = { type: "tmpfs", destination, executable: false };
  for (const option of options.split(",").filter(Boolean)) {
    const [name, value = ""] = option.split("=");
    if (name === "size") mount = { ...mount, sizeBytes: parseSize("size", value) };
    else if (name === "mode") mount = { ...mount, mode: parseMode(value) };
    else if (option === "exec" || option === "noexec") {
      mount = { ...mount, executable: option === "exec" };
    } else if (option !== "rw" && !ANYWAY.has(option)) {
      throw unknownOption(option, "size=, mode=, exec, noexec");
    }
  }
  return mount;
}

/**
 * `type=bind,…` or `type=tmpfs,…`.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function parseMount(written: string, reach: Reach): FlagMount {
  const fields = new Map<string, string | undefined>();
  for (const part of written.split(",")) {
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    const known = KEYS[name] ?? name;
    if (!READ.has(known)) throw unknownOption(name, [...READ].join(", "));
    fields.set(known, at < 0 ? undefined : part.slice(at + 1));
  }
  const destination = fields.get("destination");
  if (destination === undefined) throw usageError("has no destination=", "add destination=PLACE");
  const type = fields.get("type");
  if (type === "bind") {
    const source = fields.get("source");
    if (source === undefined) throw usageError("has no source=", "add source=PATH");
    refuseOthers(fields, ["tmpfs-size", "tmpfs-mode"], type);
    return hostMount(source, destination, !isSet(fields, "readonly"), reach);
  }
  if (type !== "tmpfs") {
    throw usageError(`is of no type that hull has: ${type ?? "volume"}`, "type=bind or type=tmpfs");
  }
  refuseOthers(fields, ["source", "readonly"], type);
  const [size, mode] = [fields.get("tmpfs-size"), fields.get("tmpfs-mode")];
  return {
    type,
    destination,
    ...(size === undefined ? {} : { sizeBytes: parseSize("tmpfs-size", size) }),
    ...(mode === undefined ? {} : { mode: parseMode(mode) }),
  };
}

const KEYS: Readonly<Record<string, string>> = {
  src: "source",
  dst: "destination",
  target: "destination",
  ro: "readonly",
};
const READ = new Set(["type", "source", "destination", "readonly", "tmpfs-size", "tmpfs-mode"]);

function refuseOthers(
  fields: ReadonlyMap<string, unknown>,
  names: readonly string[],
  type: string,
): void {
  const other = names.find((name) => fields.has(name));
  if (other !== undefined) {
    throw usageError(`has ${other}, which type=${type} has not`, "leave it out");
  }
}

function isSet(fields: ReadonlyMap<string, string | undefined>, name: string): boolean {
  const value = fields.get(name);
  if (value === undefined || value === "true" || value === "1") return fields.has(name);
  if (value === "false" || value === "0") return false;
  throw usageError(`has ${name}=${value}`, `${name} is true or false`);
}

function parseSize(name: string, written: string): number {
  const size = /^\d/.test(written) ? tryBytes(written) : 0;
  if (size > 0) return size;
  throw usageError(`has ${name}=${written}`, "a size is an amount above 0, such as 64m");
}

function tryBytes(written: string): number {
  try {
    return parseBytes("size", written);
  } catch {
    return 0;
  }
}

function parseMode(written: string): number {
  if (/^[0-7]{3,5}$/.test(written)) return parseInt(written, 8);
  throw usageError(`has a mode that is none: ${written}`, "an octal number such as 1777");
}

function unknownOption(option: string, known: string): Error {
  return usageError(`has an option that hull does not know: ${option}`, `it may have ${known}`);
}
