/**
 * Checks of `linux.resources.blockIO` (config-linux.md, Block IO).
 *
 * @module
 */

import { type Field, MAX_UINT32 } from "../fields/field.ts";

const MIN_WEIGHT = 10;
const MAX_WEIGHT = 1000;

/** The whole section. */
export function checkBlockIo(blockIO: Field): void {
  if (!blockIO.isObject()) return;
  checkWeight(blockIO.get("weight"));
  checkWeight(blockIO.get("leafWeight"));
  for (const device of blockIO.get("weightDevice").items()) {
    if (!checkDeviceNumber(device)) continue;
    const [weight, leafWeight] = [device.get("weight"), device.get("leafWeight")];
    checkWeight(weight);
    checkWeight(leafWeight);
    if (!weight.exists && !leafWeight.exists) device.fault("must have weight or leafWeight");
  }
  for (const direction of ["Read", "Write"]) {
    for (const unit of ["Bps", "IOPS"]) {
      for (const device of blockIO.get(`throttle${direction}${unit}Device`).items()) {
        if (checkDeviceNumber(device)) device.need("rate").uint64();
      }
    }
  }
}

function checkWeight(weight: Field): void {
  const value = weight.integer(0, 0xffff);
  if (value === undefined || value === 0) return;
  if (value < MIN_WEIGHT || value > MAX_WEIGHT) {
    weight.mismatch(`0 or an integer from ${MIN_WEIGHT} to ${MAX_WEIGHT}`);
  }
}

function checkDeviceNumber(device: Field): boolean {
  if (!device.isObject()) return false;
  device.need("major").integer(0, MAX_UINT32);
  device.need("minor").integer(0, MAX_UINT32);
  return true;
}
