/**
 * The v1 devices controller.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import type { DevicePolicy } from "../controllers/device_rules.ts";
import type { CgroupFolder } from "../folder.ts";
import { type DeviceCommand, deviceTransition, parseDevicesList } from "./device_list.ts";

const POINTER = "/linux/resources/devices";

/**
 * Changes the cgroup's list to what the policy says, and reads it back, so that a rule which the
 * kernel silently ignored is noticed.
 *
 * @throws {ContainerError} see CgroupFolder.write; SystemError if the list came out otherwise
 */
export function applyDevices(folder: CgroupFolder, policy: DevicePolicy): void {
  const current = parseDevicesList(folder.read("devices.list"));
  for (const { file, lines } of runs(deviceTransition(current, policy))) {
    folder.writeEach(file, lines, POINTER);
  }
  const after = parseDevicesList(folder.read("devices.list"));
  const exceptions = after.allowAll ? [] : policy.exceptions;
  if (after.allowAll !== policy.allowAll || !same(after, { ...policy, exceptions })) {
    throw new ContainerError("SystemError", "the kernel's device list is not what was written", {
      step: "cgroups",
      path: `${folder.path}/devices.list`,
      pointer: POINTER,
      hint: "the parent cgroup may allow less",
    });
  }
}

/** Lines that follow one another in the same file, for which it is opened once. */
function runs(commands: readonly DeviceCommand[]): { readonly file: string; lines: string[] }[] {
  const all: { readonly file: string; lines: string[] }[] = [];
  for (const { file, line } of commands) {
    const last = all.at(-1);
    if (last?.file === file) last.lines.push(line);
    else all.push({ file, lines: [line] });
  }
  return all;
}

function same(a: DevicePolicy, b: DevicePolicy): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
