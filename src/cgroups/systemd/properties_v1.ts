/**
 * The config's resources as properties of a unit where the controllers are v1's, "hybrid" hosts
 * included. What has no property is in hull's own hands.
 *
 * Source: systemd.resource-control(5), "Deprecated options", of systemd 247.
 *
 * @module
 */

import type { BlockIoResources, CpuResources, Resources } from "../../config/types/config.ts";
import { cpusetProperties, quotaProperties, taskProperties } from "./properties.ts";
import { amount, byDevice, INFINITY, type Property } from "./property.ts";

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
    ...(blockIO === undefined ? [] : blockIoProperties(blockIO)),
  ];
}

function cpuProperties(cpu: CpuResources): Property[] {
  return [
    ...(cpu.shares ? [amount("CPUShares", cpu.shares)] : []),
    ...quotaProperties(cpu),
    ...cpusetProperties(cpu),
  ];
}

function blockIoProperties(blockIO: BlockIoResources): Property[] {
  const weights = (blockIO.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
    weight ? [{ major, minor, value: BigInt(weight) }] : []
  );
  return [
    ...(blockIO.weight ? [amount("BlockIOWeight", blockIO.weight)] : []),
    ...(weights.length === 0 ? [] : [byDevice("BlockIODeviceWeight", weights)]),
    ...THROTTLES.flatMap(([field, name]) => {
      const devices = (blockIO[field] ?? []).map(({ major, minor, rate }) => ({
        major,
        minor,
        value: rate ? BigInt(rate) : INFINITY,
      }));
      return devices.length === 0 ? [] : [byDevice(name, devices)];
    }),
  ];
}
