/**
 * The files of /proc/PID, opened for writing on the host's side. What is mounted at /proc, or over
 * a file in it, might not be procfs: a write would then go elsewhere (CVE-2019-16884,
 * CVE-2025-52881).
 *
 * Source: proc(5), statfs(2).
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_WRONLY,
  open,
  openAt,
  writeAll,
} from "../../ffi/files/file.ts";
import { fileSystemType, PROC_SUPER_MAGIC, statAt } from "../../ffi/files/file_status.ts";
import { NAMESPACE_FILES, type NamespaceName } from "../../ffi/processes/namespaces.ts";
import { ContainerError } from "../errors.ts";
import { openBeneath } from "./safe_path.ts";

/** The inode of a procfs's root: include/linux/proc_ns.h. */
const PROC_ROOT_INODE = 1n;

/**
 * Opens the root of a procfs as a mere place.
 *
 * @param path where it is mounted
 * @throws {ContainerError} `SystemError` if it is anything else
 */
export function openProc(path = "/proc"): Fd {
  const proc = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (fileSystemType(proc) === PROC_SUPER_MAGIC && statAt(proc, "").inode === PROC_ROOT_INODE) {
    return proc;
  }
  proc.close();
  throw new ContainerError("SystemError", `${path} is not the root of a proc file system`, {
    path,
    hint: "mount a proc file system there; nothing is written to what stands in for it",
  });
}

/**
 * Opens a file of a process, with no link and no other mount on the way.
 *
 * @param file such as `uid_map`
 * @param flags such as O_WRONLY
 * @throws {ContainerError} `SystemError` if /proc is no procfs
 * @throws {SyscallError} ELOOP at a link, EXDEV at a mount over the file, ENOENT if there is none
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { O_RDONLY, readAll } from "../../ffi/files/file.ts";
 * import { openProcessFile } from "./procfs.ts";
 *
 * using file = openProcessFile(Deno.pid, "oom_score_adj", O_RDONLY);
 * assert(readAll(file).length > 0);
 * ```
 */
export function openProcessFile(pid: number, file: string, flags: number): Fd {
  using proc = openProc();
  return openBeneath(proc, `${pid}/${file}`, flags);
}

/**
 * Writes a file of a process in one write, as the kernel requires for id maps.
 *
 * @throws what {@linkcode openProcessFile} throws, and what the kernel says to the write
 */
export function writeProcessFile(pid: number, file: string, text: string): void {
  using fd = openProcessFile(pid, file, O_WRONLY);
  try {
    writeAll(fd, new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new SyscallError(error.syscall, error.errno, `/proc/${pid}/${file}`);
  }
}

/**
 * Opens a namespace of a process.
 *
 * @throws {ContainerError} `SystemError` if /proc is no procfs
 * @throws {SyscallError} ENOENT if there is no such process
 */
export function openNamespace(pid: number, type: NamespaceName): Fd {
  using proc = openProc();
  using folder = openBeneath(proc, `${pid}/ns`, O_PATH | O_DIRECTORY);
  return openAt(folder, NAMESPACE_FILES[type]); // a link of the kernel's, in a folder of the kernel's
}
