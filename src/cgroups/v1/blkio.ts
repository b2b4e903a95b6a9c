/**
 * The v1 blkio controller. Weights belong to the I/O scheduler (BFQ, once CFQ), throttles to the
 * block layer.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/blkio-controller.rst.
 *
 * @module
 */

import type { BlockIoResources, ThrottleDevice } from "../../config/types/config.ts";
import type { CgroupFolder } from "../folder.ts";
import type { BlkioEntry, BlkioStats } from "../stats.ts";

const POINTER = "/linux/resources/blockIO";

const THROTTLES = [
  ["throttleReadBpsDevice", "blkio.throttle.read_bps_device"],
  ["throttleWriteBpsDevice", "blkio.throttle.write_bps_device"],
  ["throttleReadIOPSDevice", "blkio.throttle.read_iops_device"],
  ["throttleWriteIOPSDevice", "blkio.throttle.write_iops_device"],
] as const;

/** Whether the config sets anything here. */
export function wantsBlkio(blockIO: BlockIoResources | undefined): boolean {
  return blockIO !== undefined &&
    (Boolean(blockIO.weight) || Boolean(blockIO.leafWeight) ||
      (blockIO.weightDevice ?? []).length > 0 ||
      THROTTLES.some(([field]) => (blockIO[field] ?? []).length > 0));
}

/**
 * Writes the config's values; 0 leaves a weight as it is.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyBlkio(folder: CgroupFolder, blockIO: BlockIoResources): void {
  const prefix = folder.has("blkio.weight") ? "blkio" : "blkio.bfq";
  if (blockIO.weight) {
    folder.write(`${prefix}.weight`, String(blockIO.weight), `${POINTER}/weight`);
  }
  if (blockIO.leafWeight) {
    folder.write("blkio.leaf_weight", String(blockIO.leafWeight), `${POINTER}/leafWeight`);
  }
  (blockIO.weightDevice ?? []).forEach(({ major, minor, weight, leafWeight }, index) => {
    const pointer = `${POINTER}/weightDevice/${index}`;
    const device = `${major}:${minor}`;
    if (weight) folder.write(`${prefix}.weight_device`, `${device} ${weight}`, pointer);
    if (leafWeight) folder.write("blkio.leaf_weight_device", `${device} ${leafWeight}`, pointer);
  });
  for (const [field, file] of THROTTLES) {
    writeThrottles(folder, file, blockIO[field] ?? [], `${POINTER}/${field}`);
  }
}

function writeThrottles(
  folder: CgroupFolder,
  file: string,
  devices: readonly ThrottleDevice[],
  pointer: string,
): void {
  devices.forEach(({ major, minor, rate }, index) => {
    folder.write(file, `${major}:${minor} ${rate ?? 0}`, `${pointer}/${index}`);
  });
}

/**
 * The counters. Which files there are depends on the scheduler; the first source that has the two
 * main ones is used.
 */
export function blkioStats(folder: CgroupFolder): BlkioStats {
  const prefixes = ["blkio.bfq.", "blkio.", "blkio.throttle."];
  const prefix = prefixes.find((p) => folder.has(`${p}io_serviced_recursive`)) ?? prefixes[2];
  const suffix = folder.has(`${prefix}io_serviced_recursive`) ? "_recursive" : "";
  const counters = (name: string) => parseCounters(folder.readIfPresent(prefix + name + suffix));
  return {
    ioServiceBytesRecursive: counters("io_service_bytes"),
    ioServicedRecursive: counters("io_serviced"),
    ioQueueRecursive: counters("io_queued"),
    ioServiceTimeRecursive: counters("io_service_time"),
    ioWaitTimeRecursive: counters("io_wait_time"),
    ioMergedRecursive: counters("io_merged"),
    ioTimeRecursive: counters("time"),
    sectorsRecursive: counters("sectors"),
    psi: undefined,
  };
}

/** Lines `MAJOR:MINOR [OP] VALUE`; the last, `Total VALUE`, belongs to no device. */
function parseCounters(text: string | undefined): BlkioEntry[] {
  return (text ?? "").split("\n").flatMap((line) => {
    const match = /^(\d+):(\d+)(?: ([A-Za-z]+))? (\d+)$/.exec(line);
    if (match === null) return [];
    const [, major, minor, op, value] = match;
    return [{ major: Number(major), minor: Number(minor), op: op ?? "", value: Number(value) }];
  });
}
