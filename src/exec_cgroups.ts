/**
 * The cgroups that a further process enters.
 *
 * @module
 */

import { O_WRONLY, open } from "../ffi/file.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import { ContainerError } from "./errors.ts";
import type { CgroupEntrance } from "./join.ts";
import { syscallFailure } from "./syscall_failure.ts";

const PROCS = "/cgroup.procs";

/**
 * Opens cgroup.procs of each of the container's cgroups.
 *
 * @param below a cgroup below them to enter instead
 * @param pid the container's first process
 * @param stack closes them
 * @throws {ContainerError} `ConfigInvalid` for a cgroup that is not there
 */
export function enterCgroups(
  manager: CgroupManager,
  below: string | undefined,
  pid: number,
  stack: DisposableStack,
): CgroupEntrance[] {
  return manager.entries().map(({ path, controller }) => {
    if (below !== undefined) {
      return { fd: stack.use(openProcs(`${folderOf(path)}/${inside(below)}${PROCS}`)).number };
    }
    const fd = stack.use(openProcs(path)).number;
    const other = controller === "" ? cgroupBelow(folderOf(path), pid) : undefined;
    if (other === undefined) return { fd };
    return { fd, otherwise: stack.use(openProcs(`${other}${PROCS}`)).number };
  });
}

function openProcs(path: string) {
  try {
    return open(path, O_WRONLY);
  } catch (cause) {
    throw syscallFailure(cause, "ConfigInvalid", "cannot enter the cgroup", {
      step: "cgroups",
      path,
      hint: "it must exist below the container's own",
    });
  }
}

function folderOf(procs: string): string {
  return procs.slice(0, -PROCS.length);
}

function inside(below: string): string {
  const parts = below.split("/").filter((part) => part !== "" && part !== ".");
  if (!parts.includes("..")) return parts.join("/");
  throw new ContainerError("ConfigInvalid", `the cgroup ${below} must not have a part ".."`);
}

/**
 * Where the first process is now, if it is in a cgroup below the container's: with controllers
 * given on to such cgroups the v2 tree allows no process above them.
 */
function cgroupBelow(folder: string, pid: number): string | undefined {
  const lines = Deno.readTextFileSync(`/proc/${pid}/cgroup`).split("\n");
  const place = lines.find((line) => line.startsWith("0::"))?.slice("0::".length) ?? "/";
  for (let own = place; own !== ""; own = own.slice(0, own.lastIndexOf("/"))) {
    if (folder.endsWith(own)) return own === place ? undefined : folder + place.slice(own.length);
  }
  return undefined;
}
