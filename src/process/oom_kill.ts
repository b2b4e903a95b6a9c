/**
 * Whether the kernel killed a container's first process for want of memory. The process's status
 * only tells of a SIGKILL, not who sent it; the container's cgroup counts the kernel's.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { ExitStatus } from "../../ffi/processes/process.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { MemoryStats } from "../cgroups/stats.ts";
import { ContainerError } from "../errors.ts";

/**
 * How a first process ended, with what the cgroup knows of it. The cgroup keeps its count until the
 * container is removed, so a later call gets the same answer.
 *
 * @param isKnown whether it is known that the memory ran out, whatever has become of the cgroup
 */
export function withOomKill<Status extends ExitStatus | undefined>(
  status: Status,
  cgroups: Pick<CgroupManager, "stats">,
  isKnown = false,
): Status {
  if (status?.signal !== SIGKILL) return status;
  if (!isKnown && (memoryOf(cgroups)?.oomKills ?? 0) === 0) return status;
  return { ...status, oomKilled: true };
}

/**
 * The same for a process that ended without a message before its program ran. If the kernel can't
 * give it a page, system calls fail with EFAULT, and execve(2) ends in a SIGKILL that is not
 * counted as a kill. But the cgroup counts that the limit was hit. If a cgroup of systemd's is gone,
 * what held it was killed first.
 */
export function withLowLimit<Status extends Partial<ExitStatus>>(
  status: Status,
  cgroups: Pick<CgroupManager, "stats" | "lostHolder">,
): Status {
  const memory = memoryOf(cgroups);
  const isShort = memory === undefined
    ? cgroups.lostHolder === true
    : memory.oomKills + memory.usage.failcnt > 0;
  return isShort ? { ...status, oomKilled: true } : status;
}

/** The error for a process that got no memory before its program ran. */
export function outOfMemory(who: string): ContainerError {
  return new ContainerError("OomKilled", `the memory limit is too low: ${who} got no memory`, {
    pointer: "/linux/resources/memory/limit",
    hint: "raise the limit",
  });
}

/** Undefined also if the cgroup is gone, because another program removes the container. */
function memoryOf(cgroups: Pick<CgroupManager, "stats">): MemoryStats | undefined {
  try {
    return cgroups.stats(["memory"]).memory;
  } catch (error) {
    if (error instanceof ContainerError) return undefined;
    throw error;
  }
}
