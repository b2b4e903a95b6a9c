/**
 * The v2 devices "controller": a program attached to the cgroup.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import {
  attachDeviceProgram,
  detachDeviceProgram,
  deviceProgramsOf,
  loadDeviceProgram,
} from "../../../ffi/seccomp/bpf.ts";
import { type Fd, O_DIRECTORY, O_RDONLY, openAt } from "../../../ffi/files/file.ts";
import type { DevicePolicy } from "../controllers/device_rules.ts";
import type { CgroupFolder } from "../folder.ts";
import { deviceProgram, encodeProgram } from "../controllers/device_program.ts";

/**
 * Attaches the policy's program in place of what is there. The new one is in force before an old
 * one is removed, so that a device which both deny is never accessible. The program stays until the
 * cgroup is removed.
 *
 * @throws {ContainerError} SystemError
 */
export function applyDevices(folder: CgroupFolder, policy: DevicePolicy): void {
  try {
    using directory = openAt(folder.fd, ".", O_RDONLY | O_DIRECTORY);
    replaceProgram(directory, policy);
  } catch (error) {
    throw syscallFailure(error, "SystemError", "cannot set the device rules", {
      step: "cgroups",
      path: folder.path,
      pointer: "/linux/resources/devices",
      hint: failedWith(error, "EPERM")
        ? "it takes CAP_BPF or CAP_SYS_ADMIN and, before Linux 5.11, a high RLIMIT_MEMLOCK"
        : undefined,
    });
  }
}

function replaceProgram(directory: Fd, policy: DevicePolicy): void {
  using old = new DisposableStack();
  const programs = deviceProgramsOf(directory).map((program) => old.use(program));
  const allowsEverything = policy.allowAll && policy.exceptions.length === 0;
  if (allowsEverything && programs.length === 0) return;
  using program = loadDeviceProgram(encodeProgram(deviceProgram(policy)));
  // A single program can be replaced in one step (Linux 5.6). Several, which others attached, are
  // removed one by one.
  const replaced = programs.length === 1 ? programs[0] : undefined;
  if (replaced !== undefined && attachDeviceProgram(directory, program, replaced)) return;
  attachDeviceProgram(directory, program);
  for (const one of programs) detachDeviceProgram(directory, one);
}
