/**
 * `linux.resources.unified` as properties of a unit: the files that systemd has a property for. The
 * others are in hull's own hands.
 *
 * Source: systemd.resource-control(5); the kernel's cgroup-v2.rst.
 *
 * @module
 */

import { bits, quotaProperties } from "./properties.ts";
import { amount, INFINITY, type Property } from "./property.ts";

/** The files whose value is a number or `max`. */
const AMOUNTS: Readonly<Record<string, string>> = {
  "cpu.weight": "CPUWeight",
  "io.weight": "IOWeight",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.max": "MemoryMax",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};

/** The properties that a file may become. */
export const FILES: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(AMOUNTS).map(([file, property]) => [file, [property]])),
  "cpu.idle": ["CPUWeight"],
  "cpu.max": ["CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec"],
  "cpuset.cpus": ["AllowedCPUs"],
  "cpuset.mems": ["AllowedMemoryNodes"],
};

/** The letters that the kernel takes behind a number, as powers of 1024. */
const SUFFIXES = ["", "K", "M", "G", "T", "P", "E"];

/**
 * The properties for what is written to files.
 *
 * @param knowsIdle whether this systemd knows idle units
 */
export function unifiedProperties(
  unified: Readonly<Record<string, string>>,
  knowsIdle: boolean,
): Property[] {
  return Object.entries(unified).flatMap(([name, text]) => {
    const value = text.trim(); // the kernel doesn't mind spaces around it
    const property = AMOUNTS[name];
    if (property !== undefined) return amountOf(property, value);
    switch (name) {
      case "cpu.idle":
        return value === "1" && knowsIdle ? [amount("CPUWeight", 0)] : [];
      case "cpu.max":
        return bandwidth(value);
      case "cpuset.cpus":
        return bits("AllowedCPUs", value);
      case "cpuset.mems":
        return bits("AllowedMemoryNodes", value);
      default:
        return [];
    }
  });
}

function amountOf(property: string, value: string): Property[] {
  if (value === "max") return [amount(property, INFINITY)];
  const match = /^(?:default )?(\d{1,20})([KMGTPE]?)$/i.exec(value);
  if (match === null) return [];
  const [, digits, suffix] = match as unknown as [string, string, string];
  const number = BigInt(digits) << BigInt(10 * SUFFIXES.indexOf(suffix.toUpperCase()));
  return number <= INFINITY ? [amount(property, number)] : [];
}

/** `QUOTA [PERIOD]`, in microseconds; the quota may be `max`. */
function bandwidth(value: string): Property[] {
  const match = /^(max|\d{1,15})(?:\s+(\d{1,15}))?$/.exec(value);
  if (match === null) return [];
  const [, quota, period] = match;
  return quotaProperties({
    quota: quota === "max" ? -1 : Number(quota),
    period: period === undefined ? undefined : Number(period),
  });
}
