/**
 * Whether the wishes for the built-in default can be fulfilled, with all that is wrong at once.
 * Pointers begin at the wishes.
 *
 * @module
 */

import { S_IFDIR, S_IFMT, tryStatPath } from "../../ffi/files/file_status.ts";
import { throwFaults } from "../config/fields/faults.ts";
import { Field, Report } from "../config/fields/field.ts";
import { cleanCopy } from "../config/fields/strings.ts";
import { checkResources } from "../config/sections/resources.ts";
import { checkSeccomp } from "../config/sections/seccomp.ts";
import { CAPABILITY_NAMES } from "../config/types/names.ts";
import { checkNetworkMode } from "../config/validate_network/network_mode.ts";
import { ContainerError } from "../errors.ts";
import type { DefaultWishes } from "./default_wishes.ts";

const NAMES: { readonly [Name in keyof Required<DefaultWishes>]: true } = {
  args: true,
  caCertificates: true,
  capabilities: true,
  cwd: true,
  env: true,
  files: true,
  hostPaths: true,
  hostname: true,
  init: true,
  mounts: true,
  network: true,
  noNewPrivileges: true,
  privileged: true,
  resources: true,
  seccomp: true,
  timezone: true,
  user: true,
  writableRoot: true,
};

/** The longest host name of Linux, in bytes. */
const MAX_HOSTNAME = 64;
const MAX_MODE = 0o7777;
/** A page: tmpfs takes less for no limit. */
const MIN_TMPFS_BYTES = 4096;
/** Where the kernel's own file systems are. */
const KERNELS = /^\/(?:proc|sys)(?:\/|$)/;

/**
 * Refuses wishes of which one by itself is wrong.
 *
 * @throws {ContainerError} `ConfigInvalid` with all faults
 */
export function requireWishes(asked: DefaultWishes): void {
  const report = new Report();
  checkWishes(asked, report);
  throwFaults(report, "the wishes");
}

function checkWishes(asked: DefaultWishes, report: Report): void {
  const { files, ...others } = asked;
  const wishes = new Field(report, "", cleanCopy(others, report));
  for (const [name, wish] of wishes.entries()) {
    if (!Object.hasOwn(NAMES, name)) wish.fault("is no wish");
  }
  const args = wishes.get("args");
  if (args.exists && args.strings().length === 0) args.fault("must hold at least the program");
  checkEnv(wishes.get("env"));
  checkHostname(wishes.get("hostname"));
  checkUser(wishes.get("user"));
  wishes.get("cwd").absolutePath();
  checkMounts(wishes.get("mounts"));
  for (const [path, file] of new Field(report, "", { files }).get("files").entries()) {
    checkFile(path, file);
  }
  checkWritableRoot(wishes.get("writableRoot"));
  for (const path of wishes.get("hostPaths").items()) checkHostPath(path);
  wishes.get("timezone").filled();
  for (const name of ["caCertificates", "init", "noNewPrivileges", "privileged"]) {
    wishes.get(name).boolean();
  }
  checkResources(wishes.get("resources"), true);
  for (const name of wishes.get("capabilities").items()) name.oneOf(CAPABILITY_NAMES);
  checkSeccomp(wishes.get("seccomp"));
  checkNetwork(asked.network, report);
}

/** Whether a path has no `..`, and is more than `/`. */
export function isPlainPath(path: string): boolean {
  return path.startsWith("/") && !path.split("/").includes("..") && /[^/.]/.test(path);
}

function checkEnv(env: Field): void {
  for (const [name, value] of env.entries()) {
    value.string();
    if (name === "" || name.includes("=")) value.fault("has a name that is empty or holds a =");
  }
}

function checkHostname(hostname: Field): void {
  const name = hostname.filled() ?? "";
  if (new TextEncoder().encode(name).length > MAX_HOSTNAME) {
    hostname.fault(`must be at most ${MAX_HOSTNAME} bytes long`);
  }
  if (/[\s/]/.test(name)) hostname.fault("must hold no space and no slash");
}

/** Names are looked up once the container's accounts are known. */
function checkUser(user: Field): void {
  if (typeof user.value === "string") return void user.filled();
  if (!user.exists) return;
  if (typeof user.value !== "object") return void user.mismatch("a string or an object");
  user.get("uid").uint32();
  user.get("gid").uint32();
  for (const gid of user.get("additionalGids").items()) gid.uint32();
  user.get("umask").integer(0, MAX_MODE);
}

function checkMounts(mounts: Field): void {
  const seen = new Set<string>();
  for (const mount of mounts.items()) {
    if (!mount.isObject()) continue;
    const type = mount.need("type").oneOf(["host", "tmpfs"]);
    const destination = checkDestination(mount.need("destination"));
    if (destination !== undefined) {
      if (seen.has(destination)) mount.get("destination").fault("is the same as another mount's");
      seen.add(destination);
    }
    if (type === "host") {
      const source = mount.need("source").filled();
      const isMissing = source !== undefined && typeof tryStatPath(source, true) === "number";
      if (isMissing) mount.get("source").fault(`is not there on the host: ${source}`);
      mount.get("writable").boolean();
    } else if (type === "tmpfs") {
      mount.get("sizeBytes").integer(MIN_TMPFS_BYTES, Number.MAX_SAFE_INTEGER);
      mount.get("mode").integer(0, MAX_MODE);
      mount.get("executable").boolean();
    }
  }
}

function checkDestination(field: Field): string | undefined {
  const path = field.absolutePath();
  if (path === undefined) return undefined;
  if (!isPlainPath(path)) field.fault("must be the path of something below /, without ..");
  else if (KERNELS.test(path)) field.fault("lies in /proc or /sys, which are the kernel's");
  else if (/^\/+dev\/*$/.test(path)) field.fault("is the folder of the devices");
  return path.replace(/\/+$/, "");
}

function checkFile(path: string, file: Field): void {
  if (!isPlainPath(path) || path.endsWith("/") || path.includes("\0")) {
    file.fault("must have an absolute path for its name, without ..");
  }
  if (KERNELS.test(path) || /^\/+dev\//.test(path)) {
    file.fault("lies in /dev, /proc or /sys, which hold no files");
  }
  if (isContent(file.value)) return;
  if (!file.isObject()) return;
  const content = file.need("content");
  if (content.exists && !isContent(content.value)) content.fault("must be a string or bytes");
  file.get("mode").integer(0, MAX_MODE);
}

function isContent(value: unknown): value is string | Uint8Array {
  return typeof value === "string" || value instanceof Uint8Array;
}

function checkWritableRoot(root: Field): void {
  if (typeof root.value === "boolean" || !root.isObject()) return;
  root.need("sizeBytes").integer(MIN_TMPFS_BYTES, Number.MAX_SAFE_INTEGER);
}

function checkHostPath(field: Field): void {
  const path = field.absolutePath();
  if (path === undefined) return;
  if (!isPlainPath(path)) field.fault("must be the path of something below /, without ..");
  else if (KERNELS.test(path) || /^\/+dev(?:\/|$)/.test(path)) {
    field.fault("lies in /dev, /proc or /sys, of which a container has its own");
  }
}

function checkNetwork(network: DefaultWishes["network"], report: Report): void {
  if (network === undefined) return;
  try {
    checkNetworkMode(network);
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    for (const { pointer, message } of error.faults ?? []) report.fault(pointer, message);
  }
}

/** Whether a path of the host is a folder. */
export function isHostFolder(path: string): boolean {
  const status = tryStatPath(path, true);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFDIR;
}
