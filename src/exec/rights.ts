/**
 * The rights of a further process: the same limits, ids, capabilities and filter as those of the
 * first one, by the same steps.
 *
 * @module
 */

import { SECCOMP_FILTER_FLAG } from "../../ffi/seccomp/seccomp_flags.ts";
import { hardLimitOf } from "../../ffi/processes/rlimit.ts";
import type { BirthGuard } from "../../init/launch/birth_guard.ts";
import { HostFacts } from "../../init/operations/host_facts.ts";
import type { PlanItem } from "../../init/operations/operation.ts";
import { resetSignals } from "../../init/steps/process/execute.ts";
import { enterWorkingFolder } from "../../init/steps/process/final.ts";
import { openPrivateProc } from "../../init/steps/process/hostname.ts";
import { joinKeyring, labelKeyring } from "../../init/steps/process/keyring.ts";
import { setLabels } from "../../init/steps/process/labels.ts";
import { setLimits } from "../../init/steps/process/limits.ts";
import { setMemoryPolicy } from "../../init/steps/process/memory_policy.ts";
import {
  bindToCpus,
  isLostInFork,
  resetCpuAffinity,
  setIoPriority,
  setScheduler,
} from "../../init/steps/process/scheduling.ts";
import { hasListener, letsWait, loadFilter } from "../../init/steps/process/seccomp.ts";
import {
  becomeNamespaceRoot,
  becomeUser,
  denyNewPrivileges,
  dropFilterRight,
  keepsFilterRight,
  mayDenyGroups,
  setPersonality,
} from "../../init/steps/process/user.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type {
  CpuAffinity,
  Linux,
  ProcessConfig,
  Rlimit,
  Scheduler,
} from "../config/types/config.ts";
import type { JoinOptions } from "./join.ts";

/** The steps of a further process, by where they stand in its program. */
export interface Rights extends Pick<JoinOptions, "early" | "before" | "become"> {
  /** What the process itself must do, because the usher must not be bound by it. */
  readonly lead: readonly PlanItem[];
  /** The scheduler that is set from outside after the birth, since a fork does not pass it on. */
  readonly scheduler: Scheduler | undefined;
  /** Signals as a new program expects them; behind what looks for the program. */
  readonly signals: readonly PlanItem[];
  /** Whether its filter has a listener, for which the process waits until its agent has it. */
  readonly notifies: boolean;
  /** The filter before the birth, if it allows that: see init/launch/birth_guard.ts. */
  readonly guard: BirthGuard | undefined;
  /** The operations before a wait: the filter, if it allows the wait. */
  readonly waiting: readonly PlanItem[];
  /**
   * The filter right before execve, for a process that does not wait, or whose filter does not
   * allow the wait.
   */
  readonly last: readonly PlanItem[];
}

/** What a further process has of its own. */
export interface IdentityOptions {
  /** The standard fds that become the user's. */
  readonly ownedFds?: readonly number[] | undefined;
  /** The CPUs that it is bound to; without one it may use all of the cpuset. */
  readonly affinity?: CpuAffinity | undefined;
  /** Whether an agent gets a listener of its own for a filter that notifies. */
  readonly hasAgent?: boolean | undefined;
  /**
   * The session keyring of the container; undefined gives it its own, and empty lets it keep the
   * caller's.
   */
  readonly keyring: string | undefined;
  /** The process whose child it is, if not this program's. */
  readonly parent?: number | undefined;
}

/**
 * The steps by which a process becomes one of the container's.
 *
 * @param root a path by which the container's root can be looked at
 * @param filter what `linux.seccomp` was compiled to
 * @param options what is its own
 */
export function planRights(
  process: ProcessConfig,
  linux: Linux,
  root: string,
  filter: LoadableFilter | undefined,
  { ownedFds = [], affinity, hasAgent = false, keyring, parent }: IdentityOptions,
): Rights {
  const { apparmorProfile = "", selinuxLabel = "", user = {}, rlimits = [], scheduler } = process;
  const isLost = scheduler !== undefined && isLostInFork(scheduler);
  const facts = new HostFacts(root, []);
  const hasLabel = apparmorProfile !== "" || selinuxLabel !== "";
  // Labels are written through this program's /proc, since the container's may be anything; they
  // apply from execve on. Limits are set here because raising one takes the host's rights.
  const before: readonly PlanItem[] = [
    ...(affinity === undefined ? resetCpuAffinity() : bindToCpus("final", affinity)),
    ...(scheduler === undefined || isLost ? [] : setScheduler(scheduler)),
    ...(process.ioPriority === undefined ? [] : setIoPriority(process.ioPriority)),
    ...(linux.personality === undefined ? [] : setPersonality(linux.personality)),
    ...(linux.memoryPolicy === undefined ? [] : setMemoryPolicy(linux.memoryPolicy)),
    ...setLimits(rlimits.map((rlimit) => withRoomForBirth(rlimit, parent))),
    ...(hasLabel ? openPrivateProc(false) : []),
    ...(keyring === "" ? [] : labelKeyring(selinuxLabel)),
    ...setLabels(apparmorProfile, selinuxLabel),
  ];
  const hasUserNamespace = (linux.namespaces ?? []).some(({ type }) => type === "user");
  const become: readonly PlanItem[] = [
    // a keyring in a user namespace is found by others alone, and its owner would make another one
    ...(keyring === "" ? [] : joinKeyring(keyring, hasUserNamespace)),
    // nothing is looked at with the rights that the host's root has to its own files
    ...(hasUserNamespace ? becomeNamespaceRoot(linux) : []),
    ...(process.noNewPrivileges === true ? denyNewPrivileges() : []),
    ...enterWorkingFolder(process.cwd, facts.walked(process.cwd)),
    ...becomeUser(
      user,
      process.capabilities,
      facts.lastCapability,
      mayDenyGroups(linux, facts.deniesGroups),
      ownedFds,
      filter !== undefined && process.noNewPrivileges !== true,
    ),
  ];
  const notifies = filter !== undefined && hasListener(filter) && hasAgent;
  const own = filter === undefined || notifies ? filter : withoutListener(filter);
  return {
    early: affinity === undefined ? [] : bindToCpus("initial", affinity),
    before,
    become,
    lead: setLimits(rlimits.filter(isOfProcesses)),
    scheduler: isLost ? scheduler : undefined,
    signals: resetSignals(facts.ignoredSignals),
    notifies,
    waiting: own === undefined ? [] : planWait(own, process, notifies),
    guard: own === undefined || notifies ? undefined : planGuard(own, process),
    last: own === undefined ? [] : loadFilter(own),
  };
}

function isOfProcesses({ type }: Rlimit): boolean {
  return type === "RLIMIT_NPROC";
}

/**
 * The kernel counts the user's processes at the birth, when the usher already counts as one of
 * them. So there must be room for both. The process can't raise the hard limit afterwards, but
 * lower it.
 */
function withRoomForBirth(rlimit: Rlimit, parent: number | undefined): Rlimit {
  if (!isOfProcesses(rlimit)) return rlimit;
  const most = Math.max(rlimit.hard, hardLimitOf("RLIMIT_NPROC", parent));
  return { ...rlimit, soft: most, hard: most };
}

/**
 * The operations before a wait. A process that traces the waiting one must gain no more than the
 * container has.
 */
function planWait(
  filter: LoadableFilter,
  { capabilities, noNewPrivileges }: ProcessConfig,
  notifies: boolean,
): readonly PlanItem[] {
  const dropsRight = keepsFilterRight(capabilities, noNewPrivileges !== true);
  const isLet = letsWait(filter, dropsRight);
  return [
    ...(isLet || notifies ? loadFilter(filter) : []),
    ...(isLet && dropsRight ? dropFilterRight(capabilities) : []),
  ];
}

function planGuard(
  filter: LoadableFilter,
  { capabilities, noNewPrivileges }: ProcessConfig,
): BirthGuard {
  const dropsRight = keepsFilterRight(capabilities, noNewPrivileges !== true);
  return {
    filter,
    items: [...loadFilter(filter), ...(dropsRight ? dropFilterRight(capabilities) : [])],
  };
}

/** A notified call of a process without a listener fails. */
function withoutListener(filter: LoadableFilter): LoadableFilter {
  return { ...filter, flags: filter.flags & ~SECCOMP_FILTER_FLAG.NEW_LISTENER };
}
