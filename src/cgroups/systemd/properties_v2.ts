/**
 * The config's resources as properties of a unit where cgroup v2 rules. What has no property is in
 * hull's own hands.
 *
 * Source: systemd.resource-control(5).
 *
 * @module
 */

import type { CpuResources, MemoryResources, Resources } from "../../config/types/config.ts";
import { sharesToWeight } from "../v2/cpu.ts";
import { blkioToIoWeight } from "../v2/io.ts";
import { swapMax } from "../v2/memory.ts";
import {
  blockIoProperties,
  cpusetProperties,
  quotaProperties,
  taskProperties,
} from "./properties.ts";
import { amount, INFINITY, type Property } from "./property.ts";
import { unifiedProperties } from "./unified_properties.ts";

const THROTTLES = [
  ["throttleReadBpsDevice", "IOReadBandwidthMax"],
  ["throttleWriteBpsDevice", "IOWriteBandwidthMax"],
  ["throttleReadIOPSDevice", "IOReadIOPSMax"],
  ["throttleWriteIOPSDevice", "IOWriteIOPSMax"],
] as const;

/**
 * The properties; `unified` comes last, as it does in the files.
 *
 * @param knowsIdle whether this systemd knows idle units: since 252
 * @throws {ContainerError} ConfigInvalid
 */
export function propertiesV2(resources: Resources, knowsIdle = true): Property[] {
  const { memory, cpu, pids, blockIO, unified } = resources;
  return [
    ...(memory === undefined ? [] : memoryProperties(memory)),
    ...(cpu === undefined ? [] : cpuProperties(cpu, knowsIdle)),
    ...(pids === undefined ? [] : taskProperties(pids)),
    ...(blockIO === undefined ? [] : blockIoProperties(blockIO, "IO", THROTTLES, blkioToIoWeight)),
    ...(unified === undefined ? [] : unifiedProperties(unified, knowsIdle)),
  ];
}

function memoryProperties({ limit, reservation, swap }: MemoryResources): Property[] {
  // Of swap without a limit of memory only hull's own file can tell what it means.
  const swapOnly = !limit && swap !== undefined && swap > 0;
  const most = swapOnly ? undefined : swapMax(swap ?? 0, limit ?? 0);
  return [
    ...(limit ? [amount("MemoryMax", limit)] : []),
    ...(reservation ? [amount("MemoryLow", reservation)] : []),
    ...(most === undefined
      ? []
      : [amount("MemorySwapMax", most === "max" ? INFINITY : BigInt(most))]),
  ];
}

function cpuProperties(cpu: CpuResources, knowsIdle: boolean): Property[] {
  const { shares, idle } = cpu;
  const isIdle = idle !== undefined && idle !== 0;
  const weight = shares ? [amount("CPUWeight", sharesToWeight(shares))] : [];
  return [
    ...(isIdle && knowsIdle ? [amount("CPUWeight", 0)] : weight),
    ...(idle === 0 && weight.length === 0 && knowsIdle ? [amount("CPUWeight", INFINITY)] : []),
    ...quotaProperties(cpu),
    ...cpusetProperties(cpu),
  ];
}
