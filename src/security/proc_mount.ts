/**
 * What is bound over /proc must be a procfs: programs trust what they read there, and a runtime
 * that wrote labels there would write them to an ordinary file (CVE-2019-16884).
 *
 * @module
 */

import { pathNames } from "../../ffi/files/path.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import { O_PATH, open } from "../../ffi/files/file.ts";
import { fileSystemType, PROC_SUPER_MAGIC } from "../../ffi/files/file_status.ts";
import { isBindMount } from "../config/mount_options.ts";
import type { Mount } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

/**
 * Refuses a bind of anything else over /proc. hull's own writes don't depend on it: they go through
 * a procfs of their own.
 *
 * @throws {ContainerError} `ConfigInvalid` with the mount's source
 */
export function checkProcMounts(mounts: readonly Mount[]): void {
  mounts.forEach((mount, k) => {
    const { destination, source = "", options = [] } = mount;
    const parts = pathNames(destination);
    if (parts.join("/") !== "proc" || !isBindMount(mount) || options.includes("remount")) return;
    if (isProcfs(source)) return;
    throw new ContainerError("ConfigInvalid", `${source} is no proc file system`, {
      step: "mounts",
      path: source,
      pointer: `/mounts/${k}/source`,
      hint: "over /proc only a proc file system can be bound; use a mount of type proc",
    });
  });
}

function isProcfs(path: string): boolean {
  try {
    using source = open(path, O_PATH);
    return fileSystemType(source) === PROC_SUPER_MAGIC;
  } catch (error) {
    if (error instanceof SyscallError) return true; // the mount itself says what is wrong
    throw error;
  }
}
