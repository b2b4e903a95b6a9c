/**
 * The kernel and its calls. The calls decide, not the version: a distribution may have brought a
 * call into an older kernel, and a filter around hull may hide one.
 *
 * @module
 */

import { ENOSYS } from "../../ffi/c/errno.ts";
import type { SyscallName } from "../../ffi/c/syscalls.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { type Host, isForbidden, type Trial } from "./host.ts";

const LEAST = [5, 12] as const;

/** How a call is tried so that it does nothing: with an fd, flags or a size that no kernel takes. */
interface Needed {
  readonly args: Trial["args"];
  /** Whether the kernel asks for CAP_SYS_ADMIN before it looks at the arguments. */
  readonly needsRight?: true;
}

const NO_FD = -1;
const NO_FLAGS = 0x7fffffff;

/** The calls that each start needs: docs/kernels.md has them with the kernels that brought them. */
export const NEEDED_CALLS: Partial<Record<SyscallName, Needed>> = {
  pidfd_send_signal: { args: [NO_FD, 0, 0, 0] },
  open_tree: { args: [NO_FD, "", NO_FLAGS] },
  move_mount: { args: [NO_FD, "", NO_FD, "", NO_FLAGS], needsRight: true },
  fsopen: { args: [0, NO_FLAGS], needsRight: true },
  fsconfig: { args: [NO_FD, NO_FLAGS, 0, 0, 0] },
  fsmount: { args: [NO_FD, NO_FLAGS, NO_FLAGS], needsRight: true },
  fspick: { args: [NO_FD, "", NO_FLAGS], needsRight: true },
  clone3: { args: [0, 0] },
  pidfd_open: { args: [NO_FD, NO_FLAGS] },
  pidfd_getfd: { args: [NO_FD, NO_FD, NO_FLAGS] },
  faccessat2: { args: [NO_FD, "", 0, NO_FLAGS] },
  close_range: { args: [1, 0, 0] },
  mount_setattr: { args: [NO_FD, "", NO_FLAGS, 0, 0] },
};

/** The kernel's version. */
export function kernelFindings({ release, arch }: Host): Finding[] {
  const told = `Linux ${release} on ${arch}`;
  const [major = 0, minor = 0] = release.split(/\D+/).map(Number);
  const isOld = major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]);
  if (!isOld) return [ok("kernel", told)];
  const remedy = "use Linux 5.12 or later, unless all calls are there (next lines)";
  return [warning("kernel", told, remedy)];
}

/** Whether the calls are there and permitted. */
export function callFindings(host: Host): Finding[] {
  const missing: string[] = [];
  const forbidden: string[] = [];
  for (const [syscall, { args, needsRight = false }] of Object.entries(NEEDED_CALLS)) {
    const errno = host.attempt({ syscall: syscall as SyscallName, args });
    if (errno === ENOSYS) missing.push(syscall);
    else if (isForbidden(errno, needsRight, host)) forbidden.push(syscall);
  }
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push(problem(
      "calls",
      `missing: ${missing.join(", ")}`,
      "use Linux 5.12 or later, and no filter around hull that hides calls " +
        "(docker run --security-opt seccomp=unconfined; SystemCallFilter= of a unit)",
    ));
  }
  if (forbidden.length > 0) {
    findings.push(problem(
      "calls",
      `forbidden by a filter around hull: ${forbidden.join(", ")}`,
      "let the filter pass them (docker run --security-opt seccomp=unconfined; " +
        "SystemCallFilter= of a unit)",
    ));
  }
  if (findings.length > 0) return findings;
  return [ok("calls", `all ${Object.keys(NEEDED_CALLS).length} that a start needs are there`)];
}
