/**
 * Binds: the source is opened, the tree in it is copied, and the copy gets the attributes that the
 * options name.
 *
 * Source: open_tree(2), mount_setattr(2).
 *
 * @module
 */

import { F_DUPFD_CLOEXEC } from "../../../ffi/c/fd_numbers.ts";
import { AT_EMPTY_PATH, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from "../../../ffi/files/path.ts";
import type { IdmappedFd } from "../../operations/init_config.ts";
import { isBindMount } from "../../../src/config/mount_options.ts";
import { ContainerError } from "../../../src/errors.ts";
import type { Facts } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { type MountOptions, parseMountOptions } from "./mount_options.ts";
import { collapse, insideRoot, openHostPlace, ROOT } from "../places/paths.ts";
import { setAttributes } from "./mount_calls.ts";
import { isRemount, NONE, type PlannedMount } from "./planned_mount.ts";

/**
 * Opens the source of each bind. It comes before init becomes the container's root, because that
 * user may not be able to reach the source.
 *
 * @param idmapped the copies that the parent made, whose files have other owners
 * @param rootfs where the rootfs is on the host: what is in it is opened at the mount's turn
 * @throws {ContainerError} `Unsupported` for a copy of the parent's that lacks an earlier mount
 */
export function openSources(
  mounts: readonly PlannedMount[],
  idmapped: readonly IdmappedFd[],
  rootfs: string,
  facts: Facts,
): PlanItem[] {
  const step = new StepBuilder("sources");
  for (const planned of mounts) {
    const { mount, pointer, label } = planned;
    if (!isBindMount(mount) || parseMountOptions(mount.options ?? NONE).remount) continue;
    const source = mount.source ?? "";
    const made = idmapped.find((each) => pointer === `/mounts/${each.mount}`);
    if (made !== undefined) {
      refuseProvided(mounts, planned, innerSource(source, rootfs), facts);
      step.because("take the id-mapped copy of the source's mount", source, `${pointer}/source`)
        .call("fcntl", [made.fd, F_DUPFD_CLOEXEC, 0], { label: `${label}.mount` })
        .call("close", [made.fd]);
      continue;
    }
    if (innerSource(source, rootfs) !== undefined) continue;
    step.because("open the source", source, `${pointer}/source`);
    openHostPlace(step, source, sourceOf(label));
  }
  return step.items;
}

/**
 * The parent copies before any mount is made. If an earlier mount of the config provides the
 * source, or a part of it, the copy would silently lack that, so this is refused.
 */
function refuseProvided(
  mounts: readonly PlannedMount[],
  { mount, position, pointer }: PlannedMount,
  inner: string | undefined,
  facts: Facts,
): void {
  if (inner === undefined) return;
  const source = facts.destination(inner, position);
  const isRecursive = mount.type === "rbind" ||
    parseMountOptions(mount.options ?? NONE).bindRecursive;
  const provider = mounts.find((earlier) => {
    if (earlier.position >= position || isRemount(earlier)) return false;
    const place = facts.destination(earlier.mount.destination, earlier.position).components;
    const way = source.components;
    const shared = place.findIndex((name, k) => name !== way[k]);
    return shared < 0 || (isRecursive && shared >= way.length);
  });
  if (source.isSure && provider === undefined) return;
  const by = provider === undefined
    ? "an earlier mount"
    : `the mount at ${provider.mount.destination}`;
  throw new ContainerError(
    "Unsupported",
    `the source ${mount.source} of a mount that is made beforehand, id-mapped or shared with the ` +
      `host, is provided by ${by}`,
    { step: "sources", path: mount.source, pointer: `${pointer}/source`, hint: PROVIDED },
  );
}

const PROVIDED = "name the folder of the host that the earlier mount shows";

/** The label of a source's fd. */
export function sourceOf(label: string): string {
  return `${label}.source`;
}

/**
 * Copies the tree of a bind's source, detached. It is done when the mount's turn comes: the kernel
 * lists mounts in the order in which they were made, and people expect the order of config.json.
 */
export function copySource(
  step: StepBuilder,
  { mount, label, pointer }: PlannedMount,
  options: MountOptions,
) {
  const recursive = options.bindRecursive || mount.type === "rbind" ? AT_RECURSIVE : 0;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive;
  step.because("copy the source's mount", mount.source, `${pointer}/source`)
    .call("open_tree", [result(sourceOf(label)), "", flags], { label: `${label}.mount` })
    .close(sourceOf(label));
}

/**
 * The path inside the root of a bind's source that lies in the rootfs, where an earlier mount may
 * provide it.
 */
export function innerSource(source: string, rootfs: string): string | undefined {
  const path = collapse(source);
  if (path === rootfs) return "/";
  return path.startsWith(`${rootfs}/`) ? path.slice(rootfs.length) : undefined;
}

/**
 * Opens a source in the rootfs by the root's fd, and so with the mounts on it. A source is a path
 * of the host: if an absolute link leads out of the root, it leads to that place on the host.
 */
export function openInnerSource(
  step: StepBuilder,
  { mount, pointer, label }: PlannedMount,
  path: string,
): void {
  const source = sourceOf(label);
  const [inner, outer] = [`${source}.inner`, `${source}.outer`];
  const beneath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  step.because("open the source inside the rootfs", mount.source, `${pointer}/source`)
    .call("openat2", insideRoot(result(ROOT), ".", O_PATH | O_DIRECTORY | O_CLOEXEC), {
      label: source,
      components: [],
    })
    .call("openat2", insideRoot(result(ROOT), `.${path}`, O_PATH | O_CLOEXEC, beneath), {
      label: inner,
      onError: { jump: outer },
    })
    .call("dup3", [result(inner), result(source), O_CLOEXEC])
    .close(inner)
    .jump(`${source}.opened`);
  openHostPlace(step, mount.source ?? "", outer);
  step.call("dup3", [result(outer), result(source), O_CLOEXEC])
    .close(outer)
    .land(`${source}.opened`);
}

/**
 * What a bind's options say of its attributes. Attributes that they don't name stay as the source
 * has them. Clearing one that the user namespace has locked is refused.
 */
export function changeAttributes(
  step: StepBuilder,
  { mount: { destination, options: words = NONE }, pointer, label }: PlannedMount,
  options: MountOptions,
): void {
  const { attributes, recursiveAttributes } = options;
  const mount = `${label}.mount`;
  const cleared = words.filter((word) => LOCKABLE.has(word)).join(", ");
  const hint = cleared === ""
    ? undefined
    : `in a user namespace a mount keeps what its source has locked: take out ${cleared}`;
  step.because(`set the attributes of ${destination}`, destination, `${pointer}/options`, hint);
  if (attributes !== undefined) {
    setAttributes(step, mount, mountAttributes(attributes.set, attributes.clear));
  }
  if (recursiveAttributes === undefined) return;
  // last: what is said of the whole tree is true of its top as well, as with runc and crun
  const { set, clear } = recursiveAttributes;
  setAttributes(step, mount, mountAttributes(set, clear), { flags: AT_RECURSIVE });
}

/** Options that clear an attribute: a user namespace refuses them where its source has it set. */
const LOCKABLE: ReadonlySet<string> = new Set([
  ...["rw", "suid", "dev", "exec", "symfollow", "atime", "relatime", "strictatime", "diratime"],
]);
