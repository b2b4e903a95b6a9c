/**
 * Properties of units, as systemd takes them over D-Bus.
 *
 * Source: org.freedesktop.systemd1(5).
 *
 * @module
 */

import type { Variant } from "../../systemd/bus.ts";

/** A property: its name and its value. */
export type Property = readonly [name: string, value: Variant];

/** What systemd takes for "no limit". */
export const INFINITY: bigint = 0xffff_ffff_ffff_ffffn;

/** A number without a sign in 64 bits; a negative one means no limit. */
export function amount(name: string, value: number | bigint): Property {
  return [name, { signature: "t", value: value < 0 ? INFINITY : BigInt(value) }];
}

/** A yes or no. */
export function flag(name: string, value: boolean): Property {
  return [name, { signature: "b", value }];
}

/** A text. */
export function text(name: string, value: string): Property {
  return [name, { signature: "s", value }];
}

/** Names of units, or other words. */
export function words(name: string, value: readonly string[]): Property {
  return [name, { signature: "as", value }];
}

/** A number for each block device. */
export function byDevice(
  name: string,
  devices: readonly { readonly major: number; readonly minor: number; readonly value: bigint }[],
): Property {
  const value = devices.map((device) => [
    `/dev/block/${device.major}:${device.minor}`,
    device.value,
  ]);
  return [name, { signature: "a(st)", value }];
}
