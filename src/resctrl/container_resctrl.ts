/**
 * A container's class of service in the resctrl file system. Most containers have none, so the
 * module that knows the file system is loaded only for those that do.
 *
 * @module
 */

import type { Config, IntelRdt } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { ResctrlGroups } from "./intel_rdt.ts";

/** The limits of a class of service that an update can change. */
export type RdtUpdate = Pick<IntelRdt, "l3CacheSchema" | "memBwSchema">;

/**
 * Puts the first process into the class that the config describes.
 *
 * @returns undefined if it describes none
 * @throws {ContainerError} `Unsupported`, `SystemError`
 */
export async function joinClass(
  { linux: { intelRdt } = {} }: Config,
  id: string,
  pid: number,
): Promise<ResctrlGroups | undefined> {
  if (intelRdt === undefined) return undefined;
  return (await mounted()).join(intelRdt, id, pid);
}

/**
 * Puts a further process into the class of the first one.
 *
 * @throws {ContainerError} `Unsupported`, `SystemError`
 */
export async function enterClass(groups: ResctrlGroups | undefined, pid: number): Promise<void> {
  if (groups !== undefined) (await mounted()).enter(groups, pid);
}

/**
 * Removes what hull made for a container.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function leaveClass(groups: ResctrlGroups | undefined): Promise<void> {
  if (groups === undefined || groups.made.length === 0) return;
  const { Resctrl, findResctrl } = await import("./intel_rdt.ts");
  const root = findResctrl();
  if (root !== undefined) new Resctrl(root).remove(groups);
}

/**
 * Changes the limits of a container's class.
 *
 * @returns a function that restores the limits before
 * @throws {ContainerError} `Unsupported` if the container has no class, or the CPU no such limit;
 *   `SystemError`
 */
export async function changeClass(
  groups: ResctrlGroups | undefined,
  update: RdtUpdate,
): Promise<() => void> {
  if (Object.values(update).every((schema) => schema === undefined)) return () => {};
  if (groups !== undefined) return (await mounted()).change(groups, update);
  throw new ContainerError("Unsupported", "the container has no class of service of resctrl", {
    pointer: "/linux/intelRdt",
    hint: "create it with linux.intelRdt, which may be empty",
  });
}

async function mounted() {
  return (await import("./intel_rdt.ts")).Resctrl.mounted();
}
