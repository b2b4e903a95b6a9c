/**
 * The config's mounts: each is made detached, with its attributes, and then attached by fd to a
 * place that was opened inside the root, so that no path is walked twice.
 *
 * Source: the runtime-spec's "Mounts"; fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
 *
 * @module
 */

import { AT_EMPTY_PATH, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from "../../../ffi/files/path.ts";
import type { IdmappedFd } from "../../../src/config/init_config.ts";
import { isBindMount } from "../../../src/config/mount_options.ts";
import type { Mount } from "../../../src/config/types/config.ts";
import { ContainerError } from "../../../src/errors.ts";
import type { Destination, Facts } from "../../operations/facts.ts";
import {
  type CallOptions,
  type MakePlace,
  type PlanItem,
  result,
  StepBuilder,
} from "../../operations/operation.ts";
import { type MountOptions, parseMountOptions } from "./mount_options.ts";
import { refuseProcfs, STATX } from "../places/verify.ts";
import type { HeldFolder } from "./held_folder.ts";
import {
  collapse,
  insideRoot,
  makeMissing,
  openHostPlace,
  openPlace,
  ROOT,
} from "../places/paths.ts";

/** One mount of the plan: the config's, or one that stands for it (a v1 cgroup tree, say). */
export interface PlannedMount {
  readonly mount: Mount;
  /** Where config.json asks for it. */
  readonly pointer: string;
  /** How many mounts of the config are made before it. */
  readonly position: number;
  /** A unique prefix of its labels. */
  readonly label: string;
  /** The SELinux context of its files. */
  readonly context?: string | undefined;
  /** What to do where it can't be made. */
  readonly hint?: string | undefined;
}

const { RDONLY } = MOUNT_ATTR;

const F_DUPFD_CLOEXEC = 1030;

/** The options a mount has where config.json names none. */
const NONE: readonly string[] = [];

/**
 * Copies the tree of each bind's source, detached. It comes before init becomes the container's
 * root, who may not be able to reach the source.
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
 * The parent copies before any mount is made: what an earlier one has at the source, or in it, would be
 * missing without a word.
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

function sourceOf(label: string): string {
  return `${label}.source`;
}

/**
 * Copies the tree of a bind's source, detached. It comes at the mount's turn: the kernel lists mounts
 * in the order in which they were made, and people read that list as config.json's.
 */
function copySource(
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

/** Makes and attaches the mounts. */
export function makeMounts(
  mounts: readonly PlannedMount[],
  facts: Facts,
  { idmapped = [], isDetached = false, rootfs, status, anchors = [], held }: MakeOptions,
): PlanItem[] {
  const isMade = ({ pointer }: PlannedMount) =>
    idmapped.some((each) => pointer === `/mounts/${each.mount}`);
  return mounts.flatMap((planned) => {
    const made = { isMade: isMade(planned), isDetached, rootfs, status, anchors, held };
    return makeMount(planned, facts, made);
  });
}

/** Closes the folder that is held when the last mount is made. */
export function closeHeld(held: HeldFolder): PlanItem[] {
  const step = new StepBuilder("mounts").because("close the folder of the last mounts");
  held.close(step);
  return step.items;
}

/** How the mounts are made. */
export interface MakeOptions {
  /** The rootfs's path on the host. */
  readonly rootfs: string;
  /** The fd on which init reports: it gets what a file system says of its options. */
  readonly status?: number | undefined;
  /** Those that the parent has made. */
  readonly idmapped?: readonly IdmappedFd[] | undefined;
  /**
   * Whether they are made in a tree that is attached nowhere. What is part of it keeps its
   * attributes: mount_setattr(2) takes its root alone.
   */
  readonly isDetached?: boolean | undefined;
  /** The mounts that are held, to cover what is below them. */
  readonly anchors?: readonly Anchor[] | undefined;
  /** The folder that stays open from one mount to the next. */
  readonly held: HeldFolder;
}

function makeMount(planned: PlannedMount, facts: Facts, made: Making): PlanItem[] {
  const { mount, pointer, position, label, hint } = planned;
  const options = parseMountOptions(mount.options ?? NONE);
  const step = new StepBuilder("mounts");
  const found = facts.destination(mount.destination, position);
  // A walk without openat2 follows no link: it goes where the facts say, or nowhere.
  const destination = { ...found, isSure: found.isSure || !facts.hasOpenat2 };
  const place = `${label}.place`;
  const because = () =>
    step.because(
      `mount ${mount.type ?? "none"} at ${mount.destination}`,
      mount.destination,
      pointer,
      hint,
    );
  because();
  if (options.remount) {
    made.held.close(step);
    return remount(step, planned, options, destination, made);
  }
  const isBind = isBindMount(mount);
  const inner = isBind && !made.isMade ? innerSource(mount.source ?? "", made.rootfs) : undefined;
  if (inner !== undefined) openInnerSource(step, planned, inner);
  const end = inner !== undefined
    ? { as: sourceOf(label) }
    : isBind && facts.hostKind(mount.source ?? "") === "file"
    ? "file"
    : "directory";
  because();
  openDestination(step, planned, destination, end, made.held);
  because();
  const isTmpfs = !isBind && mount.type === "tmpfs";
  const mayBeThere = !destination.isSure || destination.missing === 0;
  const copiesMode = isTmpfs && mayBeThere && destination.mode === undefined && !hasMode(options);
  if (isBind) {
    if (!made.isMade) copySource(step, planned, options);
    changeAttributes(step, planned, options);
    because();
  } else makeFileSystem(step, planned, options, destination.mode, copiesMode, made.status);
  if (copiesMode) copyMode(step, place, `${label}.mount`);
  if (isTmpfs && mayBeThere && options.copyUp) step.copyUp(place, `${label}.mount`);
  const isLate = isTmpfs && (options.copyUp || copiesMode) && mount.destination !== "/dev";
  if (isLate && ((options.attributes?.set ?? 0) & RDONLY) !== 0) {
    setAttributes(step, `${label}.mount`, mountAttributes(RDONLY, 0));
  }
  if (made.isDetached) spread(step, options, `${label}.mount`);
  if (isBind && end !== "directory") {
    const hintOfKind = "of the source and the destination one is not a directory, but the other is";
    step.because(
      `mount ${mount.type ?? "none"} at ${mount.destination}`,
      mount.destination,
      pointer,
      hintOfKind,
    );
  }
  attach(step, `${label}.mount`, place);
  made.held.attached(step, destination.isSure ? destination.components : undefined);
  if (!made.isDetached) spread(step, options, `${label}.mount`);
  step.close(place);
  if (destination.components.length === 0) becomeRoot(step, label);
  if (!isKernels(planned)) step.close(mountOf(label));
  return step.items;
}

/** How one mount is made. */
interface Making {
  /** Whether the parent has made it. */
  readonly isMade: boolean;
  readonly isDetached: boolean;
  readonly rootfs: string;
  readonly status: number | undefined;
  readonly anchors: readonly Anchor[];
  readonly held: HeldFolder;
}

/**
 * Opens the place of a mount, and makes it where it is missing. What no mount of the config can have
 * changed is known: where it is not there it is made at once. Anything else is opened by its name.
 */
function openDestination(
  step: StepBuilder,
  { mount: { destination: asked, type }, label, pointer }: PlannedMount,
  destination: Destination,
  end: MakePlace["end"],
  held: HeldFolder,
): void {
  const { isSure, missing } = destination;
  const place = `${label}.place`;
  const resolved = "/" + destination.components.join("/");
  const hasLinks = resolved !== collapse(asked);
  if (type === "proc" || type === "sysfs") {
    // A link at /proc or /sys would have them mounted elsewhere, where masks miss them.
    if (!hasLinks) makeMissing(step, destination, "directory", label);
    return openPlace(step, asked, place, { followLinks: false, directory: true });
  }
  if (isSure && typeof end === "string" && missing === 1) {
    held.makeIn(step, destination, end, label, place);
  } else if (isSure && typeof end === "string") {
    makeMissing(step, destination, end, label);
    openPlace(step, resolved, place, { directory: end === "directory" });
  } else step.place(ROOT, asked, place, end);
  if (isSure && !hasLinks) return;
  // config.json's own words are looked at before; a link may lead where they don't.
  step.because(
    `check that ${asked} does not lead into a proc file system`,
    asked,
    pointer,
    "over /proc only a proc file system is mounted, by its own name",
  );
  refuseProcfs(step, place);
}

/** A mount at / becomes the root: the plan's fd of it gets another meaning. */
function becomeRoot(step: StepBuilder, label: string): void {
  takeTop(step, ROOT, `${label}.root`);
}

/**
 * Gives the fd of a mount the meaning of what lies over the mount's root: a `..` there leads nowhere
 * but up through the mounts.
 */
function takeTop(step: StepBuilder, mount: string, label: string): void {
  step.call("openat2", insideRoot(result(mount), "..", O_PATH | O_DIRECTORY | O_CLOEXEC), {
    label,
    components: [],
  })
    .call("dup3", [result(label), result(mount), O_CLOEXEC])
    .close(label);
}

/** The way inside the root to a bind's source that is in the rootfs, as a mount before may provide it. */
function innerSource(source: string, rootfs: string): string | undefined {
  const path = collapse(source);
  if (path === rootfs) return "/";
  return path.startsWith(`${rootfs}/`) ? path.slice(rootfs.length) : undefined;
}

/**
 * Opens a source in the rootfs by the root's fd, and so with the mounts on it. A source is a path of the
 * host: where it leads out of the root by an absolute link, it leads where the host has that.
 */
function openInnerSource(
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
    .call("getpid", [], { label: `${source}.opened` });
}

/** A mount whose fd stays open, and where it is. */
export interface Anchor {
  readonly destination: string;
  /** The label of its fd. */
  readonly mount: string;
  /** Whether a later mount may lie over it, by another name. */
  readonly mayBeCovered: boolean;
}

/**
 * The mounts of the kernel's own file systems, proc and sysfs, by the fds that stay open: what is to
 * be covered in them is looked for there, since in a rootfs that others can write the name /proc may
 * come to mean something else. Not those that a later mount of the config covers by its name.
 */
export function anchorsOf(
  mounts: readonly PlannedMount[],
  isDetached: boolean,
  facts: Facts,
): Anchor[] {
  if (!mounts.some(isKernels)) return [];
  const paths = mounts.map(({ mount }) => collapse(mount.destination));
  const remounts = mounts.map(isRemount);
  // Where a link leads a mount is not told by its path.
  const moved = mounts.map(({ mount, position }, k) => {
    const { isSure, components } = facts.destination(mount.destination, position);
    const resolved = "/" + components.join("/");
    return !isSure || resolved !== paths[k] ? { isSure, resolved } : undefined;
  });
  return mounts.flatMap((planned, k) => {
    const { mount: { destination }, label } = planned;
    if (!isKernels(planned)) return [];
    // A copy of a tree over itself has copies of the mounts in it: they are looked for by their names.
    const isCopied = (path: string, at: number) =>
      isDetached && remounts[at] === true && path !== "/" && destination.startsWith(`${path}/`);
    if (paths.some(isCopied)) return [];
    const isHidden = (path: string, at: number) =>
      at > k && remounts[at] !== true && isOver(path, destination);
    if (paths.some(isHidden)) return [];
    const mayBeCovered = moved.some((place, at) =>
      place !== undefined && at > k && (isDetached || remounts[at] !== true) &&
      (!place.isSure || isOver(place.resolved, destination))
    );
    return [{ destination, mount: mountOf(label), mayBeCovered }];
  });
}

/** Whether what is mounted at one path hides what is mounted at another. */
function isOver(path: string, covered: string): boolean {
  return path === "/" || path === covered || covered.startsWith(`${path}/`);
}

/** A mount that lies over an anchor takes its part. */
export function moveAnchor(
  step: StepBuilder,
  anchor: Anchor,
  to: string,
  options: CallOptions = {},
): void {
  step.call("dup3", [result(to), result(anchor.mount), O_CLOEXEC], options);
}

function isKernels({ mount }: PlannedMount): boolean {
  if (mount.type !== "proc" && mount.type !== "sysfs") return false;
  return !isBindMount(mount) && !isRemount({ mount });
}

function isRemount({ mount }: Pick<PlannedMount, "mount">): boolean {
  return mount.options?.includes("remount") === true;
}

function mountOf(label: string): string {
  return `${label}.mount`;
}

/** Attaches a detached mount to an open place. */
export function attach(
  step: StepBuilder,
  from: string,
  to: string,
  options: CallOptions = {},
): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  step.call("move_mount", [result(from), "", result(to), "", flags], options);
}

/** Sets attributes of the mount that an fd is, and of the tree below with AT_RECURSIVE. */
export function setAttributes(
  step: StepBuilder,
  mount: string,
  attributes: Uint8Array,
  options: CallOptions & { readonly flags?: number } = {},
): void {
  const { flags = 0, ...call } = options;
  const args = [result(mount), "", AT_EMPTY_PATH | flags, attributes, MOUNT_ATTR_SIZE];
  step.call("mount_setattr", args, call);
}

/** A new file system: configured, created and turned into a detached mount. */
function makeFileSystem(
  step: StepBuilder,
  { mount, label, context: files }: PlannedMount,
  options: MountOptions,
  placeMode: number | undefined,
  isFilled: boolean,
  status: number | undefined,
): void {
  const type = mount.type ?? "none";
  const context = `${label}.fs`;
  // What is wrong with what the file system reads itself, it says in a log of its own.
  const asks = status !== undefined && options.data.some((item) => !PLAIN_DATA.test(item));
  const call: CallOptions = asks ? { onError: { jump: `${label}.log`, fails: true } } : {};
  const set = (key: string, value: string) =>
    step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, key, value, 0], call);
  step.call("fsopen", [type, FSOPEN_CLOEXEC], { label: context });
  if (mount.source !== undefined && mount.source !== "") set("source", mount.source);
  for (const flag of superFlags(mount, options, isFilled)) {
    step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, flag, 0, 0]);
  }
  if (files !== undefined) set("context", files);
  if (type === "tmpfs" && !hasMode(options) && placeMode !== undefined) {
    set("mode", placeMode.toString(8));
  }
  for (const item of options.data) {
    const at = item.indexOf("=");
    if (at < 0) step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, item, 0, 0], call);
    else set(item.slice(0, at), item.slice(at + 1));
  }
  step.call("fsconfig", [result(context), FSCONFIG_CMD_CREATE, 0, 0, 0], call);
  const attributes = (options.attributes?.set ?? 0) &
    ~(writableAtFirst(mount, options, isFilled) ? RDONLY : 0);
  step.call("fsmount", [result(context), FSOPEN_CLOEXEC, attributes], { label: `${label}.mount` });
  if (asks) passLog(step, label, context, status);
  step.call("close", [result(context)], { label: `${label}.made`, onError: "continue" });
  const { recursiveAttributes } = options;
  if (recursiveAttributes !== undefined) {
    const { set, clear } = recursiveAttributes;
    setAttributes(step, `${label}.mount`, mountAttributes(set, clear), { flags: AT_RECURSIVE });
  }
}

/**
 * Passes the log of a file system that refuses its options on: fsopen(2). Empty lines behind it, or
 * instead of it, say nothing.
 */
function passLog(step: StepBuilder, label: string, context: string, status: number): void {
  const said = new Uint8Array(LOG_SIZE).fill(NEWLINE);
  step.jump(`${label}.made`)
    .call("read", [result(context), said, LOG_SIZE - 1], {
      label: `${label}.log`,
      onError: "continue",
    })
    .call("write", [status, said, LOG_SIZE], { onError: "continue" })
    .call("close", [-1]);
}

/** What every tmpfs and devpts takes: no file system will have something to say of it. */
const PLAIN_DATA = /^(newinstance|(ptmx)?mode=[0-7]{3,4}|size=\d+[kmg]?)$/;

const LOG_SIZE = 256;
const NEWLINE = 10;

/** /dev and a tmpfs that is filled first become read-only when their content is there. */
function writableAtFirst(mount: Mount, options: MountOptions, isFilled: boolean): boolean {
  return mount.destination === "/dev" || options.copyUp || isFilled;
}

function superFlags(mount: Mount, options: MountOptions, isFilled: boolean): readonly string[] {
  if (!writableAtFirst(mount, options, isFilled)) return options.superFlags;
  return options.superFlags.filter((flag) => flag !== "ro");
}

function hasMode({ data }: MountOptions): boolean {
  return data.some((item) => item.startsWith("mode="));
}

/** Gives a new file system's root the permissions of the folder that it will lie over. */
function copyMode(step: StepBuilder, place: string, mount: string): void {
  const status = { space: STATX.size, name: `${place}.status` };
  step.call("statx", [result(place), "", AT_EMPTY_PATH, STATX_MODE, status])
    .call("fchmodat", [result(mount), ".", { heldIn: status, offset: STATX.mode }]);
}

const STATX_MODE = 2;

/**
 * What a bind's options say of its attributes. What they don't name stays as the source has it; what
 * they clear is refused where a user namespace has it locked.
 */
function changeAttributes(
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
  if (recursiveAttributes !== undefined) {
    const { set, clear } = recursiveAttributes;
    setAttributes(step, mount, mountAttributes(set, clear), { flags: AT_RECURSIVE });
  }
  if (attributes === undefined) return;
  setAttributes(step, mount, mountAttributes(attributes.set, attributes.clear));
}

/** Options that clear an attribute: a user namespace refuses them where its source has it set. */
const LOCKABLE: ReadonlySet<string> = new Set([
  ...["rw", "suid", "dev", "exec", "symfollow", "atime", "relatime", "strictatime", "diratime"],
]);

/** Propagation of an attached mount. */
function spread(step: StepBuilder, options: MountOptions, mount: string): void {
  for (const { flag, recursive } of options.propagation) {
    const flags = recursive ? AT_RECURSIVE : 0;
    setAttributes(step, mount, mountAttributes(0, 0, flag), { flags });
  }
}

/** `remount`: changes what is mounted at the destination already. */
function remount(
  step: StepBuilder,
  planned: PlannedMount,
  options: MountOptions,
  { components, isSure }: Destination,
  { isDetached, anchors }: Pick<Making, "isDetached" | "anchors">,
): PlanItem[] {
  const { mount, label } = planned;
  const place = `${label}.place`;
  openPlace(step, mount.destination, place, isSure ? { components } : {});
  requireMount(step, planned);
  step.because(`remount ${mount.destination}`, mount.destination, planned.pointer, planned.hint);
  const set = options.attributes?.set ?? 0;
  const clear = options.attributes?.clear ?? 0;
  const attributes = mountAttributes(set, clear);
  if (isDetached) {
    // What is to be covered below it is looked for in the copy, which lies on top.
    const resolved = "/" + components.join("/");
    const anchor = anchors.find(({ destination }) => destination === resolved);
    if (anchor === undefined && !isSure) refuseProcfs(step, place);
    cover(step, place, `${label}.cover`, attributes, anchor);
  } else setAttributes(step, place, attributes);
  if (!options.bind && options.data.length + options.superFlags.length > 0) {
    const context = `${label}.fs`;
    step.call("fspick", [result(place), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC], {
      label: context,
    });
    for (const flag of options.superFlags) {
      step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, flag, 0, 0]);
    }
    for (const item of options.data) {
      const [key = "", value = ""] = item.split(/=(.*)/s);
      step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, key, value, 0]);
    }
    step.call("fsconfig", [result(context), FSCONFIG_CMD_RECONFIGURE, 0, 0, 0]);
    step.close(context);
  }
  if (!isDetached) spread(step, options, place);
  step.close(place);
  return step.items;
}

/**
 * Goes on only where a mount is mounted: fspick(2) takes its root alone. What copies the place, or has
 * nothing to change, would pass over any folder.
 */
function requireMount(step: StepBuilder, { mount, label, pointer }: PlannedMount): void {
  const context = `${label}.there`;
  const reason = `remount what is mounted at ${mount.destination}`;
  step.because(reason, mount.destination, pointer, "a remount is of a mount that is there");
  step.call("fspick", [result(`${label}.place`), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC], {
    label: context,
  }).close(context);
}

/**
 * Puts a copy of what is mounted at a place over it, with other attributes.
 *
 * @param anchor the mount at that place, if it is one of those that are held
 */
export function cover(
  step: StepBuilder,
  place: string,
  label: string,
  attributes: Uint8Array,
  anchor?: Anchor,
): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  step.call("open_tree", [result(place), "", flags], { label });
  setAttributes(step, label, attributes);
  attach(step, label, place);
  if (anchor !== undefined) moveAnchor(step, anchor, label);
  step.close(label);
}

const FSPICK_CLOEXEC = 1;
const FSPICK_EMPTY_PATH = 8;
