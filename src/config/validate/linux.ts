/**
 * Checks of `linux` (config-linux.md); the large sections have files of their own.
 *
 * @module
 */

import { parseCpuList } from "../cpu_list.ts";
import {
  DEVICE_TYPES,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  PERSONALITY_DOMAINS,
  ROOTFS_PROPAGATIONS,
} from "../types/names.ts";
import type { Field } from "../fields/field.ts";
import {
  checkNamespaces,
  checkTimeOffsets,
  checkUserNamespace,
  type NamespaceSet,
} from "./namespaces.ts";
import { checkNetDevices } from "../sections/network.ts";
import { checkResources } from "../sections/resources.ts";
import { checkList } from "../sections/scheduling.ts";
import { checkSeccomp } from "../sections/seccomp.ts";
import { checkSysctl } from "./sysctl.ts";

/** The kernel's MKDEV: 12 bits of major and 20 bits of minor number (makedev(3)). */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/** The whole section. */
export function checkLinux(linux: Field, namespaces: NamespaceSet): void {
  if (!linux.isObject()) return;
  checkNamespaces(linux.get("namespaces"));
  checkUserNamespace(linux, namespaces);
  checkTimeOffsets(linux.get("timeOffsets"), namespaces);
  checkDevices(linux.get("devices"));
  checkNetDevices(linux.get("netDevices"));
  checkCgroupsPath(linux.get("cgroupsPath"));
  checkResources(linux.get("resources"), true);
  const propagation = linux.get("rootfsPropagation");
  if (propagation.value !== "") propagation.oneOf(ROOTFS_PROPAGATIONS);
  checkSeccomp(linux.get("seccomp"));
  checkSysctl(linux.get("sysctl"), namespaces);
  checkHiddenPaths(linux.get("maskedPaths"));
  checkHiddenPaths(linux.get("readonlyPaths"));
  linux.get("mountLabel").string();
  checkIntelRdt(linux.get("intelRdt"));
  checkPersonality(linux.get("personality"));
  checkMemoryPolicy(linux.get("memoryPolicy"));
}

function checkDevices(devices: Field): void {
  for (const device of devices.items()) {
    if (!device.isObject()) continue;
    const type = device.need("type").oneOf(DEVICE_TYPES);
    device.need("path").absolutePath();
    const number = (name: string) => type === "p" ? device.get(name) : device.need(name);
    number("major").integer(0, MAX_MAJOR);
    number("minor").integer(0, MAX_MINOR);
    // some clients send the file's type bits too; they say no more than `type`
    device.get("fileMode").integer(0, 0o177_777);
    device.get("uid").uint32();
    device.get("gid").uint32();
  }
}

/** A step up could reach the cgroup of another container. */
function checkCgroupsPath(cgroupsPath: Field): void {
  const path = cgroupsPath.string();
  if (path?.split("/").includes("..")) cgroupsPath.fault('must not have a part ".."');
}

function checkHiddenPaths(paths: Field): void {
  for (const path of paths.items()) path.absolutePath();
}

function checkIntelRdt(intelRdt: Field): void {
  if (!intelRdt.isObject()) return;
  const closID = intelRdt.get("closID");
  const name = closID.string();
  if (name === "." || name === ".." || (name !== "/" && name?.includes("/"))) {
    closID.mismatch('the name of a folder, or "/" for the default class');
  }
  const lines = [...intelRdt.get("schemata").items(), intelRdt.get("l3CacheSchema")];
  for (const line of [...lines, intelRdt.get("memBwSchema")]) {
    if (line.string()?.includes("\n")) line.fault("must not hold a newline");
  }
  const memBw = intelRdt.get("memBwSchema");
  if (typeof memBw.value === "string" && memBw.value !== "" && !memBw.value.startsWith("MB:")) {
    memBw.mismatch("a line that begins with MB:");
  }
  intelRdt.get("enableMonitoring").boolean();
}

function checkPersonality(personality: Field): void {
  if (!personality.isObject()) return;
  personality.need("domain").oneOf(PERSONALITY_DOMAINS);
  const flags = personality.get("flags");
  if (flags.strings().length > 0) flags.warn("is ignored: the spec defines no personality flags");
}

/** set_mempolicy(2): which modes take nodes, and which flags go together. */
function checkMemoryPolicy(policy: Field): void {
  if (!policy.isObject()) return;
  const mode = policy.need("mode").oneOf(MEMORY_POLICY_MODES);
  const nodes = policy.get("nodes");
  const count = checkList(nodes, "memory nodes").length;
  if ((mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL") && count > 0) {
    nodes.fault(`must be empty for ${mode}`);
  }
  const needsNodes = mode !== undefined && mode !== "MPOL_DEFAULT" && mode !== "MPOL_LOCAL" &&
    mode !== "MPOL_PREFERRED";
  const isList = nodes.value === undefined ||
    typeof nodes.value === "string" && parseCpuList(nodes.value) !== undefined;
  if (needsNodes && isList && count === 0) {
    nodes.fault(`must name at least one memory node for ${mode}`);
  }

  const flags = policy.get("flags");
  const given = flags.items().map((flag) => flag.oneOf(MEMORY_POLICY_FLAGS));
  if (given.includes("MPOL_F_STATIC_NODES") && given.includes("MPOL_F_RELATIVE_NODES")) {
    flags.fault("can't have both MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES");
  }
}
