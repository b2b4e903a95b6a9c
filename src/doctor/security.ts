/**
 * Filters of system calls, and the security modules.
 *
 * @module
 */

import type { SeccompSupport } from "../../ffi/seccomp/seccomp_probe.ts";
import type { SecurityModules } from "../security/lsm.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** Whether a filter, which every engine gives its containers, can be made. */
export function seccompFindings({ library, actions, flags }: SeccompSupport): Finding[] {
  if (actions.length === 0) {
    const told = "this kernel has no filters of system calls";
    return [problem("seccomp", told, "use a kernel with CONFIG_SECCOMP_FILTER")];
  }
  if (library === undefined) {
    return [problem(
      "seccomp",
      "no libseccomp, so a config with linux.seccomp is refused",
      "install it (Debian: apt-get install libseccomp2; Fedora: dnf install libseccomp)",
    )];
  }
  const told = `libseccomp ${library}; the kernel has ${actions.length} actions, ` +
    `${flags.length} flags`;
  if (actions.includes("SCMP_ACT_NOTIFY")) return [ok("seccomp", told)];
  const remedy = "use Linux 5.0 or later, or a config without SCMP_ACT_NOTIFY";
  return [warning("seccomp", `${told}, no SCMP_ACT_NOTIFY`, remedy)];
}

/** Which modules confine containers here. A host may have none: it is asked for by name. */
export function lsmFindings({ apparmor, selinux }: SecurityModules): Finding[] {
  const on = [...apparmor ? ["AppArmor"] : [], ...selinux ? ["SELinux"] : []];
  if (on.length > 0) return [ok("lsm", `${on.join(" and ")} can confine containers`)];
  const told = "neither AppArmor nor SELinux is on: a config that names a profile or a label is " +
    "refused";
  return [ok("lsm", told)];
}
