/**
 * The rdma controller, which is the same on v1 and v2.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/rdma.rst.
 *
 * @module
 */

import type { RdmaLimit } from "../../config/types/config.ts";
import type { CgroupFolder, Limit } from "../folder.ts";
import type { RdmaEntry, RdmaStats } from "../stats.ts";

/**
 * Writes the limits by device.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyRdma(
  folder: CgroupFolder,
  rdma: Readonly<Record<string, RdmaLimit>>,
): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const words = [device];
    if (hcaHandles !== undefined) words.push(`hca_handle=${hcaHandles}`);
    if (hcaObjects !== undefined) words.push(`hca_object=${hcaObjects}`);
    folder.write("rdma.max", words.join(" "), `/linux/resources/rdma/${escape(device)}`);
  }
}

/** A part of a JSON pointer (RFC 6901, section 3). */
function escape(part: string): string {
  return part.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** What is in use, and the limits; undefined without the controller. */
export function rdmaStats(folder: CgroupFolder): RdmaStats | undefined {
  const current = folder.readIfPresent("rdma.current");
  if (current === undefined) return undefined;
  return { current: parse(current), limit: parse(folder.readIfPresent("rdma.max") ?? "") };
}

/** Lines `DEVICE hca_handle=N hca_object=N`. */
function parse(text: string): RdmaEntry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(\S+) hca_handle=(\w+) hca_object=(\w+)/.exec(line);
    if (match === null) return [];
    const [, device, handles, objects] = match as unknown as [string, string, string, string];
    return [{ device, hcaHandles: limit(handles), hcaObjects: limit(objects) }];
  });
}

function limit(word: string): Limit {
  return word === "max" ? "max" : Number(word);
}
