/**
 * Which extended attributes of an image's files are set.
 *
 * Source: xattr(7), capabilities(7); the kernel's filesystems/overlayfs.rst.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { setAttribute } from "../../../ffi/files/attribute.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { entryInvalid, shown } from "../archive/image_error.ts";

/** With these a layer could show files of another place. */
const OVERLAY = /^(?:trusted|user)\.overlay\./;
/** Those that mean the same on every host: the labels of an LSM do not. */
const KEPT = /^(?:user\.|system\.posix_acl_|security\.capability$)/;

/** XATTR_SIZE_MAX. */
const MOST_BYTES = 65_536;

/**
 * Checks the attributes of an entry.
 *
 * @throws {ContainerError} `ImageInvalid` for overlayfs's own
 */
export function checkAttributes(entry: string, attributes: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, { length }] of attributes) {
    if (OVERLAY.test(name)) {
      throw entryInvalid(entry, `has overlayfs's own attribute ${shown(name)}`);
    }
    if (KEPT.test(name) && length > MOST_BYTES) {
      throw entryInvalid(
        entry,
        `has the attribute ${
          shown(name)
        } of ${length} bytes, and Linux has no more than ${MOST_BYTES}`,
      );
    }
  }
}

/**
 * Sets those that are kept, on a file or folder. What the file system does not take is left out,
 * as are capabilities without the right to give them.
 *
 * @throws {SyscallError}
 */
export function setAttributes(
  file: Fd,
  attributes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): void {
  for (const [name, value] of attributes) {
    if (!KEPT.test(name)) continue;
    try {
      setAttribute(file, name, value);
    } catch (error) {
      if (!failedWith(error, "EOPNOTSUPP", "EPERM", "EINVAL", "ERANGE")) throw error;
    }
  }
}
