/**
 * The keys that an update's resources may have. Unknown keys of a config are ignored, as the spec
 * asks. But an update that changes nothing because of a mistyped key would be a mistake, so it is
 * refused.
 *
 * Source: config-linux.md, "Control groups"; `checkBeforeUpdate` is of its 1.1.
 *
 * @module
 */

import { ContainerError, type Fault } from "../../errors.ts";
import { nearest } from "./suggest.ts";

/**
 * What may stand at a place: a value, an array of one shape, an object with certain keys, or with
 * any keys.
 */
type Shape = "value" | readonly [Shape] | { readonly [key: string]: Shape } | {
  readonly any: Shape;
};

function values(...keys: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(keys.map((key) => [key, "value"]));
}

const THROTTLES: readonly [Shape] = [values("major", "minor", "rate")];
const RESOURCES: Shape = {
  devices: [values("allow", "type", "major", "minor", "access")],
  memory: {
    ...values("limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness"),
    ...values("disableOOMKiller", "useHierarchy", "checkBeforeUpdate"),
  },
  cpu: {
    ...values("shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod"),
    ...values("cpus", "mems", "idle"),
  },
  pids: values("limit"),
  blockIO: {
    ...values("weight", "leafWeight"),
    weightDevice: [values("major", "minor", "weight", "leafWeight")],
    throttleReadBpsDevice: THROTTLES,
    throttleWriteBpsDevice: THROTTLES,
    throttleReadIOPSDevice: THROTTLES,
    throttleWriteIOPSDevice: THROTTLES,
  },
  hugepageLimits: [values("pageSize", "limit")],
  network: { classID: "value", priorities: [values("name", "priority")] },
  rdma: { any: values("hcaHandles", "hcaObjects") },
  unified: { any: "value" },
};

/**
 * Refuses resources with an unknown key. The values are checked when they are set.
 *
 * @param where what they were read from
 * @throws {ContainerError} `ConfigInvalid`, with every such key
 */
export function requireKnownKeys(resources: unknown, where: string): void {
  const faults = [...unknownKeys(resources, RESOURCES, "")];
  if (faults.length === 0) return;
  throw new ContainerError("ConfigInvalid", `the resources of ${where} can't be used`, { faults });
}

function* unknownKeys(value: unknown, shape: Shape, pointer: string): Generator<Fault> {
  if (typeof value !== "object" || value === null || shape === "value") return;
  if (Array.isArray(value)) {
    const [each] = Array.isArray(shape) ? shape as readonly [Shape] : [];
    if (each === undefined) return;
    for (const [k, item] of value.entries()) yield* unknownKeys(item, each, `${pointer}/${k}`);
    return;
  }
  const keys = shape as Readonly<Record<string, Shape>>;
  for (const [key, inner] of Object.entries(value)) {
    const place = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const known = Object.hasOwn(keys, "any")
      ? keys.any
      : Object.hasOwn(keys, key)
      ? keys[key]
      : undefined;
    if (known !== undefined) {
      yield* unknownKeys(inner, known, place);
      continue;
    }
    const near = nearest(key, Object.keys(keys));
    const message = near === undefined ? "is no resource" : `is no resource; did you mean ${near}?`;
    yield { pointer: place, message };
  }
}
