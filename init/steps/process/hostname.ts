/**
 * The names of the uts namespace, and kernel parameters.
 *
 * Source: sethostname(2), proc(5), the runtime-spec's "Hostname", "Domainname" and "Sysctl".
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_WRONLY } from "../../../ffi/files/file.ts";
import { FSCONFIG_CMD_CREATE, FSOPEN_CLOEXEC, MOUNT_ATTR } from "../../../ffi/files/mount.ts";
import {
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../../../ffi/files/path.ts";
import { sysctlPath } from "../../../src/config/sysctl.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { insideRoot } from "../places/paths.ts";

/** The label of a procfs that only init can see. */
export const PROC = "proc";

const encoder = new TextEncoder();
const WITHIN_PROC = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

/** Sets the host name and the domain name. */
export function setNames(hostname: string | undefined, domainname: string | undefined): PlanItem[] {
  const step = new StepBuilder("hostname");
  if (hostname !== undefined && hostname !== "") {
    step.because("set the host name", hostname, "/hostname")
      .call("sethostname", [hostname, encoder.encode(hostname).length]);
  }
  if (domainname !== undefined && domainname !== "") {
    step.because("set the domain name", domainname, "/domainname")
      .call("setdomainname", [domainname, encoder.encode(domainname).length]);
  }
  return step.items;
}

/**
 * Mounts a procfs that is attached nowhere: what is written there can't be led astray by the
 * rootfs (CVE-2025-52881).
 *
 * @param mayMount whether init owns its pid namespace. Otherwise its user namespace may not mount a
 *   procfs, and the host's is opened, which is still visible at /proc
 */
export function openPrivateProc(mayMount: boolean): PlanItem[] {
  const step = new StepBuilder("mounts");
  const { NOSUID, NODEV, NOEXEC } = MOUNT_ATTR;
  if (!mayMount) {
    step.because("open the host's procfs", "/proc")
      .call("openat", [AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { label: PROC });
    return step.items;
  }
  step.because("open a procfs of init's own", "/proc");
  step.call("fsopen", ["proc", FSOPEN_CLOEXEC], { label: "proc.fs" });
  step.call("fsconfig", [result("proc.fs"), FSCONFIG_CMD_CREATE, 0, 0, 0]);
  step.call("fsmount", [result("proc.fs"), FSOPEN_CLOEXEC, NOSUID | NODEV | NOEXEC], {
    label: PROC,
  });
  step.close("proc.fs");
  return step.items;
}

/** The kernel's link to the thread's own folder. */
const THREAD = "thread-self/";

/** Writes a file of the private procfs; `thread-self/` in front means the writing thread's own. */
export function writeProc(step: StepBuilder, path: string, value: string, label: string): void {
  const bytes = encoder.encode(value);
  const isOwn = path.startsWith(THREAD);
  const folder = isOwn ? `${label}.thread` : PROC;
  // This link is the kernel's own, and in a procfs that no other process reaches it can't lead
  // elsewhere.
  if (isOwn) {
    const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    step.call("openat", [result(PROC), "thread-self", flags, 0], { label: folder });
  }
  const file = isOwn ? path.slice(THREAD.length) : path;
  step.call("openat2", insideRoot(result(folder), file, O_WRONLY | O_CLOEXEC, WITHIN_PROC), {
    label,
  });
  step.call("write", [result(label), bytes, bytes.length]);
  step.close(label, ...(isOwn ? [folder] : []));
}

/** Sets kernel parameters of the container's namespaces. */
export function setSysctls(sysctl: Readonly<Record<string, string>>): PlanItem[] {
  const step = new StepBuilder("sysctl");
  Object.entries(sysctl).forEach(([key, value], k) => {
    const path = `sys/${sysctlPath(key) ?? key}`;
    step.because(`set ${key}`, `/proc/${path}`, `/linux/sysctl/${escapePointer(key)}`);
    writeProc(step, path, value, `sysctl${k}`);
  });
  return step.items;
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
