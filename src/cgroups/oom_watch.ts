/**
 * Whether a container runs out of memory. The kernel reports it; nothing is polled.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst (10. OOM Control) and
 * cgroup-v2.rst (memory.events); fs/kernfs/file.c for the polling of cgroup files.
 *
 * @module
 */

import { isThere } from "../../ffi/files/file_status.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { readFromStart } from "../../ffi/files/offset.ts";
import { makeEventfd, takeCount } from "../../ffi/waiting/eventfd.ts";
import { type Fd, O_RDONLY, open } from "../../ffi/files/file.ts";
import { EPOLLIN, EPOLLPRI } from "../../ffi/waiting/poll.ts";
import { CgroupFolder, parseTable } from "./folder.ts";

/** A watch on one cgroup. */
export interface OomWatch extends Disposable {
  /** What to wait on, and for which events of epoll(7). */
  readonly fd: Fd;
  readonly events: number;
  /** How often the memory ran out since the last call. */
  take(): number;
}

/**
 * Begins to watch.
 *
 * @param paths the container's cgroups, by controller
 * @returns undefined where no cgroup limits its memory
 * @throws {ContainerError} `SystemError`
 * @throws {SyscallError}
 */
export function watchOom(paths: Readonly<Record<string, string>>): OomWatch | undefined {
  if (paths.memory !== undefined) return watchV1(paths.memory);
  const unified = paths[""];
  if (unified === undefined) return undefined;
  using folder = new CgroupFolder(unified);
  return folder.has("memory.events") ? watchV2(`${unified}/memory.events`) : undefined;
}

/** The kernel raises a counter at each OOM, and once more when the cgroup is removed. */
function watchV1(path: string): OomWatch {
  using folder = new CgroupFolder(path);
  using control = open(`${path}/memory.oom_control`, O_RDONLY);
  const counter = makeEventfd();
  try {
    folder.write("cgroup.event_control", `${counter.number} ${control.number}`);
  } catch (error) {
    counter.close();
    throw error;
  }
  return {
    fd: counter,
    events: EPOLLIN,
    take: () => {
      const count = takeCount(counter);
      return isThere(path) ? count : 0;
    },
    [Symbol.dispose]: () => counter.close(),
  };
}

/** memory.events changes; of its lines, oom_kill counts the killed processes. */
function watchV2(path: string): OomWatch {
  const file = open(path, O_RDONLY);
  const decoder = new TextDecoder();
  const kills = () => parseTable(decoder.decode(readFromStart(file))).oom_kill ?? 0;
  let seen = kills();
  return {
    fd: file,
    events: EPOLLPRI,
    take: () => {
      try {
        const before = seen;
        seen = kills();
        return seen - before;
      } catch (error) {
        if (failedWith(error, "ENODEV")) return 0; // the cgroup is gone
        throw error;
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}
