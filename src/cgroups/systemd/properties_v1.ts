/**
 * The config's resources as properties of a unit where the controllers are v1's, "hybrid" hosts
 * included. What has no property is in hull's own hands.
 *
 * Source: systemd.resource-control(5), "Deprecated options", of systemd 247.
 *
 * @module
 */

import type { CpuResources, Resources } from "../../config/types/config.ts";
import {
  blockIoProperties,
  cpusetProperties,
  quotaProperties,
  taskProperties,
} from "./properties.ts";
import { amount, type Property } from "./property.ts";

/** v1 has no limit of operations in systemd. */
const THROTTLES = [
  ["throttleReadBpsDevice", "BlockIOReadBandwidth"],
  ["throttleWriteBpsDevice", "BlockIOWriteBandwidth"],
] as const;

/**
 * The properties.
 *
 * @throws {ContainerError} ConfigInvalid
 */
export function propertiesV1({ memory, cpu, pids, blockIO }: Resources): Property[] {
  return [
    ...(memory?.limit ? [amount("MemoryLimit", memory.limit)] : []),
    ...(cpu === undefined ? [] : cpuProperties(cpu)),
    ...(pids === undefined ? [] : taskProperties(pids)),
    ...(blockIO === undefined ? [] : blockIoProperties(blockIO, "BlockIO", THROTTLES)),
  ];
}

function cpuProperties(cpu: CpuResources): Property[] {
  return [
    ...(cpu.shares ? [amount("CPUShares", cpu.shares)] : []),
    ...quotaProperties(cpu),
    ...cpusetProperties(cpu),
  ];
}
