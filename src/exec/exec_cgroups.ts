/**
 * The cgroups that a further process enters.
 *
 * @module
 */

import { pathNames } from "../../ffi/files/path.ts";
import { readRecord } from "../../ffi/files/file.ts";
import { entryFile } from "../../ffi/files/cgroup_entry.ts";
import {
  AT_FDCWD,
  Fd,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  O_WRONLY,
  open,
} from "../../ffi/files/file.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import type { CgroupEntry, CgroupManager } from "../cgroups/manager.ts";
import { ContainerError } from "../errors.ts";
import type { CgroupEntrance } from "./join.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";

/**
 * Opens the file by which each of the container's cgroups is entered.
 *
 * @param below a cgroup below them to enter instead
 * @param pid the container's first process
 * @param stack closes them
 * @throws {ContainerError} `ConfigInvalid` for a cgroup below that is not there;
 *   `ContainerNotRunning` if the container's own have gone
 */
export function enterCgroups(
  manager: CgroupManager,
  below: string | undefined,
  pid: number,
  stack: DisposableStack,
): CgroupEntrance[] {
  return manager.entries().map(({ controller, folder, isBirthplace }) => {
    const place = below === undefined ? folder : `${folder}/${inside(below)}`;
    const file = entryFile(controller);
    const openEntrance = below === undefined ? openOwn : openBelow;
    const entrance = isBirthplace
      ? openEntrance(place, O_PATH | O_DIRECTORY)
      : openEntrance(`${place}/${file}`, O_WRONLY);
    const door = { controller, fd: stack.use(entrance).number, isBirthplace };
    if (below !== undefined || isBirthplace || controller !== "") return door;
    const other = cgroupBelow(folder, pid);
    if (other === undefined) return door;
    return { ...door, otherwise: stack.use(openOwn(`${other}/${file}`, O_WRONLY)).number };
  });
}

/** The ways into the cgroups of one container, opened again and again by one program. */
export class CgroupDoors {
  readonly #entries: readonly CgroupEntry[];
  readonly #program: SyscallProgram;

  private constructor(entries: readonly CgroupEntry[]) {
    this.#entries = entries;
    this.#program = new SyscallProgram(entries.map(({ path, folder, isBirthplace }): Operation => {
      const place = isBirthplace ? folder : path;
      const flags = (isBirthplace ? O_PATH | O_DIRECTORY : O_WRONLY) | O_CLOEXEC;
      return { syscall: "openat", args: [AT_FDCWD, place, flags, 0], onError: "continue" };
    }));
  }

  /** Those of a container, if they need no second look at it. */
  static of(manager: CgroupManager): CgroupDoors | undefined {
    const entries = manager.entries();
    const isPlain = entries.every(({ controller, isBirthplace }) =>
      isBirthplace || controller !== ""
    );
    return isPlain ? new CgroupDoors(entries) : undefined;
  }

  /**
   * Opens all.
   *
   * @param stack closes them
   * @returns undefined if one can't be opened: {@linkcode enterCgroups} says why
   */
  open(stack: DisposableStack): CgroupEntrance[] | undefined {
    this.#program.run();
    const fds = this.#entries.map((_, k) => this.#program.result(k));
    for (const fd of fds) if (fd >= 0) stack.use(new Fd(fd));
    if (fds.some((fd) => fd < 0)) return undefined;
    return this.#entries.map(({ controller, isBirthplace }, k) => {
      return { controller, fd: fds[k] as number, isBirthplace };
    });
  }
}

function openOwn(path: string, flags: number): Fd {
  try {
    return open(path, flags);
  } catch (cause) {
    throw syscallFailure(cause, "ContainerNotRunning", "the container's cgroup can't be entered", {
      step: "cgroups",
      path,
      hint: "it goes away when the container is removed",
    });
  }
}

function openBelow(path: string, flags: number): Fd {
  try {
    return open(path, flags);
  } catch (cause) {
    throw syscallFailure(cause, "ConfigInvalid", "cannot enter the cgroup", {
      step: "cgroups",
      path,
      hint: "it must exist below the container's own",
    });
  }
}

function inside(below: string): string {
  const parts = pathNames(below);
  if (!parts.includes("..")) return parts.join("/");
  throw new ContainerError("ConfigInvalid", `the cgroup ${below} must not have a part ".."`);
}

/**
 * The cgroup that the first process is in now, if it is below the container's. If a v2 cgroup gives
 * controllers to cgroups below it, it can't hold processes itself.
 */
function cgroupBelow(folder: string, pid: number): string | undefined {
  const lines = cgroupsOf(pid).split("\n");
  const place = lines.find((line) => line.startsWith("0::"))?.slice("0::".length) ?? "/";
  for (let own = place; own !== ""; own = own.slice(0, own.lastIndexOf("/"))) {
    if (folder.endsWith(own)) return own === place ? undefined : folder + place.slice(own.length);
  }
  return undefined;
}

function cgroupsOf(pid: number): string {
  try {
    return readRecord(`/proc/${pid}/cgroup`);
  } catch (cause) {
    throw new ContainerError("ContainerNotRunning", "the container has ended", { cause });
  }
}
