/**
 * The label or profile that a Linux security module gives the program at execve.
 *
 * Source: apparmor(7); the kernel's Documentation/security/lsm.rst; /proc/PID/attr in proc(5).
 *
 * @module
 */

import { type PlanItem, StepBuilder } from "../../operations/operation.ts";
import { writeProc } from "./hostname.ts";

/** Writes the AppArmor profile and the SELinux label that hold from execve on. */
export function setLabels(profile: string | undefined, label: string | undefined): PlanItem[] {
  const step = new StepBuilder("labels");
  if (profile !== undefined && profile !== "") {
    step.because(
      `change to the AppArmor profile ${profile} at exec`,
      "/proc/thread-self/attr/apparmor/exec",
      "/process/apparmorProfile",
      "load the profile with apparmor_parser first",
    );
    writeProc(step, "thread-self/attr/apparmor/exec", `exec ${profile}`, "apparmor");
  }
  if (label !== undefined && label !== "") {
    step.because(
      `take the SELinux label ${label} at exec`,
      "/proc/thread-self/attr/exec",
      "/process/selinuxLabel",
    );
    writeProc(step, "thread-self/attr/exec", label, "selinux");
  }
  return step.items;
}
