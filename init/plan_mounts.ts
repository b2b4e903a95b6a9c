/**
 * The config's mounts as the plan makes them and as facts see them.
 *
 * @module
 */

import { pathNames } from "../ffi/files/path.ts";
import type { InitConfig } from "./operations/init_config.ts";
import { isBindMount } from "../src/config/mount_options.ts";
import type { Config, Mount } from "../src/config/types/config.ts";
import { contextFor } from "../src/security/mount_label.ts";
import type { MountedAt } from "./operations/facts.ts";
import { KERNELS } from "./operations/rootfs_view.ts";
import { cgroupMounts, type CgroupTree, isCgroupMount } from "./steps/rootfs/cgroup_mounts.ts";
import type { PlannedMount } from "./steps/rootfs/planned_mount.ts";
import { collapse } from "./steps/places/paths.ts";
import { sysfsOrBind, whyRefused } from "./steps/rootfs/user_mounts.ts";

/** A mount of the config with what stands for it. */
export interface MountPlan {
  readonly planned: PlannedMount;
  readonly tree: CgroupTree;
}

/** The config's mounts, a cgroup mount with those that stand for it. */
export function planMounts(config: Config, init: InitConfig): MountPlan[] {
  const { namespaces = [] } = config.linux ?? {};
  return (config.mounts ?? []).map((mount, k) => {
    const destination = placeOf(mount);
    const planned: PlannedMount = {
      mount: { ...sysfsOrBind(mount, namespaces), destination },
      pointer: `/mounts/${k}`,
      position: k,
      label: `mount${k}`,
      context: contextFor(
        config.linux?.mountLabel ?? "",
        mount.type ?? "none",
        mount.options ?? [],
      ),
      hint: whyRefused(mount, namespaces),
    };
    const tree = isCgroupMount(mount)
      ? cgroupMounts(planned, init.cgroups, namespaces)
      : { mounts: [planned], protect: [] };
    return { planned, tree };
  });
}

/** What the facts need to know of the config's mounts. */
export function mountedAt(config: Config): MountedAt[] {
  return (config.mounts ?? []).map((asked) => {
    const mount = sysfsOrBind(asked, config.linux?.namespaces ?? []);
    const destination = placeOf(mount);
    const { options = [] } = mount;
    const at = { destination, isRemount: options.includes("remount") };
    if (isBindMount(mount)) {
      return { ...at, base: mount.source, opaque: !KERNELS.includes(mount.source ?? "") };
    }
    if (mount.type === "proc") return { ...at, base: "/proc", opaque: false };
    if (mount.type === "sysfs") return { ...at, base: "/sys", opaque: false };
    const opaque = !STARTS_EMPTY.has(mount.type ?? "") || options.includes("tmpcopyup");
    return { ...at, base: undefined, opaque };
  });
}

const STARTS_EMPTY = new Set(["tmpfs", "devpts", "mqueue", "cgroup", "ramfs"]);

/**
 * The destination of a mount. That of the kernel's own file systems may have no link on its way,
 * and is so what it says without its `..`.
 */
function placeOf({ destination, type }: Mount): string {
  return type === "proc" || type === "sysfs" ? collapse(destination) : trim(destination);
}

/** A destination as an absolute path without a slash at its end. */
export function trim(destination: string): string {
  const parts = pathNames(destination);
  return "/" + parts.join("/");
}

/** Where the options of /dev stand in config.json. */
export function devPointer(config: Config): string {
  const index = config.mounts?.findIndex(({ destination }) => trim(destination) === "/dev") ?? 0;
  return `/mounts/${index}/options`;
}
