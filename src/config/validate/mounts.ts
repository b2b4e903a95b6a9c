/**
 * Checks of `mounts` (config.md, Mounts).
 *
 * @module
 */

import { isMappingOption, type MountIdMappings, readMappingOption } from "../id_map_option.ts";
import { isBindMount, isFilesystemData, isIdMapped } from "../mount_options.ts";
import { type Field, isRecord } from "../fields/field.ts";
import { checkIdMappings, type NamespaceSet } from "./namespaces.ts";

/**
 * What may be mounted over single files of procfs, as lxcfs and CRIU do. Anything else below /proc
 * could stand in for the files that a runtime writes labels and limits to (CVE-2019-16884).
 */
const PROC_MOUNTS: ReadonlySet<string> = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/sys/crypto/fips_enabled",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/uptime",
]);

/**
 * Every mount.
 *
 * @param container the mappings of the container's user namespace
 */
export function checkMounts(
  mounts: Field,
  namespaces: NamespaceSet,
  container: MountIdMappings,
): void {
  for (const mount of mounts.items()) {
    if (mount.isObject()) checkMount(mount, namespaces, container);
  }
}

function checkMount(mount: Field, namespaces: NamespaceSet, container: MountIdMappings): void {
  const type = mount.get("type").string();
  const options = mount.get("options").strings();
  const bind = isBindMount({ type, options });
  checkDestination(mount.need("destination"), type, bind);
  const source = mount.get("source").string();
  if (bind) {
    // a remount changes what is mounted there already
    if ((source === undefined || source === "") && options?.includes("remount") !== true) {
      mount.get("source").fault("is required: a bind mount needs the path to bind");
    }
    checkBindOptions(mount.get("options"));
  }
  checkMountMappings(mount, bind, namespaces, container);
}

function checkDestination(field: Field, type: string | undefined, bind: boolean): void {
  const destination = field.filled();
  if (destination === undefined) return;
  if (!destination.startsWith("/")) {
    field.warn("should be an absolute path; it is taken as relative to /");
  }
  const path = normalized(destination);
  if (path === "/proc" && type !== "proc" && !bind) {
    field.fault("takes only a mount of type proc, or a bind mount of a proc file system");
  } else if (path.startsWith("/proc/") && !PROC_MOUNTS.has(path)) {
    field.fault(`is inside /proc, where only ${[...PROC_MOUNTS].join(", ")} can be mounted over`);
  }
}

function normalized(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The kernel ignores file system data of a bind mount without a word, so it is a warning. */
function checkBindOptions(options: Field): void {
  for (const option of options.items()) {
    const word = option.value;
    if (typeof word === "string" && word !== "" && isFilesystemData(word)) {
      option.warn(`is ignored: a bind mount has no option ${JSON.stringify(word)}`);
    }
  }
}

function checkMountMappings(
  mount: Field,
  bind: boolean,
  namespaces: NamespaceSet,
  container: MountIdMappings,
): void {
  const [uids, gids] = [mount.get("uidMappings"), mount.get("gidMappings")];
  checkIdMappings(uids);
  checkIdMappings(gids);
  const options = mount.get("options").items()
    .map((option) => option.value).filter((word) => typeof word === "string");
  const own = uids.exists || gids.exists;
  const given = isRecord(mount.value) && (own || isIdMapped({ options }));
  if (!given) return;
  if (!bind) mount.fault("can't be id-mapped: only bind mounts can");
  const option = mount.get("options").items()
    .findLast(({ value }) => typeof value === "string" && isMappingOption(value));
  if (option !== undefined && !own) return checkMappingOption(option, container);
  if (!own) {
    if (namespaces.has("user")) return;
    mount.fault(
      "asks for idmap, but there are no uidMappings and gidMappings and no user namespace",
    );
    return;
  }
  for (
    const [one, other, name] of [[uids, gids, "gidMappings"], [gids, uids, "uidMappings"]] as const
  ) {
    if (one.exists && other.items().length === 0) other.fault(`is required with ${pair(name)}`);
  }
}

function checkMappingOption(option: Field, container: MountIdMappings): void {
  try {
    readMappingOption(String(option.value), container);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    option.fault(error.message);
  }
}

function pair(name: "uidMappings" | "gidMappings"): string {
  return name === "uidMappings" ? "gidMappings" : "uidMappings";
}
