/**
 * Which device files of an image are made.
 *
 * Source: the kernel's admin-guide/devices.txt.
 *
 * @module
 */

import type { TarEntry } from "../archive/tar_reader.ts";
import { entryInvalid } from "../archive/image_error.ts";

/**
 * - `usual`: null, zero, full, random, urandom, tty, console and ptmx are made where hull may, and
 *   others are an error
 * - `skip`: none is made
 * - `all`: all are made, the host's disks among them if the image has those
 */
export type DevicePolicy = "all" | "skip" | "usual";

const USUAL = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2"];

/**
 * Whether a device is made.
 *
 * @throws {ContainerError} `ImageInvalid` for one that is not usual
 */
export function isDeviceMade(entry: TarEntry, policy: DevicePolicy): boolean {
  if (policy !== "usual") return policy === "all";
  const { kind, deviceMajor, deviceMinor } = entry;
  if (kind === "char" && USUAL.includes(`${deviceMajor}:${deviceMinor}`)) return true;
  throw entryInvalid(
    entry.name,
    `is the ${kind === "char" ? "character" : "block"} device ${deviceMajor}:${deviceMinor}`,
    'a container gets devices by its config; unpackImage leaves them out with devices: "skip"',
  );
}
