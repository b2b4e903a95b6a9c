/**
 * Which devices a container may use: the config's rules, reduced to what they mean together.
 *
 * The meaning is that of cgroup v1's devices controller, which both versions follow here: a mode
 * (all devices denied, or all allowed) and exceptions from it. A rule for all devices sets the mode
 * and drops the exceptions; any other rule adds an exception or takes one away.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/devices.rst.
 *
 * @module
 */

import type { DeviceRule } from "../../config/types/config.ts";
import { invalidResource } from "../cgroup_errors.ts";

const POINTER = "/linux/resources/devices";

/** Access rights as bits, as BPF_DEVCG_ACC_* has them. */
export const MKNOD = 1;
/** Reading. */
export const READ = 2;
/** Writing. */
export const WRITE = 4;
/** All of them. */
export const ALL_ACCESS = 7;

/** An exception from the mode. `major` and `minor` are undefined for "any". */
export interface DeviceException {
  readonly type: "b" | "c";
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** MKNOD, READ and WRITE. */
  readonly access: number;
}

/** What the rules mean together. */
export interface DevicePolicy {
  /** Whether a device without an exception may be used. */
  readonly allowAll: boolean;
  /** In a fixed order, runc's: by major, minor and type, "any" first. */
  readonly exceptions: readonly DeviceException[];
}

/**
 * What every container may use, whatever its rules say, as runc has it: mknod of any device, and
 * null, zero, full, random, urandom, tty, the pseudo-terminals and tun.
 */
const ALWAYS_ALLOWED: readonly DeviceException[] = [
  { type: "c", major: undefined, minor: undefined, access: MKNOD },
  { type: "b", major: undefined, minor: undefined, access: MKNOD },
  ...([[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 2], [10, 200]] as const).map(
    ([major, minor]) => ({ type: "c", major, minor, access: ALL_ACCESS }) as const,
  ),
  { type: "c", major: 136, minor: undefined, access: ALL_ACCESS },
];

/**
 * The policy of a container: its rules in order, starting from "none allowed", then the devices
 * that every container may use.
 *
 * @throws {ContainerError} ConfigInvalid with the rule's pointer
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { containerDevicePolicy, policyAllows, READ, WRITE } from "./device_rules.ts";
 *
 * const policy = containerDevicePolicy([
 *   { allow: false, access: "rwm" },
 *   { allow: true, type: "b", major: 8, minor: 0, access: "r" },
 * ]);
 * assert(policyAllows(policy, "b", 8, 0, READ));
 * assert(!policyAllows(policy, "b", 8, 0, READ | WRITE));
 * assert(policyAllows(policy, "c", 1, 3, READ | WRITE)); // /dev/null
 * ```
 */
export function containerDevicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let policy: DevicePolicy = { allowAll: false, exceptions: [] };
  rules.forEach((rule, index) => {
    policy = addRule(policy, parseRule(rule, `${POINTER}/${index}`), `${POINTER}/${index}`);
  });
  for (const exception of ALWAYS_ALLOWED) {
    policy = addRule(policy, { allow: true, exception }, POINTER);
  }
  return policy;
}

interface Rule {
  readonly allow: boolean;
  /** Undefined for all devices. */
  readonly exception: DeviceException | undefined;
}

function parseRule(rule: DeviceRule, pointer: string): Rule {
  const type = rule.type ?? "a";
  const access = parseAccess(rule.access, pointer);
  if (type === "a") return { allow: rule.allow, exception: undefined };
  if (type !== "b" && type !== "c") {
    throw invalidResource(`there is no device type ${JSON.stringify(type)}`, `${pointer}/type`);
  }
  const major = parseNumber(rule.major, `${pointer}/major`);
  const minor = parseNumber(rule.minor, `${pointer}/minor`);
  return { allow: rule.allow, exception: { type, major, minor, access } };
}

function parseAccess(access: string | undefined, pointer: string): number {
  if (access === undefined) return ALL_ACCESS;
  if (!/^[rwm]+$/.test(access)) {
    throw invalidResource("access must be made of r, w and m", `${pointer}/access`);
  }
  return accessBits(access);
}

function parseNumber(number: number | undefined, pointer: string): number | undefined {
  if (number === undefined || number === -1) return undefined;
  if (Number.isInteger(number) && number >= 0 && number <= 0xffffffff) return number;
  throw invalidResource(`${number} is not a device number`, pointer);
}

function addRule(policy: DevicePolicy, { allow, exception }: Rule, pointer: string): DevicePolicy {
  if (exception === undefined) return { allowAll: allow, exceptions: [] };
  const exceptions = allow === policy.allowAll
    ? withoutException(policy.exceptions, exception, pointer)
    : withException(policy.exceptions, exception);
  return { allowAll: policy.allowAll, exceptions };
}

/** The exceptions with one more. */
export function withException(
  exceptions: readonly DeviceException[],
  added: DeviceException,
): DeviceException[] {
  const same = exceptions.find((exception) => sameDevices(exception, added));
  const others = exceptions.filter((exception) => exception !== same);
  const access = (same?.access ?? 0) | added.access;
  return [...others, { ...added, access }].sort(byDevice);
}

/**
 * Takes an exception away. The v1 controller silently ignores that for a part of a wider exception,
 * which would leave a device open that the config closes: so it is an error.
 */
function withoutException(
  exceptions: readonly DeviceException[],
  removed: DeviceException,
  pointer: string,
): DeviceException[] {
  for (const wider of exceptions) {
    if (!isWider(wider, removed) || (wider.access & removed.access) === 0) continue;
    throw invalidResource(
      `the rule can't take ${describe(removed)} out of the wider ${describe(wider)}`,
      pointer,
      "list the devices one by one instead of the wider rule",
    );
  }
  return exceptions.flatMap((exception) => {
    if (!sameDevices(exception, removed)) return [exception];
    const access = exception.access & ~removed.access;
    return access === 0 ? [] : [{ ...exception, access }];
  });
}

/** Whether two are for the same devices. */
export function sameDevices(a: DeviceException, b: DeviceException): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor;
}

/** Whether `a` covers `b` and more, by a wildcard. */
function isWider(a: DeviceException, b: DeviceException): boolean {
  return a.type === b.type && !sameDevices(a, b) &&
    (a.major === undefined || a.major === b.major) &&
    (a.minor === undefined || a.minor === b.minor);
}

function byDevice(a: DeviceException, b: DeviceException): number {
  return (a.major ?? -1) - (b.major ?? -1) || (a.minor ?? -1) - (b.minor ?? -1) ||
    Number(a.type > b.type) - Number(a.type < b.type);
}

/** An exception as devices.list writes it, such as `c 1:3 rwm`. */
export function describe({ type, major, minor, access }: DeviceException): string {
  return `${type} ${major ?? "*"}:${minor ?? "*"} ${accessText(access)}`;
}

function accessText(access: number): string {
  return (access & READ ? "r" : "") + (access & WRITE ? "w" : "") + (access & MKNOD ? "m" : "");
}

/** The bits of an access such as `rwm`. */
export function accessBits(access: string): number {
  return (access.includes("r") ? READ : 0) | (access.includes("w") ? WRITE : 0) |
    (access.includes("m") ? MKNOD : 0);
}

/** Whether a policy lets a process have all of `access` on a device. */
export function policyAllows(
  policy: DevicePolicy,
  type: "b" | "c",
  major: number,
  minor: number,
  access: number,
): boolean {
  const applies = policy.exceptions.some((exception) =>
    exception.type === type &&
    (exception.major === undefined || exception.major === major) &&
    (exception.minor === undefined || exception.minor === minor) &&
    // If all is allowed by default, one denied right is enough to deny; otherwise one exception
    // must allow all rights together.
    (policy.allowAll ? (exception.access & access) !== 0 : (exception.access & access) === access)
  );
  return applies !== policy.allowAll;
}
