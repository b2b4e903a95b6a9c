/**
 * How often the kernel has killed in a container for want of memory.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v2.rst (memory.events), and
 * cgroup-v1/memory.rst (memory.oom_control).
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { readText } from "../../ffi/files/file.ts";

/**
 * The count of a container with these cgroups; 0 where nothing counts. It is read at each start of a
 * program, so no more than this is read.
 */
export function memoryKills(cgroups: Readonly<Record<string, string>>): number {
  const { memory, "": unified } = cgroups;
  const path = memory === undefined
    ? unified && `${unified}/memory.events`
    : `${memory}/memory.oom_control`;
  if (path === undefined) return 0;
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readText(path))?.[1] ?? 0);
  } catch (error) {
    if (error instanceof SyscallError) return 0; // the container is gone, or has no limit
    throw error;
  }
}
