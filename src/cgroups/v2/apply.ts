/**
 * The config's resources, written for v1, on cgroup v2.
 *
 * @module
 */

import type { NetworkResources, Resources } from "../../config/types/config.ts";
import { containerDevicePolicy } from "../controllers/device_rules.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import { CgroupFolder } from "../folder.ts";
import type { ApplyOptions } from "../manager.ts";
import { withUndo } from "../undo_writes.ts";
import { applyPids } from "../controllers/pids.ts";
import { applyRdma } from "../controllers/rdma.ts";
import { applyCpu } from "./cpu.ts";
import { applyCpuset } from "./cpuset.ts";
import { applyDevices } from "./devices.ts";
import { applyHugetlb } from "./hugetlb.ts";
import { applyIo } from "./io.ts";
import { applyMemory } from "./memory.ts";
import { applyUnified } from "./unified.ts";

/**
 * Writes all resources. An update that the kernel refuses takes back what it wrote.
 *
 * @param path the container's folder
 * @throws {ContainerError} ConfigInvalid, Unsupported or SystemError, with the field's pointer
 */
export function applyResources(
  path: string,
  resources: Resources,
  options: ApplyOptions,
  inUserNamespace: boolean,
): void {
  withUndo(options.update === true, (note) => {
    using folder = new CgroupFolder(path, undefined, note);
    writeResources(folder, resources, options, inUserNamespace);
  });
}

/** Writes all; `unified` comes last, so it overrides the others. */
function writeResources(
  folder: CgroupFolder,
  resources: Resources,
  { update = false }: ApplyOptions,
  inUserNamespace: boolean,
): void {
  const { cpu, memory, pids, blockIO, hugepageLimits, network, rdma, devices, unified } = resources;
  refuseNetwork(network);
  if (pids !== undefined) applyPids(folder, pids);
  if (memory !== undefined) applyMemory(folder, memory);
  if (blockIO !== undefined) applyIo(folder, blockIO);
  if (cpu !== undefined) {
    applyCpu(folder, cpu);
    applyCpuset(folder, cpu);
  }
  // In a user namespace no device program can be attached; those of the cgroups outside apply.
  if (!inUserNamespace && !(update && devices === undefined)) {
    applyDevices(folder, containerDevicePolicy(devices ?? []));
  }
  if (hugepageLimits !== undefined) applyHugetlb(folder, hugepageLimits);
  if (rdma !== undefined) applyRdma(folder, rdma);
  if (unified !== undefined) applyUnified(folder, unified);
}

function refuseNetwork(network: NetworkResources | undefined): void {
  if (!network?.classID && (network?.priorities ?? []).length === 0) return;
  const field = network?.classID ? "classID" : "priorities";
  throw unsupportedResource(
    "cgroup v2 can't mark packets",
    `/linux/resources/network/${field}`,
    "match the cgroup with nftables (socket cgroupv2) instead",
  );
}
