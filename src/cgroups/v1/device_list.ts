/**
 * The file devices.list of v1: read as a policy, and the writes that lead to another.
 *
 * @module
 */

import {
  accessBits,
  describe,
  type DeviceException,
  type DevicePolicy,
  sameDevices,
  withException,
} from "../controllers/device_rules.ts";

/** One line for devices.allow or devices.deny. */
export interface DeviceCommand {
  readonly file: "devices.allow" | "devices.deny";
  readonly line: string;
}

/**
 * The policy that a devices.list shows. With all devices allowed the kernel does not list the
 * exceptions, so they are not known.
 */
export function parseDevicesList(text: string): DevicePolicy {
  let policy: DevicePolicy = { allowAll: false, exceptions: [] };
  for (const line of text.split("\n")) {
    const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line);
    if (match === null) continue;
    const [, type, major, minor, access] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    if (type === "a") return { allowAll: true, exceptions: [] };
    const exceptions = withException(policy.exceptions, {
      type: type === "b" ? "b" : "c",
      major: major === "*" ? undefined : Number(major),
      minor: minor === "*" ? undefined : Number(minor),
      access: accessBits(access),
    });
    policy = { allowAll: false, exceptions };
  }
  return policy;
}

/**
 * The writes that lead from one policy to another on v1, without closing a device on the way that
 * is open in both. All is reset only if the mode changes or the old exceptions are not known.
 */
export function deviceTransition(from: DevicePolicy, to: DevicePolicy): DeviceCommand[] {
  const reset = from.allowAll || from.allowAll !== to.allowAll;
  const before = reset ? [] : from.exceptions;
  const file = (allow: boolean) => allow ? "devices.allow" : "devices.deny";
  const commands: DeviceCommand[] = [];
  if (reset) commands.push({ file: file(to.allowAll), line: "a *:* rwm" });
  for (const [old, kept] of pairs(before, to.exceptions)) {
    const access = old.access & ~kept;
    if (access !== 0) {
      commands.push({ file: file(to.allowAll), line: describe({ ...old, access }) });
    }
  }
  for (const [added, had] of pairs(to.exceptions, before)) {
    const access = added.access & ~had;
    if (access !== 0) {
      commands.push({ file: file(!to.allowAll), line: describe({ ...added, access }) });
    }
  }
  return commands;
}

function pairs(
  exceptions: readonly DeviceException[],
  others: readonly DeviceException[],
): (readonly [DeviceException, number])[] {
  return exceptions.map((one) => [one, others.find((o) => sameDevices(o, one))?.access ?? 0]);
}
