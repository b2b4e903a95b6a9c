/**
 * The mounts of a config as they fit a container whose maker has not root's rights on the host:
 * what the kernel would refuse is bound from the host in its place, as crun does, or asked for in
 * another way.
 *
 * Source: user_namespaces(7), "Interaction of user namespaces and other types of namespaces".
 *
 * @module
 */

import { optionalText } from "../../ffi/files/optional_text.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { isNew, joinedPath } from "../../init/steps/process/namespaces.ts";
import { isBindMount } from "../config/mount_options.ts";
import type { Config, IdMapping, Mount, Namespace } from "../config/types/config.ts";
import type { NamespaceType } from "../config/types/names.ts";

/** A file system that belongs to a namespace, and where the host has it. */
const OF_NAMESPACES: Readonly<Record<string, readonly [NamespaceType, string]>> = {
  proc: ["pid", "/proc"],
  sysfs: ["network", "/sys"],
  mqueue: ["ipc", "/dev/mqueue"],
  cgroup: ["cgroup", "/sys/fs/cgroup"],
  cgroup2: ["cgroup", "/sys/fs/cgroup"],
};

/**
 * The config with mounts that such a container can have.
 *
 * @param isOwn whether the config is the built-in default, of which nothing hides what is mounted in
 *   a folder of the host: a user namespace can't have the folder without it
 * @param cgroups the version of the host's cgroups; those of v1 are bound in any case
 * @param groups how the groups of a process's user namespace are mapped
 */
export function fitMounts(
  config: Config,
  isOwn: boolean,
  cgroups: 1 | 2,
  groups: (process: string) => readonly IdMapping[] = groupsOf,
): Config {
  const { mounts, linux: { namespaces = [], gidMappings = [] } = {} } = config;
  if (mounts === undefined) return config;
  const joined = joinedPath(namespaces, "user");
  const [, process] = /^\/proc\/(\d+|self)\/ns\/user$/.exec(joined ?? "/proc/self/ns/user") ?? [];
  const mapped = isNew(namespaces, "user") ? gidMappings : groups(process ?? "self");
  return {
    ...config,
    mounts: mounts.flatMap((mount) => {
      const { type = "" } = mount;
      if (isOwn && isBindMount(mount)) return [withMountsInside(mount)];
      if (type === "devpts") return [withMappedGroup(mount, mapped)];
      const owner = OF_NAMESPACES[type];
      const isOlder = type === "cgroup" && cgroups === 1;
      if (owner === undefined || isOlder || mayMount(namespaces, owner[0])) return [mount];
      return bound(mount, owner[1]);
    }),
  };
}

/**
 * Whether a file system of a namespace can be mounted: the namespace must belong to the user
 * namespace. A joined one belongs to no new user namespace; whether it belongs to another is the
 * kernel's to say.
 */
function mayMount(namespaces: readonly Namespace[], type: NamespaceType): boolean {
  if (isNew(namespaces, type)) return true;
  return joinedPath(namespaces, type) !== undefined && !isNew(namespaces, "user");
}

/** The host's in its place, with all that is mounted in it; none if the host has none. */
function bound(mount: Mount, source: string): Mount[] {
  if (typeof tryStatPath(source, true) === "number") return [];
  const { options = [] } = mount;
  const kept = options.filter((option) => option !== "rw" && !option.includes("="));
  // the host's own settings could be written through it as far as the user may write them
  const isProtected = mount.type === "sysfs" || mount.type?.startsWith("cgroup");
  return [{
    ...mount,
    type: "bind",
    source,
    options: ["rbind", ...(isProtected ? ["rro"] : []), ...kept],
  }];
}

function withMountsInside(mount: Mount): Mount {
  const { options = [] } = mount;
  const kept = options.filter((option) => option !== "bind");
  return { ...mount, options: ["rbind", ...(options.includes("ro") ? ["rro"] : []), ...kept] };
}

/** A devpts gives its terminals to a group; the kernel refuses one that is not mapped. */
function withMappedGroup(mount: Mount, mapped: readonly IdMapping[]): Mount {
  const { options } = mount;
  if (options === undefined || mapped.length === 0) return mount;
  const isMapped = (id: number) =>
    mapped.some(({ containerID, size }) => id >= containerID && id < containerID + size);
  return {
    ...mount,
    options: options.filter((option) => {
      const [, id] = /^gid=(\d+)$/.exec(option) ?? [];
      return id === undefined || isMapped(Number(id));
    }),
  };
}

function groupsOf(process: string): readonly IdMapping[] {
  return optionalText(`/proc/${process}/gid_map`).trim().split("\n").map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}
