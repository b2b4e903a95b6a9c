/**
 * A mount of type `cgroup`: on a v2 host the one tree, on a v1 host a folder with the container's
 * part of each controller's tree.
 *
 * Source: cgroups(7), the runtime-spec's "Default Filesystems".
 *
 * @module
 */

import type { CgroupMount, InitCgroups } from "../../operations/init_config.ts";
import type { Mount, Namespace } from "../../../src/config/types/config.ts";
import type { Facts } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import type { PlannedMount } from "./planned_mount.ts";
import { isNew } from "../process/namespaces.ts";
import { openPlace } from "../places/paths.ts";

const CGROUP_TYPES: readonly (string | undefined)[] = ["cgroup", "cgroup2"];

/** Whether a mount asks for the cgroup tree. */
export function isCgroupMount({ type }: Mount): boolean {
  return CGROUP_TYPES.includes(type);
}

/** What stands for a cgroup mount: mounts, and what makes their folder read-only at last. */
export interface CgroupTree {
  readonly mounts: readonly PlannedMount[];
  readonly protect: readonly PlannedMount[];
}

/** The mounts that stand for the cgroup mount. */
export function cgroupMounts(
  planned: PlannedMount,
  cgroups: InitCgroups,
  namespaces: readonly Namespace[],
): CgroupTree {
  const { mount, label } = planned;
  if (cgroups.version === 2 || mount.type === "cgroup2") {
    const isBound = cgroups.version === 2 && isForeign(namespaces);
    const tree: Mount = isBound
      ? { ...mount, type: "bind", source: V2_TREE, options: ["rbind", ...(mount.options ?? [])] }
      : { ...mount, type: "cgroup2", source: mount.source ?? "cgroup" };
    const shown = cgroups.isShared || isBound ? asReadonly(tree) : tree;
    return { mounts: [{ ...planned, mount: shown }], protect: [] };
  }
  const ownNamespace = isNew(namespaces, "cgroup");
  const isReadonly = mount.options?.includes("ro") ?? false;
  const folder: Mount = {
    destination: mount.destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "noexec", "nodev", "mode=755"],
  };
  const trees = cgroups.mounts.map((tree, k): PlannedMount => ({
    ...planned,
    position: planned.position + 1,
    label: `${label}.tree${k}`,
    mount: ownNamespace
      ? treeMount(mount, tree, isReadonly || tree.isShared === true)
      : treeBind(tree.isShared ? asReadonly(mount) : mount, tree),
  }));
  const protect: PlannedMount[] = isReadonly
    ? [{
      ...planned,
      label: `${label}.protect`,
      mount: {
        destination: mount.destination,
        options: ["bind", "remount", "nosuid", "noexec", "nodev", "ro"],
      },
    }]
    : [];
  return { mounts: [{ ...planned, mount: folder }, ...trees], protect };
}

const V2_TREE = "/sys/fs/cgroup";

/**
 * Whether a user namespace may not make the mount, since the cgroup namespace is the host's: its
 * mount of the v2 tree is bound then, as other runtimes do.
 */
function isForeign(namespaces: readonly Namespace[]): boolean {
  const types = new Set(namespaces.map(({ type }) => type));
  return types.has("user") && !types.has("cgroup");
}

/** A tree that is not the container's alone is read-only, whatever the config says. */
function asReadonly(mount: Mount): Mount {
  const kept = (mount.options ?? []).filter((option) => option !== "rw");
  return { ...mount, options: [...kept, "ro"] };
}

/** In a cgroup namespace a mount shows the container's part by itself. */
function treeMount(mount: Mount, { name }: CgroupMount, isReadonly: boolean): Mount {
  const data = name === "systemd" ? ["none", "name=systemd"] : name.split(",");
  const options = ["nosuid", "noexec", "nodev", ...(isReadonly ? ["ro"] : []), ...data];
  return { destination: `${mount.destination}/${name}`, type: "cgroup", source: "cgroup", options };
}

function treeBind(mount: Mount, { name, source }: CgroupMount): Mount {
  return {
    destination: `${mount.destination}/${name}`,
    type: "bind",
    source,
    options: ["rbind", ...(mount.options ?? [])],
  };
}

/** Links from each controller's name to the tree that it shares with others. */
export function linkControllers(
  planned: PlannedMount,
  cgroups: InitCgroups,
  facts: Facts,
): PlanItem[] {
  const step = new StepBuilder("mounts");
  const { mount, pointer, label } = planned;
  const shared = cgroups.mounts.filter(({ name, controllers }) =>
    controllers.length > 1 && name.includes(",")
  );
  if (cgroups.version === 2 || shared.length === 0) return [];
  step.because("link the controllers that share a tree", mount.destination, pointer);
  const { components, isSure } = facts.destination(mount.destination, planned.position + 1);
  const options = isSure || !facts.hasOpenat2 ? { components } : {};
  openPlace(step, mount.destination, `${label}.links`, { directory: true, ...options });
  for (const { name, controllers } of shared) {
    for (const controller of controllers) {
      step.call("symlinkat", [name, result(`${label}.links`), controller], { tolerated: "EEXIST" });
    }
  }
  step.close(`${label}.links`);
  return step.items;
}
