/**
 * The v1 cpuset controller.
 *
 * Source: cpuset(7).
 *
 * @module
 */

import type { CpuResources } from "../../config/types/config.ts";
import { CgroupFolder } from "../folder.ts";
import type { CpusetStats } from "../stats.ts";

const POINTER = "/linux/resources/cpu";
const FILES = ["cpuset.cpus", "cpuset.mems"] as const;

/** Whether the config sets anything here. */
export function wantsCpuset(cpu: CpuResources | undefined): boolean {
  return Boolean(cpu?.cpus) || Boolean(cpu?.mems);
}

/**
 * Writes the config's lists.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyCpuset(folder: CgroupFolder, cpu: CpuResources): void {
  if (cpu.cpus) folder.write("cpuset.cpus", cpu.cpus, `${POINTER}/cpus`);
  if (cpu.mems) folder.write("cpuset.mems", cpu.mems, `${POINTER}/mems`);
}

/**
 * Gives a cpuset whose lists are empty its parent's CPUs and memory nodes: no process can enter it
 * otherwise (ENOSPC).
 *
 * @param isNew whether it was just made, so that its lists need not be read
 * @throws {ContainerError} see CgroupFolder.write
 */
export function inheritCpuset(path: string, parentPath: string, isNew: boolean): void {
  using folder = new CgroupFolder(path);
  using parent = new CgroupFolder(parentPath);
  for (const file of FILES) {
    if (isNew || folder.read(file).trim() === "") folder.write(file, parent.read(file).trim());
  }
}

/** The lists that apply. */
export function cpusetStats(folder: CgroupFolder): CpusetStats {
  return { cpus: folder.read("cpuset.cpus").trim(), mems: folder.read("cpuset.mems").trim() };
}
