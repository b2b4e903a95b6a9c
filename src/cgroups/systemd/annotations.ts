/**
 * The annotations `org.systemd.property.NAME`, by which a config gives its unit further properties:
 * runc's and crun's.
 *
 * Source: runc's docs/systemd.md, "Auxiliary properties".
 *
 * @module
 */

import type { Variant } from "../../systemd/bus.ts";
import { invalidResource } from "../cgroup_errors.ts";
import type { Property } from "./property.ts";
import { parseVariant } from "./variant_text.ts";

const PREFIX = "org.systemd.property.";
const SECOND_US = 1_000_000;
const MAX_US = 0xffff_ffff_ffff_ffffn;

/**
 * The properties that annotations ask for, in their order.
 *
 * @throws {ContainerError} ConfigInvalid with the annotation's pointer
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { annotatedProperties } from "./annotations.ts";
 *
 * assertEquals(
 *   annotatedProperties({ "org.systemd.property.TimeoutStopSec": "uint64 5" }),
 *   [["TimeoutStopUSec", { signature: "t", value: 5_000_000n }]],
 * );
 * ```
 */
export function annotatedProperties(
  annotations: Readonly<Record<string, string>> = {},
): Property[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, text]) => propertyOf(key, text));
}

/** The property that an annotation sets, by its name over D-Bus; undefined for other annotations. */
export function propertyName(key: string): string | undefined {
  if (!key.startsWith(PREFIX)) return undefined;
  // One that is a time has the name of its unit there: microseconds.
  return key.slice(PREFIX.length).replace(/([a-z])Sec$/, "$1USec");
}

/** An annotation's JSON pointer. */
export function pointerOf(key: string): string {
  return `/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function propertyOf(key: string, text: string): Property {
  const name = key.slice(PREFIX.length);
  const pointer = pointerOf(key);
  if (!/^[A-Za-z]{3,}$/.test(name)) {
    throw invalidResource(`${JSON.stringify(name)} is no name of a property`, pointer);
  }
  try {
    const value = parseVariant(text);
    const sent = propertyName(key) as string;
    return [sent, sent === name ? value : inMicroseconds(value)];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidResource(
      `${JSON.stringify(text)} is no value of a property: ${error.message}`,
      pointer,
      "write it with its type, such as 'a text', true, uint64 5 or ['a', 'b']",
    );
  }
}

function inMicroseconds({ signature, value }: Variant): Variant {
  if (!/^[ynqiuxtd]$/.test(signature)) throw new SyntaxError("a time in seconds is a number");
  if (signature === "d" && !Number.isFinite(value)) throw new SyntaxError("the time has no end");
  const time = signature === "d"
    ? BigInt(Math.trunc(value as number * SECOND_US))
    : BigInt(value as number | bigint) * BigInt(SECOND_US);
  if (time < 0n || time > MAX_US) throw new SyntaxError("the time is out of its range");
  return { signature: "t", value: time };
}
