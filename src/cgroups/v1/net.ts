/**
 * The v1 controllers net_cls and net_prio.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/net_cls.rst and net_prio.rst.
 *
 * @module
 */

import type { NetworkResources } from "../../config/types/config.ts";
import type { CgroupFolder } from "../folder.ts";

const POINTER = "/linux/resources/network";

/**
 * Marks the packets with a class.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyNetClass(folder: CgroupFolder, network: NetworkResources): void {
  if (!network.classID) return;
  folder.write("net_cls.classid", String(network.classID), `${POINTER}/classID`);
}

/**
 * Sets the priority of packets by interface.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyNetPriorities(folder: CgroupFolder, network: NetworkResources): void {
  (network.priorities ?? []).forEach(({ name, priority }, index) => {
    folder.write("net_prio.ifpriomap", `${name} ${priority}`, `${POINTER}/priorities/${index}`);
  });
}
