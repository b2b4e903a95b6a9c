/**
 * What the properties of both versions of cgroups share.
 *
 * @module
 */

import { parseCpuList } from "../../config/cpu_list.ts";
import type { BlockIoResources, CpuResources, PidsResources } from "../../config/types/config.ts";
import { amount, byDevice, INFINITY, type Property } from "./property.ts";

const SECOND_US = 1_000_000;
/** One hundredth of a CPU: systemd counts in whole percents. */
const PERCENT_US = 10_000;
const USUAL_PERIOD_US = 100_000;

/**
 * The bandwidth. systemd takes it as the time in a second, in whole percents: it is rounded up, so
 * that the exact value, which hull writes, is below it.
 */
export function quotaProperties(cpu: Pick<CpuResources, "quota" | "period">): Property[] {
  const { quota, period } = cpu;
  if (!quota && !period) return [];
  const properties = period ? [amount("CPUQuotaPeriodUSec", period)] : [];
  const inSecond = Math.floor((quota ?? 0) * SECOND_US / (period || USUAL_PERIOD_US));
  const share = Math.ceil(inSecond / PERCENT_US) * PERCENT_US;
  const value = quota !== undefined && quota > 0 ? BigInt(share) : INFINITY;
  return [...properties, amount("CPUQuotaPerSecUSec", value)];
}

/** The CPUs and the nodes of memory. */
export function cpusetProperties({ cpus = "", mems = "" }: CpuResources): Property[] {
  return [...bits("AllowedCPUs", cpus), ...bits("AllowedMemoryNodes", mems)];
}

/**
 * A list of numbers as bits, the lowest first; nothing for an empty one, and for one that the kernel
 * will refuse.
 */
export function bits(name: string, list: string): Property[] {
  const numbers = parseCpuList(list) ?? [];
  if (numbers.length === 0) return [];
  const bytes = new Uint8Array(((numbers.at(-1) as number) >> 3) + 1);
  for (const number of numbers) bytes[number >> 3]! |= 1 << (number & 7);
  return [[name, { signature: "ay", value: bytes }]];
}

/** The limits of devices that a version of systemd's properties knows: the field, and the name. */
type Throttles = readonly (readonly [
  field:
    | "throttleReadBpsDevice"
    | "throttleWriteBpsDevice"
    | "throttleReadIOPSDevice"
    | "throttleWriteIOPSDevice",
  name: string,
])[];

/**
 * Weights and rates of block devices.
 *
 * @param kind how the names of the weights begin
 * @param scale turns the config's weight into the property's
 */
export function blockIoProperties(
  { weight, weightDevice = [], ...rates }: BlockIoResources,
  kind: "BlockIO" | "IO",
  throttles: Throttles,
  scale: (weight: number) => number | bigint = (same) => same,
): Property[] {
  const weights = weightDevice.flatMap(({ major, minor, weight }) =>
    weight ? [{ major, minor, value: BigInt(scale(weight)) }] : []
  );
  return [
    ...(weight ? [amount(`${kind}Weight`, scale(weight))] : []),
    ...(weights.length === 0 ? [] : [byDevice(`${kind}DeviceWeight`, weights)]),
    ...throttles.flatMap(([field, name]) => {
      const devices = (rates[field] ?? []).map(({ major, minor, rate }) => ({
        major,
        minor,
        value: rate ? BigInt(rate) : INFINITY,
      }));
      return devices.length === 0 ? [] : [byDevice(name, devices)];
    }),
  ];
}

/** The number of tasks: see `applyPids` for 0. */
export function taskProperties({ limit }: PidsResources): Property[] {
  return limit === undefined ? [] : [amount("TasksMax", limit < 0 ? limit : Math.max(limit, 1))];
}
