/**
 * Which v1 controllers a config needs, and what each is to do, in runc's order: CPUs and memory
 * nodes before limits that may depend on them.
 *
 * @module
 */

import type { Resources } from "../../config/types/config.ts";
import { containerDevicePolicy } from "../controllers/device_rules.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import { CgroupFolder } from "../folder.ts";
import type { ApplyOptions } from "../manager.ts";
import { withUndo } from "../undo_writes.ts";
import { applyPids } from "../controllers/pids.ts";
import { applyRdma } from "../controllers/rdma.ts";
import { applyBlkio, wantsBlkio } from "./blkio.ts";
import { applyCpu, wantsCpu } from "./cpu.ts";
import { applyCpuset, wantsCpuset } from "./cpuset.ts";
import { applyDevices } from "./devices.ts";
import { applyHugetlb } from "./hugetlb.ts";
import { applyMemory, wantsMemory } from "./memory.ts";
import { applyNetClass, applyNetPriorities } from "./net.ts";

/** What one controller is to do. */
interface WantedLimit {
  readonly controller: string;
  /** The part of the config that asks for it. */
  readonly pointer: string;
  readonly apply: (folder: CgroupFolder) => void;
}

/**
 * Sets the limits, all or none: that each has its controller is looked at before the first is
 * written, and an update that the kernel refuses takes back what it wrote.
 *
 * @param paths each controller's folder
 * @throws {ContainerError} ConfigInvalid, Unsupported or SystemError, with the field's pointer
 */
export function applyResources(
  paths: Readonly<Record<string, string>>,
  resources: Resources,
  options: ApplyOptions,
  inUserNamespace: boolean,
): void {
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw unsupportedResource(
      "unified names files of cgroup v2, and this host has cgroup v1",
      "/linux/resources/unified",
      "use the named fields of resources",
    );
  }
  const limits = wantedLimits(resources, options, inUserNamespace).map((limit) => (
    { ...limit, path: pathOf(paths, limit) }
  ));
  withUndo(options.update === true, (note) => {
    for (const { path, apply } of limits) {
      using folder = new CgroupFolder(path, undefined, note);
      apply(folder);
    }
  });
}

function pathOf(paths: Readonly<Record<string, string>>, limit: WantedLimit): string {
  const path = paths[limit.controller];
  if (path !== undefined) return path;
  throw unsupportedResource(
    `the v1 controller ${limit.controller} is not mounted on this host`,
    limit.pointer,
    "mount it, or remove the limit from the config",
  );
}

/** The limits that `resources` ask for. */
function wantedLimits(
  resources: Resources,
  { update = false }: ApplyOptions,
  inUserNamespace: boolean,
): WantedLimit[] {
  const { cpu, memory, pids, blockIO, hugepageLimits, network, rdma, devices } = resources;
  const limits: WantedLimit[] = [];
  const add = (controller: string, field: string, apply: (folder: CgroupFolder) => void) =>
    limits.push({ controller, pointer: `/linux/resources/${field}`, apply });

  if (cpu !== undefined && wantsCpuset(cpu)) add("cpuset", "cpu", (f) => applyCpuset(f, cpu));
  // In a user namespace device rules can't be changed; those of the cgroups outside apply.
  if (!inUserNamespace && !(update && devices === undefined)) {
    const policy = containerDevicePolicy(devices ?? []);
    add("devices", "devices", (f) => applyDevices(f, policy));
  }
  if (memory !== undefined && wantsMemory(memory)) {
    add("memory", "memory", (f) => applyMemory(f, memory));
  }
  if (cpu !== undefined && wantsCpu(cpu)) add("cpu", "cpu", (f) => applyCpu(f, cpu));
  if (pids?.limit !== undefined) add("pids", "pids", (f) => applyPids(f, pids));
  if (blockIO !== undefined && wantsBlkio(blockIO)) {
    add("blkio", "blockIO", (f) => applyBlkio(f, blockIO));
  }
  if (hugepageLimits !== undefined && hugepageLimits.length > 0) {
    add("hugetlb", "hugepageLimits", (f) => applyHugetlb(f, hugepageLimits));
  }
  if (network?.classID) add("net_cls", "network/classID", (f) => applyNetClass(f, network));
  if ((network?.priorities ?? []).length > 0 && network !== undefined) {
    add("net_prio", "network/priorities", (f) => applyNetPriorities(f, network));
  }
  if (rdma !== undefined && Object.keys(rdma).length > 0) {
    add("rdma", "rdma", (f) => applyRdma(f, rdma));
  }
  return limits;
}
