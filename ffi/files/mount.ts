/**
 * Mounts: the numbers and structures of the mount API by fd (Linux 5.2 to 5.12) and of umount2.
 *
 * Source: mount(2), open_tree(2), mount_setattr(2), fsopen(2) and include/uapi/linux/mount.h.
 *
 * @module
 */

import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

/** Attributes of one mount. */
export const MOUNT_ATTR = {
  RDONLY: 0x00000001,
  NOSUID: 0x00000002,
  NODEV: 0x00000004,
  NOEXEC: 0x00000008,
  /** The field that holds the three below; RELATIME is its 0. */
  ATIME: 0x00000070,
  RELATIME: 0x00000000,
  NOATIME: 0x00000010,
  STRICTATIME: 0x00000020,
  NODIRATIME: 0x00000080,
  IDMAP: 0x00100000,
  NOSYMFOLLOW: 0x00200000,
} as const;

/** How mounts spread between peers, for mount_setattr. */
export const PROPAGATION = {
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

/** The whole tree below. */
export const AT_RECURSIVE = 0x8000;
/** open_tree makes a detached copy. */
export const OPEN_TREE_CLONE = 1;
/** move_mount: the source is an fd. */
export const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
/** move_mount: the target is an fd. */
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
/** fsconfig commands. */
export const FSCONFIG_SET_FLAG = 0;
/** fsconfig commands. */
export const FSCONFIG_SET_STRING = 1;
/** fsconfig commands. */
export const FSCONFIG_CMD_CREATE = 6;
/** fsconfig commands. */
export const FSCONFIG_CMD_RECONFIGURE = 7;
/** The fd closes on exec: open_tree. */
export const OPEN_TREE_CLOEXEC = 0o2000000;
/** The fd closes on exec: fsopen and fsmount. */
export const FSOPEN_CLOEXEC = 1;
/** umount2 lets go now and ends when nobody uses it. */
export const MNT_DETACH = 2;

/** The size of struct mount_attr. */
export const MOUNT_ATTR_SIZE = 32;

/** struct mount_attr: mount_setattr(2). */
export function mountAttributes(
  set: number,
  clear: number,
  propagation = 0,
  userNamespace = 0,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MOUNT_ATTR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(set >>> 0), true);
  view.setBigUint64(8, BigInt(clear >>> 0), true);
  view.setBigUint64(16, BigInt(propagation), true);
  view.setBigUint64(24, BigInt(userNamespace), true);
  return bytes;
}

/**
 * Mounts by path, on the host's side only: mount(2).
 *
 * @throws {SyscallError}
 */
export function mount(
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string,
): void {
  const result = libc.mount(
    cString(source),
    cString(target),
    cString(type),
    flags,
    cString(data),
  );
  checked("mount", result, target);
}

/**
 * Unmounts: umount2(2).
 *
 * @throws {SyscallError}
 */
export function unmount(target: string, flags = 0): void {
  checked("umount2", libc.umount2(cString(target), flags), target);
}
