/**
 * Who the program runs as: ids, capabilities, and what it can never gain.
 *
 * Source: capabilities(7), credentials(7), prctl(2), personality(2), the runtime-spec's "User".
 *
 * @module
 */

import {
  capabilityData,
  capabilityHeader,
  PR,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
} from "../../../ffi/processes/credentials.ts";
import { CAPABILITY_NAMES } from "../../../src/config/types/names.ts";
import type {
  Capabilities,
  IdMapping,
  Linux,
  Personality,
  User,
} from "../../../src/config/types/config.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";

const NAMES: readonly string[] = CAPABILITY_NAMES;
const PER_LINUX32 = 0x0008;
const DEFAULT_UMASK = 0o022;
const KEEP_GROUP = -1;

/**
 * Becomes root of the new user namespace. Up to here init was the host's root, unmapped, so that it
 * could read its own program and open the sources of the mounts. Where no root is mapped, it takes
 * the first ids that are, and has the namespace's capabilities all the same.
 */
export function becomeNamespaceRoot({ uidMappings, gidMappings }: Linux): PlanItem[] {
  const [uid, gid] = [rootOf(uidMappings), rootOf(gidMappings)];
  const step = new StepBuilder("identity");
  step.because("become the container's root", undefined, "/linux/uidMappings")
    .call("setresgid", [gid, gid, gid])
    .call("setresuid", [uid, uid, uid]);
  return step.items;
}

/** Id 0, if it is mapped as far as the config says: not of a namespace that is joined. */
export function rootOf(mappings: readonly IdMapping[] = []): number {
  const hasRoot = mappings.length === 0 || mappings.some(({ containerID }) => containerID === 0);
  return hasRoot ? 0 : mappings[0]?.containerID ?? 0;
}

/**
 * Keeps this process's memory, fds and binary from processes that join its pid namespace while it
 * waits for the start. They may have all the capabilities that it has left by then, but its other
 * threads still have the host's (CVE-2016-9962).
 */
export function hideProcess(): PlanItem[] {
  const step = new StepBuilder("identity");
  step.because("let nobody who joins look into this process")
    .call("prctl", [PR.SET_DUMPABLE, 0, 0, 0, 0]);
  return step.items;
}

/** Sets the execution domain. */
export function setPersonality({ domain }: Personality): PlanItem[] {
  const step = new StepBuilder("user");
  step.because(`set the personality ${domain}`, domain, "/linux/personality/domain")
    .call("personality", [domain === "LINUX32" ? PER_LINUX32 : 0]);
  return step.items;
}

/** Promises that no execve grants a privilege. */
export function denyNewPrivileges(): PlanItem[] {
  const step = new StepBuilder("user");
  step.because("set no_new_privs", undefined, "/process/noNewPrivileges")
    .call("prctl", [PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
  return step.items;
}

/**
 * Drops what is not in the bounding set, takes on the user's ids while keeping the capabilities,
 * and sets the other four sets.
 *
 * @param capabilities without them it has none: the spec says so for sets that a config doesn't
 *   name
 * @param lastCapability the kernel's, so that those unknown to this list are dropped too
 * @param mayKeepGroups whether the user namespace may be one that denies setgroups: see
 *   {@linkcode mayDenyGroups}
 * @param ownedFds the standard fds that become the user's, who may want to open /dev/stdout
 * @param loadsFilter whether a system call filter is loaded after this without no_new_privs
 */
export function becomeUser(
  user: User,
  capabilities: Capabilities = {},
  lastCapability: number,
  mayKeepGroups: boolean,
  ownedFds: readonly number[],
  loadsFilter: boolean,
): PlanItem[] {
  const step = new StepBuilder("user");
  const { uid = 0, gid = 0, umask = DEFAULT_UMASK, additionalGids = [] } = user;
  dropBounding(step, capabilities.bounding ?? [], lastCapability);
  step.because("set the umask", undefined, "/process/user/umask").call("umask", [umask]);
  for (const fd of ownedFds) {
    step.because(`give fd ${fd} to the user`, undefined, "/process/user/uid")
      .call("fchown", [fd, uid, KEEP_GROUP], { onError: "continue" });
  }
  step.because("keep the capabilities over the change of ids", undefined, "/process/user")
    .call("prctl", [PR.SET_KEEPCAPS, 1, 0, 0, 0]);
  setGroups(step, additionalGids, mayKeepGroups);
  step.because(`become group ${gid}`, undefined, "/process/user/gid", MAPPED)
    .call("setresgid", [gid, gid, gid]);
  step.because(`become user ${uid}`, undefined, "/process/user/uid", MAPPED)
    .call("setresuid", [uid, uid, uid]);
  step.because("stop keeping capabilities", undefined, "/process/user")
    .call("prctl", [PR.SET_KEEPCAPS, 0, 0, 0, 0]);
  setCapabilities(step, capabilities, loadsFilter);
  return step.items;
}

const MAPPED = "in a user namespace the id must be mapped";

/**
 * Sets the additional groups, which are the caller's up to here. If none are asked for and the user
 * namespace denies setgroups, the process keeps the groups that it came with: nobody can take them
 * away.
 */
function setGroups(step: StepBuilder, gids: readonly number[], mayKeep: boolean): void {
  const groups = new Uint8Array(new Uint32Array(gids).buffer);
  const hint = mayKeep
    ? "/proc/self/setgroups says deny where who is not root has written the maps"
    : "it needs CAP_SETGID, and takes no more than 65536 groups";
  step.because("set the additional groups", undefined, "/process/user/additionalGids", hint)
    .call("setgroups", [gids.length, groups], {
      tolerated: mayKeep && gids.length === 0 ? "EPERM" : undefined,
    });
}

function dropBounding(
  step: StepBuilder,
  bounding: readonly string[],
  lastCapability: number,
): void {
  const kept = new Set(bounding);
  for (let number = 0; number <= lastCapability; number++) {
    const name = NAMES[number] ?? `capability ${number}`;
    if (kept.has(name)) continue;
    step.because(`drop ${name} for good`, name, "/process/capabilities/bounding")
      .call("prctl", [PR.CAPBSET_DROP, number, 0, 0, 0]);
  }
}

/**
 * Sets the sets. Without no_new_privs seccomp(2) needs CAP_SYS_ADMIN, so that stays in the
 * permitted and the effective set up to execve. There the kernel drops it: the program's permitted
 * set is made from the ambient set and, for a file with capabilities or for root, from the
 * inheritable and the bounding set, but not from what was permitted before (capabilities(7),
 * "Transformation of capabilities during execve()").
 */
function setCapabilities(
  step: StepBuilder,
  capabilities: Capabilities,
  loadsFilter: boolean,
): void {
  const { effective = [], permitted = [], inheritable = [], ambient = [] } = capabilities;
  const kept = loadsFilter ? mask(["CAP_SYS_ADMIN"]) : 0n;
  const data = capabilityData(mask(effective) | kept, mask(permitted) | kept, mask(inheritable));
  const filtered = loadsFilter ? ", and CAP_SYS_ADMIN for the filter up to execve" : "";
  step.because(`set the capability sets${filtered}`, undefined, "/process/capabilities")
    .call("capset", [capabilityHeader(), data]);
  step.because("clear the ambient set", undefined, "/process/capabilities/ambient")
    .call("prctl", [PR.CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]);
  for (const name of ambient) {
    const number = NAMES.indexOf(name);
    if (number < 0 || !permitted.includes(name) || !inheritable.includes(name)) continue;
    step.because(`raise ${name} in the ambient set`, name, "/process/capabilities/ambient")
      .call("prctl", [PR.CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0]);
  }
}

/** Whether CAP_SYS_ADMIN is kept for the filter alone: see `becomeUser`. */
export function keepsFilterRight(
  { effective = [], permitted = [] }: Capabilities = {},
  loadsFilter: boolean,
): boolean {
  return loadsFilter && ![effective, permitted].every((set) => set.includes("CAP_SYS_ADMIN"));
}

/** Gives up the right that loading the filter needed, once the filter is loaded. */
export function dropFilterRight(capabilities: Capabilities = {}): PlanItem[] {
  const { effective = [], permitted = [], inheritable = [] } = capabilities;
  const step = new StepBuilder("seccomp");
  const data = capabilityData(mask(effective), mask(permitted), mask(inheritable));
  return step.because(
    "drop CAP_SYS_ADMIN, which the filter needed",
    undefined,
    "/process/capabilities",
  )
    .call("capset", [capabilityHeader(), data]).items;
}

/** The bit mask of capability names; names that this build doesn't know were warned about. */
function mask(names: readonly string[]): bigint {
  return names.reduce((bits, name) => {
    const number = NAMES.indexOf(name);
    return number < 0 ? bits : bits | 1n << BigInt(number);
  }, 0n);
}

/**
 * Whether setgroups may be denied to the process: in a user namespace whose maps were written
 * without privilege, or below one. Everywhere else its refusal is an error.
 *
 * @param hostDenies what /proc/self/setgroups says of hull itself
 */
export function mayDenyGroups({ namespaces = [] }: Linux, hostDenies: boolean): boolean {
  return hostDenies || namespaces.some(({ type }) => type === "user");
}
