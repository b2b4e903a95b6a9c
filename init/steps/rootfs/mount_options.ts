/**
 * The options of a mount, read as runc and mount(8) read them.
 *
 * @module
 */

import { MOUNT_ATTR, PROPAGATION } from "../../../ffi/files/mount.ts";
import { isMappingOption } from "../../../src/config/id_map_option.ts";

/** How a mount spreads, and whether the tree below it follows. */
export interface Propagation {
  readonly flag: number;
  readonly recursive: boolean;
}

/** Mount attributes to set and to clear. */
export interface Attributes {
  readonly set: number;
  readonly clear: number;
}

/** The options of one mount, sorted by whom they concern. */
export interface MountOptions {
  /** `bind` or `rbind`. */
  readonly bind: boolean;
  /** `rbind`: the tree below the source as well. */
  readonly bindRecursive: boolean;
  /** `remount`: change what is mounted there already. */
  readonly remount: boolean;
  /** `tmpcopyup`: fill a tmpfs with what the image has there. */
  readonly copyUp: boolean;
  /** `ridmap`: the mounts below show other owners as well. */
  readonly idmapRecursive: boolean;
  /** Attributes of this mount; undefined where no option names one. */
  readonly attributes: Attributes | undefined;
  /** Attributes of the whole tree (`rro`, …); undefined where no option names one. */
  readonly recursiveAttributes: Attributes | undefined;
  /** Flags of the file system itself: `ro`, `sync`, `dirsync`, `mand`, `lazytime`. */
  readonly superFlags: readonly string[];
  readonly propagation: readonly Propagation[];
  /** What the file system reads itself, one key or key=value each. */
  readonly data: readonly string[];
}

const { RDONLY, NOSUID, NODEV, NOEXEC, NOSYMFOLLOW, ATIME, NOATIME, STRICTATIME, NODIRATIME } =
  MOUNT_ATTR;

/** option: attributes to set, attributes to clear; those of access times are below. */
const ATTRIBUTES: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [RDONLY, 0],
  rw: [0, RDONLY],
  nosuid: [NOSUID, 0],
  suid: [0, NOSUID],
  nodev: [NODEV, 0],
  dev: [0, NODEV],
  noexec: [NOEXEC, 0],
  exec: [0, NOEXEC],
  nosymfollow: [NOSYMFOLLOW, 0],
  symfollow: [0, NOSYMFOLLOW],
  nodiratime: [NODIRATIME, 0],
  diratime: [0, NODIRATIME],
};

/**
 * As in mount(8), these are separate flags, of which the strongest counts; clearing one leaves the
 * others.
 */
const ACCESS_TIMES: Readonly<Record<string, readonly [flag: AccessTime, isSet: boolean]>> = {
  noatime: ["noatime", true],
  atime: ["noatime", false],
  relatime: ["relatime", true],
  norelatime: ["relatime", false],
  strictatime: ["strictatime", true],
  nostrictatime: ["strictatime", false],
};

type AccessTime = "noatime" | "relatime" | "strictatime";

/** What each kind of access times means to mount_setattr(2), which wants one of them. */
const TIMES: Readonly<Record<AccessTime, readonly [set: number, clear: number]>> = {
  noatime: [NOATIME, ATIME],
  relatime: [0, ATIME],
  strictatime: [STRICTATIME, ATIME],
};

/** The attributes that the flags of access times make; undefined where none changes any. */
function accessTimes(
  flags: ReadonlyMap<AccessTime, boolean>,
): readonly [number, number] | undefined {
  if (flags.get("strictatime") === true) return TIMES.strictatime;
  if (flags.get("noatime") === true) return TIMES.noatime;
  const isNamed = flags.get("relatime") === true || flags.get("noatime") === false;
  return isNamed ? TIMES.relatime : undefined;
}

/** Of a tree's kinds the last counts; one that is taken back leaves another as it is. */
function treeTimeAfter(
  before: AccessTime | undefined,
  flag: AccessTime,
  isSet: boolean,
): AccessTime {
  if (isSet) return flag;
  return before === undefined || before === flag ? "relatime" : before;
}

const SUPER_SET = new Set(["ro", "sync", "dirsync", "mand", "lazytime"]);
const SUPER_CLEAR: Readonly<Record<string, string>> = {
  rw: "ro",
  async: "sync",
  nomand: "mand",
  nolazytime: "lazytime",
};

const FLAGS = new Set(["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"]);

/** Options that mean nothing to the mount API by fd, or are the default. */
const NO_EFFECT = new Set(["defaults", "silent", "loud", "iversion", "noiversion", "acl", "noacl"]);

/** Sorts the options of a mount; what is not known goes to the file system. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let own: Attributes | undefined;
  let tree: Attributes | undefined;
  const flags = new Set<string>();
  const times = new Map<AccessTime, boolean>();
  let treeTime: AccessTime | undefined;
  const superFlags = new Set<string>();
  const propagation: Propagation[] = [];
  const data: string[] = [];
  for (const option of options) {
    if (NO_EFFECT.has(option)) continue;
    const spread = propagationOf(option);
    const recursive = option.startsWith("r") ? ATTRIBUTES[option.slice(1)] : undefined;
    const known = ATTRIBUTES[option];
    if (SUPER_SET.has(option)) superFlags.add(option);
    const cleared = SUPER_CLEAR[option];
    if (cleared !== undefined) superFlags.delete(cleared);
    const time = ACCESS_TIMES[option];
    const ofTree = option.startsWith("r") ? ACCESS_TIMES[option.slice(1)] : undefined;
    if (time !== undefined) times.set(...time);
    else if (ofTree !== undefined) treeTime = treeTimeAfter(treeTime, ...ofTree);
    else if (known !== undefined) own = merge(own, known);
    else if (recursive !== undefined) tree = merge(tree, recursive);
    else if (spread !== undefined) propagation.push(spread);
    else if (FLAGS.has(option)) flags.add(option);
    else if (isMappingOption(option)) flags.add(option.slice(0, option.indexOf("=")));
    else if (!SUPER_SET.has(option) && cleared === undefined) data.push(...splitData(option));
  }
  const time = accessTimes(times);
  if (time !== undefined) own = merge(own, time);
  if (treeTime !== undefined) tree = merge(tree, TIMES[treeTime]);
  return {
    bind: flags.has("bind") || flags.has("rbind"),
    bindRecursive: flags.has("rbind"),
    remount: flags.has("remount"),
    copyUp: flags.has("tmpcopyup"),
    idmapRecursive: flags.has("ridmap"),
    attributes: own,
    recursiveAttributes: tree,
    superFlags: [...superFlags],
    propagation,
    data,
  };
}

/** `shared`, `rslave` and the like; undefined for any other word. */
export function propagationOf(option: string): Propagation | undefined {
  const recursive = option.startsWith("r");
  const name = recursive ? option.slice(1) : option;
  if (!Object.hasOwn(PROPAGATION, name)) return undefined;
  return { flag: PROPAGATION[name as keyof typeof PROPAGATION], recursive };
}

/** Whether nothing of a mount can be bound elsewhere. */
export function isUnbindable(options: readonly string[] = []): boolean {
  return options.some((option) => propagationOf(option)?.flag === PROPAGATION.unbindable);
}

/** Of two options about the same attribute the later one wins. */
function merge(
  before: Attributes = { set: 0, clear: 0 },
  [set, clear]: readonly [number, number],
): Attributes {
  return {
    set: (before.set & ~clear) | set,
    clear: (before.clear & ~set) | clear | (set & ATIME ? ATIME : 0),
  };
}

/**
 * One option may hold several, as mount(2)'s data does; a comma behind a backslash or in quotes is
 * text. The quotes of an SELinux context are mount(2)'s, and not part of the value.
 */
function splitData(option: string): string[] {
  const parts = option.match(/(?:"[^"]*"|\\.|[^,])+/gs) ?? [];
  return parts.map((part) => part.replace(/^((?:fs|def|root)?context=)"([^"]*)"$/, "$1$2"));
}
