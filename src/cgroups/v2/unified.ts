/**
 * `linux.resources.unified`: cgroup v2 files by name, written as they are.
 *
 * @module
 */

import { invalidResource, unsupportedResource } from "../cgroup_errors.ts";
import type { CgroupFolder } from "../folder.ts";

const POINTER = "/linux/resources/unified";

/**
 * Writes the values in the config's order.
 *
 * @throws {ContainerError} ConfigInvalid for a name that is not CONTROLLER.FILE, Unsupported for
 * one that this cgroup does not have; see CgroupFolder.write
 */
export function applyUnified(
  folder: CgroupFolder,
  unified: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(unified)) {
    const pointer = `${POINTER}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!/^[^./\0]+\.[^/\0]+$/.test(name)) {
      throw invalidResource(`${JSON.stringify(name)} is not of the form CONTROLLER.FILE`, pointer);
    }
    const error = folder.tryWrite(name, value);
    if (error === undefined) continue;
    const controller = name.slice(0, name.indexOf("."));
    const lacks = controller !== "cgroup" &&
      !(folder.readIfPresent("cgroup.controllers") ?? "").split(/\s+/).includes(controller);
    if (lacks && /^(ENOENT|EPERM|EACCES)$/.test(error.code)) {
      throw unsupportedResource(
        `${name} can't be set: this cgroup has no controller ${controller}`,
        pointer,
        "the kernel or the parent cgroup does not offer it",
      );
    }
    throw folder.failure(name, error, value, pointer);
  }
}
