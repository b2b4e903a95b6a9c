/**
 * What a sandbox is made with, and the check of it.
 *
 * @module
 */

import { parseDestination, splitPort } from "../../config/destination.ts";
import { ContainerError, type Fault } from "../../errors.ts";
import type { Factory } from "../../factory.ts";

/** An amount of memory: bytes, or a number with its unit. */
export type Memory = number | `${number}${"GB" | "MB" | "kB" | "GiB" | "MiB" | "KiB"}`;

/** A length of time: seconds or minutes. */
export type Duration = `${number}s` | `${number}m`;

/** What a sandbox is made with. */
export interface SandboxOptions {
  /** What its programs find in their environment, beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * How long it lives. `session`, the default, is as long as the program that made it: it ends with
   * `close`, and with that program, however that ends. A sandbox with a duration goes on without
   * the program, and can be found again with `Sandbox.connect`.
   */
  readonly timeout?: "session" | Duration | undefined;
  /**
   * The most memory that its programs have together, with its files in /tmp and /home; default
   * 1280 MiB, where the user may set limits.
   */
  readonly memory?: Memory | undefined;
  /** Up to 5 labels, by which `Sandbox.list` finds it: names of up to 64 bytes, values of 128. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * What its programs may send to: `IP`, `IP:PORT`, `[IPV6]:PORT`, `NAME` or `NAME:PORT`. By default
   * nothing: it has its own loopback interface alone. Names are looked up when the sandbox is made,
   * and stand in its /etc/hosts; it has no resolver. This takes root and nftables.
   */
  readonly allowNet?: readonly string[] | undefined;
  /**
   * Folders of the host that its programs may read and write, by the path where they see them. A
   * folder is told by a path with a slash: `./data`, `/srv/data`.
   */
  readonly volumes?: Readonly<Record<string, string>> | undefined;
  /** A port inside that `url` leads to. */
  readonly port?: number | undefined;
  /** Makes its container; by default one with the default root folder. */
  readonly factory?: Factory | undefined;
  /** The container's id; by default one that nobody has. */
  readonly id?: string | undefined;
  /** Ends the making early; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** Options that are checked. */
export interface CheckedOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** In milliseconds; undefined for a session. */
  readonly timeoutMs: number | undefined;
  /** In bytes. */
  readonly memory: number | undefined;
  readonly port: number | undefined;
  /** What it may send to; nothing if empty. */
  readonly allowNet: readonly string[];
  /** Where each folder of the host is seen, and the folder. */
  readonly volumes: readonly (readonly [destination: string, source: string])[];
}

/** What the hosted sandboxes know, and this machine can't give. */
const REFUSED: Readonly<Record<string, string>> = {
  root: "there are no volumes and snapshots to start from: upload files with sandbox.fs",
  secrets: "secrets that are put into requests on the wire need a host in between",
  ssh: "there is no host in between: use sandbox.spawn",
};

/**
 * Checks the options.
 *
 * @throws {ContainerError} `ConfigInvalid` with all faults; `Unsupported` for what this machine
 *   can't give
 */
export function checkOptions(options: SandboxOptions): CheckedOptions {
  const faults: Fault[] = [];
  const note = (pointer: string, message: string) => {
    faults.push({ pointer, message });
    return undefined;
  };
  const { env = {}, labels = {}, timeout = "session", memory, port } = options;
  for (const [name, value] of Object.entries(env)) {
    const fault = faultOfVariable(name, value);
    if (fault !== undefined) note(`/env/${name}`, fault);
  }
  checkLabels(labels, note);
  const timeoutMs = timeout === "session" ? undefined : durationMs(timeout) ??
    note("/timeout", 'must be "session" or a duration such as "90s" or "5m"');
  const bytes = memory === undefined ? undefined : memoryBytes(memory) ??
    note("/memory", 'must be a number of bytes, or one with a unit such as "512MiB"');
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
    note("/port", "must be from 1 to 65535");
  }
  for (const [k, each] of (options.allowNet ?? []).entries()) {
    const fault = faultOfHost(each);
    if (fault !== undefined) note(`/allowNet/${k}`, fault);
  }
  if (faults.length > 0) {
    throw new ContainerError("ConfigInvalid", "the sandbox's options can't be used", { faults });
  }
  refuse(options as Readonly<Record<string, unknown>>);
  const volumes = Object.entries(options.volumes ?? {});
  for (const volume of volumes) requireFolder(volume);
  const { allowNet = [] } = options;
  return { env, labels, timeoutMs, memory: bytes, port, volumes, allowNet };
}

function refuse(options: Readonly<Record<string, unknown>>): void {
  for (const [name, hint] of Object.entries(REFUSED)) {
    const value = options[name];
    const isAbsent = value === undefined || value === false ||
      (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    if (isAbsent) continue;
    throw new ContainerError("Unsupported", `a sandbox on this machine takes no ${name}`, {
      pointer: `/${name}`,
      hint,
    });
  }
}

/** A folder is told by a path; anything else may be the name of a volume in the cloud. */
function requireFolder([destination, source]: readonly [string, string]): void {
  if (typeof source === "string" && source.includes("/")) return;
  throw new ContainerError("Unsupported", `there is no volume ${JSON.stringify(source)} here`, {
    pointer: `/volumes/${destination.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    hint: "name a folder of this machine by a path, such as ./data",
  });
}

function checkLabels(
  labels: Readonly<Record<string, string>>,
  note: (pointer: string, message: string) => void,
): void {
  const size = (text: string) => new TextEncoder().encode(text).length;
  const pairs = Object.entries(labels);
  if (pairs.length > 5) note("/labels", "must be 5 at most");
  for (const [name, value] of pairs) {
    if (size(name) > 64) note(`/labels/${name}`, "its name must have 64 bytes at most");
    if (typeof value !== "string" || size(value) > 128) {
      note(`/labels/${name}`, "must be a text of 128 bytes at most");
    }
  }
}

/** A name as hosts have it: RFC 1123. */
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

function faultOfHost(text: unknown): string | undefined {
  const wrong = "must be IP, IP:PORT, [IPV6]:PORT, NAME or NAME:PORT";
  if (typeof text !== "string") return wrong;
  if (text.startsWith("*")) return "names with * can't be looked up beforehand: name each host";
  if (typeof parseDestination(text) !== "string") return undefined;
  const { host = "" } = splitPort(text) ?? {};
  // Digits alone are an address that is mistyped, or meant to be read in another way.
  return NAME.test(host) && !/^[\d.]+$/.test(host) ? undefined : wrong;
}

/** What is wrong with a variable of an environment. */
export function faultOfVariable(name: string, value: unknown): string | undefined {
  if (name === "" || name.includes("=") || name.includes("\0")) {
    return "its name must not be empty, nor hold = or a NUL";
  }
  return typeof value === "string" && !value.includes("\0")
    ? undefined
    : "must be a text without a NUL";
}

/** A duration in milliseconds; undefined for what is none. */
export function durationMs(duration: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([sm])$/.exec(duration);
  if (found === null) return undefined;
  const ms = Number(found[1]) * (found[2] === "s" ? 1000 : 60_000);
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/** A year: more is a slip, and would not fit into the kernel's numbers at some point. */
const LONGEST_MS = 366 * 24 * 3600 * 1000;

const UNITS: Readonly<Record<string, number>> = {
  GB: 1000 ** 3,
  MB: 1000 ** 2,
  kB: 1000,
  GiB: 1024 ** 3,
  MiB: 1024 ** 2,
  KiB: 1024,
};

/** An amount of memory in bytes; undefined for what is none. */
export function memoryBytes(memory: Memory): number | undefined {
  if (typeof memory === "number") {
    return Number.isSafeInteger(memory) && memory > 0 ? memory : undefined;
  }
  const found = /^(\d+(?:\.\d+)?)([GM]i?B|kB|KiB)$/.exec(memory);
  if (found === null) return undefined;
  const bytes = Math.round(Number(found[1]) * (UNITS[found[2] ?? ""] ?? 0));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
