/**
 * The words that `mounts[].options` knows (config.md, Linux mount options). Any other word is data
 * for the file system.
 *
 * @module
 */

import { isMappingOption, type MountIdMappings, readMappingOption } from "./id_map_option.ts";
import type { Mount } from "./types/config.ts";

/** Words that set or clear a mount flag (mount(2)), bind mounts included. */
export const MOUNT_FLAG_OPTIONS: readonly string[] = [
  ...[
    "acl",
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "iversion",
  ],
  ...[
    "lazytime",
    "loud",
    "mand",
    "noacl",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
  ],
  ...["nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "rbind"],
  ...["relatime", "remount", "ro", "rw", "silent", "strictatime", "suid", "symfollow", "sync"],
];

/** Words that set the propagation (mount_namespaces(7)). */
export const MOUNT_PROPAGATION_OPTIONS: readonly string[] = [
  ...["private", "rprivate", "rshared", "rslave"],
  ...["runbindable", "shared", "slave", "unbindable"],
];

/** Words that set or clear an attribute of the mount and all below it (mount_setattr(2)). */
export const MOUNT_RECURSIVE_OPTIONS: readonly string[] = [
  ...["ratime", "rdev", "rdiratime", "rexec", "rnoatime", "rnodev", "rnodiratime", "rnoexec"],
  ...["rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "rrelatime", "rro", "rrw"],
  ...["rstrictatime", "rsuid", "rsymfollow"],
];

/** Words that the runtime acts on itself. */
export const MOUNT_EXTENSION_OPTIONS: readonly string[] = ["idmap", "ridmap", "tmpcopyup"];

/** All of them, sorted. */
export const MOUNT_OPTIONS: readonly string[] = [
  ...MOUNT_FLAG_OPTIONS,
  ...MOUNT_PROPAGATION_OPTIONS,
  ...MOUNT_RECURSIVE_OPTIONS,
  ...MOUNT_EXTENSION_OPTIONS,
].sort();

const KNOWN: ReadonlySet<string> = new Set(MOUNT_OPTIONS);

/** Whether the word is data for the file system, such as `size=64k`. */
export function isFilesystemData(option: string): boolean {
  return !KNOWN.has(option) && !isMappingOption(option);
}

/** Whether it is a bind mount: by its options, as the spec says, or by its type. */
export function isBindMount(mount: Pick<Mount, "type" | "options">): boolean {
  return mount.type === "bind" || mount.type === "rbind" ||
    (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
}

/** Whether the mount's files get other owners: by an option or by its own mappings. */
export function isIdMapped(mount: Pick<Mount, "options" | "uidMappings" | "gidMappings">): boolean {
  return mount.uidMappings !== undefined || mount.gidMappings !== undefined ||
    (mount.options ?? []).some((option) =>
      option === "idmap" || option === "ridmap" || isMappingOption(option)
    );
}

/**
 * The mappings of a mount: its own, or those in its option.
 *
 * @param container the mappings of the container's user namespace, if they are known
 * @returns undefined if it has none of its own
 * @throws {RangeError} if the option can't be read
 */
export function idMappingsOf(
  { uidMappings, gidMappings, options = [] }: Mount,
  container: MountIdMappings | undefined,
): MountIdMappings | undefined {
  if (uidMappings !== undefined && gidMappings !== undefined) return { uidMappings, gidMappings };
  const option = options.findLast(isMappingOption);
  return option === undefined ? undefined : readMappingOption(option, container);
}

export type { MountIdMappings };

/**
 * Whether a bind mount spreads to the host and back: it is asked to be shared, and so is the root,
 * without which other runtimes cut it off as well.
 *
 * @param rootfsPropagation the config's
 */
export function isPeerOfHost(
  mount: Pick<Mount, "type" | "options">,
  rootfsPropagation: string | undefined,
): boolean {
  const { options = [] } = mount;
  if (!isBindMount(mount) || options.includes("remount")) return false;
  const isShared = rootfsPropagation === "shared" || rootfsPropagation === "rshared";
  return isShared && options.some((option) => option === "shared" || option === "rshared");
}
