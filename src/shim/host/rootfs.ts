/**
 * The mounts of which containerd makes a container's rootfs.
 *
 * Source: mount(2); containerd's api/types/mount.proto.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { MNT_DETACH, mount, unmount } from "../../../ffi/files/mount.ts";
import { O_DIRECTORY, O_PATH, open } from "../../../ffi/files/file.ts";
import { openAt2, RESOLVE_IN_ROOT } from "../../../ffi/files/path.ts";
import { undone } from "../../failures/undo.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import type { MountMessage } from "../messages/common.ts";

const MS_RDONLY = 1;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;

/** Words that set a flag, or with `-` clear it. */
const FLAGS: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  rw: -MS_RDONLY,
  nosuid: 2,
  suid: -2,
  nodev: 4,
  dev: -4,
  noexec: 8,
  exec: -8,
  sync: 0x10,
  async: -0x10,
  remount: MS_REMOUNT,
  mand: 0x40,
  nomand: -0x40,
  dirsync: 0x80,
  noatime: 0x400,
  atime: -0x400,
  nodiratime: 0x800,
  diratime: -0x800,
  bind: MS_BIND,
  rbind: MS_BIND | MS_REC,
  relatime: 0x200000,
  norelatime: -0x200000,
  strictatime: 0x1000000,
  nostrictatime: -0x1000000,
  defaults: 0,
};
const PROPAGATION: Readonly<Record<string, number>> = {
  unbindable: 1 << 17,
  runbindable: 1 << 17 | MS_REC,
  private: 1 << 18,
  rprivate: 1 << 18 | MS_REC,
  slave: 1 << 19,
  rslave: 1 << 19 | MS_REC,
  shared: 1 << 20,
  rshared: 1 << 20 | MS_REC,
};
/** The most that mount(2) takes of a file system's options. */
const DATA_MOST = 4000;

/** Mounts all of them on a folder, or none. */
export async function mountAll(mounts: readonly MountMessage[], rootfs: string): Promise<void> {
  try {
    for (const one of mounts) mountOne(one, rootfs);
  } catch (error) {
    throw await undone(error, () => unmountAll(rootfs));
  }
}

/** Takes away all that is mounted on a folder; it may not be there. */
export function unmountAll(rootfs: string): void {
  for (;;) {
    try {
      unmount(rootfs, MNT_DETACH | UMOUNT_NOFOLLOW);
    } catch (error) {
      if (failedWith(error, "EINVAL", "ENOENT")) return;
      throw error;
    }
  }
}

const UMOUNT_NOFOLLOW = 8;

function mountOne({ type, source, target, options }: MountMessage, rootfs: string): void {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const word of options) {
    const flag = FLAGS[word];
    if (flag !== undefined) flags = flag < 0 ? flags & ~-flag : flags | flag;
    else if (PROPAGATION[word] !== undefined) propagation |= PROPAGATION[word];
    else if (word === "loop" || word.startsWith("X-containerd.")) throw unsupported(word);
    else data.push(word);
  }
  using inside = target === "" ? undefined : openInside(rootfs, target);
  const place = inside === undefined ? rootfs : `/proc/self/fd/${inside.number}`;
  mountHere(source, place, type, flags, data);
  if (propagation !== 0) mount("", place, "", propagation, "");
  // A bind mount takes its flags only from a second call.
  const isBind = (flags & (MS_BIND | MS_REMOUNT)) === MS_BIND;
  if (isBind && (flags & ~(MS_BIND | MS_REC)) !== 0) {
    mount("", place, "", flags & ~MS_REC | MS_REMOUNT, "");
  }
}

function openInside(rootfs: string, target: string) {
  using root = open(rootfs, O_PATH | O_DIRECTORY);
  return openAt2(root, target, O_PATH, RESOLVE_IN_ROOT);
}

/** Many layers make a long text: then their paths are named from the folder that all lie in. */
function mountHere(
  source: string,
  place: string,
  type: string,
  flags: number,
  data: readonly string[],
): void {
  const text = data.join(",");
  if (type !== "overlay" || text.length < DATA_MOST) return mount(source, place, type, flags, text);
  const shorter = shortened(data);
  // No other work of this program comes in between.
  Deno.chdir(shorter.folder);
  try {
    mount(source, place, type, flags, shorter.data.join(","));
  } finally {
    Deno.chdir("/");
  }
}

/** The options with layers that are named from a folder. */
export function shortened(
  data: readonly string[],
): { readonly folder: string; readonly data: readonly string[] } {
  const lower = data.find((word) => word.startsWith("lowerdir="));
  const layers = lower?.slice("lowerdir=".length).split(":") ?? [];
  const [first = "/", ...rest] = layers.map((layer) => layer.split("/").slice(0, -1));
  if (typeof first === "string") return { folder: "/", data };
  let common = first.length;
  for (const parts of rest) {
    for (let k = 0; k < common; k++) if (parts[k] !== first[k]) common = k;
  }
  const folder = first.slice(0, common).join("/") || "/";
  const cut = folder === "/" ? 1 : folder.length + 1;
  const short = `lowerdir=${layers.map((layer) => layer.slice(cut)).join(":")}`;
  return { folder, data: data.map((word) => word === lower ? short : word) };
}

function unsupported(word: string): StatusError {
  return new StatusError("Unimplemented", `mounts with the option ${word} are not supported`);
}
