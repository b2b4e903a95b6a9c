/**
 * Numbers as they are written on a command line: with units, or as Go's flags take them.
 *
 * @module
 */

import { usageError } from "./options.ts";

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * An amount of memory in bytes: `268435456`, `256m`, `256MB`, `0.25GiB`, all by powers of 1024;
 * `-1` is no limit.
 *
 * @throws {ContainerError} `ConfigInvalid`
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { parseBytes } from "./quantities.ts";
 *
 * assert(parseBytes("memory", "1.5g") === 1.5 * 2 ** 30 && parseBytes("memory", "-1") === -1);
 * ```
 */
export function parseBytes(flag: string, written: string): number {
  if (written === "-1") return -1;
  const match = /^(\d+(?:\.\d*)?|\.\d+) ?([kmgtp]?)(?:i?b)?$/i.exec(written);
  if (match === null) {
    throw usageError(
      `--${flag} ${written} is no amount of memory`,
      "use bytes, an amount such as 256M, or -1 for no limit",
    );
  }
  return Math.trunc(Number(match[1]) * (BYTES[(match[2] as string).toLowerCase()] as number));
}

/**
 * A decimal integer.
 *
 * @param least the smallest that the flag can mean
 * @throws {ContainerError} `ConfigInvalid`
 */
export function parseInteger(flag: string, written: string, least = -Infinity): number {
  const number = Number(written);
  if (/^[+-]?\d+$/.test(written) && Number.isSafeInteger(number) && number >= least) return number;
  throw usageError(
    `--${flag} ${written} is no ${least >= 0 ? "whole number" : "integer"}`,
    `use a number${least >= 0 ? " without a sign" : ""}`,
  );
}

/**
 * A duration in milliseconds: `5s`, `1m30s`, `500ms`.
 *
 * @throws {ContainerError} `ConfigInvalid` for what is none, and for one that is not above 0
 */
export function parseDuration(flag: string, written: string): number {
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h)/g;
  if (written !== "" && written.replaceAll(part, "") === "") {
    let total = 0;
    for (const [, number, unit] of written.matchAll(part)) {
      total += Number(number) * (MILLISECONDS[unit as string] as number);
    }
    if (total > 0) return total;
  }
  throw usageError(`--${flag} ${written} is no duration above 0`, "use one such as 5s or 500ms");
}
