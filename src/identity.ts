/**
 * Who a further process of a container becomes: the same limits, rights and filters that the first
 * one has, by the same steps.
 *
 * @module
 */

import { SECCOMP_FILTER_FLAG } from "../ffi/seccomp_flags.ts";
import { HostFacts } from "../init/facts.ts";
import type { PlanItem } from "../init/operation.ts";
import { changesGroups } from "../init/plan.ts";
import { enterWorkingFolder, resetSignals } from "../init/steps/final.ts";
import { openPrivateProc } from "../init/steps/hostname.ts";
import { setLabels } from "../init/steps/labels.ts";
import { setLimits } from "../init/steps/limits.ts";
import { loadFilter } from "../init/steps/seccomp.ts";
import { becomeUser, denyNewPrivileges } from "../init/steps/user.ts";
import type { InitSeccomp } from "./config/init_config.ts";
import type { Linux, ProcessConfig } from "./config/types.ts";
import type { JoinOptions } from "./join.ts";

/** The steps of a further process, by where they stand in its program. */
export interface Identity extends Pick<JoinOptions, "before" | "become"> {
  /** What comes right before execve: the filter. */
  readonly last: readonly PlanItem[];
}

/**
 * The steps by which a process becomes one of the container's.
 *
 * @param root a path by which the container's root can be looked at
 * @param filter what `linux.seccomp` was compiled to
 */
export function planIdentity(
  process: ProcessConfig,
  linux: Linux,
  root: string,
  filter: InitSeccomp | undefined,
): Identity {
  const { apparmorProfile = "", selinuxLabel = "", user = {}, rlimits = [] } = process;
  const facts = new HostFacts(root, []);
  const hasLabel = apparmorProfile !== "" || selinuxLabel !== "";
  // Labels are written by this program's /proc: the container's may be anything. They hold from
  // execve on, as raising a limit takes the host's rights.
  const before: readonly PlanItem[] = [
    ...setLimits(rlimits),
    ...(hasLabel ? openPrivateProc(false) : []),
    ...setLabels(apparmorProfile, selinuxLabel),
  ];
  const become: readonly PlanItem[] = [
    ...(process.noNewPrivileges === true ? denyNewPrivileges() : []),
    ...enterWorkingFolder(process.cwd, facts.destination(process.cwd, 0)),
    ...becomeUser(
      user,
      process.capabilities,
      facts.lastCapability,
      changesGroups(linux),
      [],
      filter !== undefined && process.noNewPrivileges !== true,
    ),
    ...resetSignals(facts.ignoredSignals),
  ];
  return {
    before,
    become,
    last: filter === undefined ? [] : loadFilter(withoutListener(filter)),
  };
}

/** The agent has the first process's listener; without one of its own a notified call fails. */
function withoutListener(filter: InitSeccomp): InitSeccomp {
  return { ...filter, flags: filter.flags & ~SECCOMP_FILTER_FLAG.NEW_LISTENER };
}
