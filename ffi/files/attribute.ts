/**
 * Extended attributes of open files.
 *
 * Source: xattr(7), fsetxattr(2), fgetxattr(2).
 *
 * @module
 */

import type { Fd } from "./file.ts";
import { checked, libc } from "../c/libc.ts";
import { addressOf, cString } from "../c/memory.ts";

/**
 * Sets an attribute.
 *
 * @throws {SyscallError} EPERM for `trusted.` without CAP_SYS_ADMIN, ENOTSUP, ENOSPC, …
 */
export function setAttribute(file: Fd, name: string, value: Uint8Array<ArrayBuffer>): void {
  const address = Number(addressOf(value));
  checked("fsetxattr", libc.fsetxattr(file.number, cString(name), address, value.length), name);
}

/**
 * The value of an attribute.
 *
 * @param size the most that it may have
 * @throws {SyscallError} ENODATA without one, ERANGE for a longer one
 */
export function getAttribute(file: Fd, name: string, size: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(size);
  const found = libc.fgetxattr(file.number, cString(name), Number(addressOf(value)), size);
  return value.slice(0, checked("fgetxattr", found, name));
}
