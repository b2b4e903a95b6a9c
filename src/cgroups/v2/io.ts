/**
 * The v2 io controller.
 *
 * @module
 */

import type { BlockIoResources } from "../../config/types/config.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import type { CgroupFolder } from "../folder.ts";
import type { BlkioEntry, BlkioStats } from "../stats.ts";
import { pressureStats } from "./pressure.ts";

const POINTER = "/linux/resources/blockIO";

const THROTTLES = [
  ["throttleReadBpsDevice", "rbps"],
  ["throttleWriteBpsDevice", "wbps"],
  ["throttleReadIOPSDevice", "riops"],
  ["throttleWriteIOPSDevice", "wiops"],
] as const;

/**
 * Writes the config's values; 0 leaves a weight as it is and lifts a throttle.
 *
 * @throws {ContainerError} Unsupported for leaf weights; see CgroupFolder.write
 */
export function applyIo(folder: CgroupFolder, blockIO: BlockIoResources): void {
  refuseLeafWeights(blockIO);
  applyWeights(folder, blockIO);
  for (const [field, key] of THROTTLES) {
    (blockIO[field] ?? []).forEach(({ major, minor, rate }, index) => {
      const line = `${major}:${minor} ${key}=${rate || "max"}`;
      folder.write("io.max", line, `${POINTER}/${field}/${index}`);
    });
  }
}

function refuseLeafWeights(blockIO: BlockIoResources): void {
  const index = (blockIO.weightDevice ?? []).findIndex((device) => device.leafWeight);
  if (!blockIO.leafWeight && index < 0) return;
  throw unsupportedResource(
    "cgroup v2 has no leaf weights",
    `${POINTER}/${blockIO.leafWeight ? "leafWeight" : `weightDevice/${index}/leafWeight`}`,
    "remove them from the config",
  );
}

/** BFQ's weights have v1's range; those of io.weight are converted. */
function applyWeights(folder: CgroupFolder, blockIO: BlockIoResources): void {
  const hasBfq = folder.has("io.bfq.weight");
  const file = hasBfq ? "io.bfq.weight" : "io.weight";
  const convert = (weight: number) => String(hasBfq ? weight : blkioToIoWeight(weight));
  if (blockIO.weight) folder.write(file, convert(blockIO.weight), `${POINTER}/weight`);
  (blockIO.weightDevice ?? []).forEach(({ major, minor, weight }, index) => {
    if (!weight) return;
    const line = `${major}:${minor} ${convert(weight)}`;
    folder.write(file, line, `${POINTER}/weightDevice/${index}/weight`);
  });
}

/** v1's weight (10 to 1000) as v2's (1 to 10000), linearly, as runc does. */
export function blkioToIoWeight(weight: number): number {
  return 1 + Math.floor((Math.max(weight, 10) - 10) * 9999 / 990);
}

/** Block I/O in v1's layout; undefined without the controller. */
export function ioStats(folder: CgroupFolder): BlkioStats | undefined {
  const text = folder.readIfPresent("io.stat");
  if (text === undefined) return undefined;
  const rows = text.split("\n").flatMap(parseRow);
  const pick = (names: Readonly<Record<string, string>>) =>
    rows.flatMap(({ key, ...entry }) => {
      const op = names[key];
      return op === undefined ? [] : [{ ...entry, op }];
    });
  return {
    ioServiceBytesRecursive: pick({ rbytes: "Read", wbytes: "Write", dbytes: "Discard" }),
    ioServicedRecursive: pick({ rios: "Read", wios: "Write", dios: "Discard" }),
    ioQueueRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
    psi: pressureStats(folder, "io.pressure"),
  };
}

/** `MAJOR:MINOR key=value …` */
function parseRow(line: string): (Omit<BlkioEntry, "op"> & { readonly key: string })[] {
  const match = /^(\d+):(\d+) (.+)$/.exec(line);
  if (match === null) return [];
  const [, major, minor, rest] = match as unknown as [string, string, string, string];
  return rest.split(" ").flatMap((word) => {
    const pair = /^([a-z.]+)=(\d+)$/.exec(word);
    if (pair === null) return [];
    const [, key, value] = pair as unknown as [string, string, string];
    return [{ key, major: Number(major), minor: Number(minor), value: Number(value) }];
  });
}
