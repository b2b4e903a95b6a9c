/**
 * Which Linux security modules are on.
 *
 * Source: the kernel's Documentation/admin-guide/LSM/{apparmor,SELinux}.rst.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { ContainerError, type Fault } from "../errors.ts";

/** What is on. */
export interface SecurityModules {
  /** Whether AppArmor confines programs here. */
  readonly apparmor: boolean;
  /** Whether SELinux has labels here. */
  readonly selinux: boolean;
}

/**
 * Detects which modules are on.
 *
 * @param host the folder that stands for the host's root
 */
export function detectSecurityModules(host = ""): SecurityModules {
  return { apparmor: hasAppArmor(host), selinux: hasSelinux(host) };
}

/** Either sign is enough: without securityfs, as in a container, profiles can't be looked up. */
function hasAppArmor(host: string): boolean {
  return read(`${host}/sys/module/apparmor/parameters/enabled`).startsWith("Y") &&
    isFolder(`${host}/sys/kernel/security/apparmor`);
}

/** A kernel registers selinuxfs only where SELinux is on; without a mount nothing can be asked. */
function hasSelinux(host: string): boolean {
  return /\tselinuxfs$/m.test(read(`${host}/proc/filesystems`)) &&
    / - selinuxfs /.test(read(`${host}/proc/self/mountinfo`));
}

/**
 * Refuses a profile or a label that nothing would enforce.
 *
 * @throws {ContainerError} `Unsupported` with every such field
 */
export function requireSecurityModules(
  config: Pick<Config, "process" | "linux">,
  detect: () => SecurityModules = detectSecurityModules,
): void {
  const { apparmorProfile = "", selinuxLabel = "" } = config.process ?? {};
  const mountLabel = config.linux?.mountLabel ?? "";
  if (apparmorProfile === "" && selinuxLabel === "" && mountLabel === "") return;
  const { apparmor, selinux } = detect();
  const fields = [
    ["/process/apparmorProfile", apparmorProfile, "AppArmor", apparmor],
    ["/process/selinuxLabel", selinuxLabel, "SELinux", selinux],
    ["/linux/mountLabel", mountLabel, "SELinux", selinux],
  ] as const;
  const faults: Fault[] = fields.filter(([, value, , isOn]) => value !== "" && !isOn)
    .map(([pointer, , module]) => ({
      pointer,
      message: `needs ${module}, which is not enabled on this host`,
    }));
  if (faults.length === 0) return;
  throw new ContainerError("Unsupported", "a security module that the config names is not there", {
    faults,
    hint: "take the field out, or enable the module with lsm= on the kernel's command line",
  });
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // a module that is off has no such file
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // the same
  }
}
