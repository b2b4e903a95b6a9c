/**
 * The field of the config behind a property that systemd refuses: it names the property.
 *
 * @module
 */

import type { Resources } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { DBusError } from "../../systemd/bus_errors.ts";
import { pointerOf, propertyName } from "./annotations.ts";
import { FILES } from "./unified_properties.ts";

/** Where properties come from, below /linux/resources. */
const FIELDS: Readonly<Record<string, string>> = {
  AllowedCPUs: "cpu/cpus",
  AllowedMemoryNodes: "cpu/mems",
  BlockIODeviceWeight: "blockIO/weightDevice",
  BlockIOReadBandwidth: "blockIO/throttleReadBpsDevice",
  BlockIOWeight: "blockIO/weight",
  BlockIOWriteBandwidth: "blockIO/throttleWriteBpsDevice",
  CPUQuotaPerSecUSec: "cpu/quota",
  CPUQuotaPeriodUSec: "cpu/period",
  CPUShares: "cpu/shares",
  CPUWeight: "cpu/shares",
  DeviceAllow: "devices",
  DevicePolicy: "devices",
  IODeviceWeight: "blockIO/weightDevice",
  IOReadBandwidthMax: "blockIO/throttleReadBpsDevice",
  IOReadIOPSMax: "blockIO/throttleReadIOPSDevice",
  IOWeight: "blockIO/weight",
  IOWriteBandwidthMax: "blockIO/throttleWriteBpsDevice",
  IOWriteIOPSMax: "blockIO/throttleWriteIOPSDevice",
  MemoryLimit: "memory/limit",
  MemoryLow: "memory/reservation",
  MemoryMax: "memory/limit",
  MemorySwapMax: "memory/swap",
  TasksMax: "pids/limit",
};

/** What the properties were made from. */
export interface Origin {
  readonly resources: Resources;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * The same error with the field's pointer, where it is systemd's refusal of a property that came from
 * the config.
 */
export function pointed(error: unknown, origin: Origin): unknown {
  if (!(error instanceof ContainerError && error.cause instanceof DBusError)) return error;
  const words = error.cause.message.match(/[A-Za-z]+/g) ?? [];
  const pointer = words.map((word) => fieldOf(word, origin)).find((found) => found !== undefined);
  if (pointer === undefined) return error;
  const { code, summary, step, hint, cause } = error;
  return new ContainerError(code, summary, { step, hint, cause, pointer });
}

/** What comes last counts: the annotations, and the files of `unified` before the other fields. */
function fieldOf(property: string, { resources, annotations }: Origin): string | undefined {
  const key = Object.keys(annotations ?? {}).find((key) => propertyName(key) === property);
  if (key !== undefined) return pointerOf(key);
  const files = Object.keys(resources.unified ?? {});
  const file = files.find((file) => FILES[file]?.includes(property));
  if (file !== undefined) return `/linux/resources/unified/${file.replaceAll("/", "~1")}`;
  if (property === "CPUWeight" && resources.cpu?.idle !== undefined && !resources.cpu.shares) {
    return "/linux/resources/cpu/idle";
  }
  const field = FIELDS[property];
  return field === undefined ? undefined : `/linux/resources/${field}`;
}
