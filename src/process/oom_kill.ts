/**
 * Whether the kernel killed a container's first process for want of memory. The process's status
 * only tells of a SIGKILL, not who sent it; the container's cgroup counts the kernel's.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { ExitStatus } from "../../ffi/processes/process.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { MemoryEntry, MemoryStats } from "../cgroups/stats.ts";
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

/** The same for a process that ended without a message before its program ran. */
export function withLowLimit<Status extends Partial<ExitStatus>>(
  status: Status,
  cgroups: Pick<CgroupManager, "stats" | "lostHolder">,
): Status {
  return lacksMemory(cgroups) ? { ...status, oomKilled: true } : status;
}

/**
 * Whether what ended before its program ran had no memory. If the kernel can't give it a page, system
 * calls fail with EFAULT or ENOMEM, and execve(2) ends in a SIGKILL that is not counted as a kill.
 * But the cgroup counts that the limit was hit; not on v1 where the limit of memory and swap is hit
 * first, so what it has used at most counts, too. If a cgroup of systemd's is gone, what held it was
 * killed first.
 */
export function lacksMemory(cgroups: Pick<CgroupManager, "stats" | "lostHolder">): boolean {
  const memory = memoryOf(cgroups);
  if (memory === undefined) return cgroups.lostHolder === true;
  return memory.oomKills + memory.usage.failcnt > 0 || isFull(memory.usage);
}

/** So much must be free for the largest piece that the kernel takes for itself: eight pages. */
const PIECE = 8 * 4096;

function isFull({ max, limit }: MemoryEntry): boolean {
  return limit !== "max" && max + PIECE > limit;
}

/** The error for a process that got no memory before its program ran. */
export function outOfMemory(who: string): ContainerError {
  return new ContainerError("OomKilled", `the memory limit is too low: ${who} got no memory`, {
    pointer: "/linux/resources/memory/limit",
    hint: "raise the limit, which counts bytes: even a shell takes a few hundred KiB",
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
