/**
 * Who a further process of a container becomes: the same limits, rights and filters that the first
 * one has, by the same steps.
 *
 * @module
 */

import { SECCOMP_FILTER_FLAG } from "../ffi/seccomp.ts";
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
  /** Signals as a new program expects them; behind what looks for the program. */
  readonly signals: readonly PlanItem[];
  /** What comes right before execve: the filter. */
  readonly last: readonly PlanItem[];
}

/**
 * The steps by which a process becomes one of the container's.
 *
 * @param root a path by which the container's root can be looked at
 * @param filter what `linux.seccomp` was compiled to
 * @param options `ownedFds`: the standard fds that become the user's
 */
export function planIdentity(
  process: ProcessConfig,
  linux: Linux,
  root: string,
  filter: InitSeccomp | undefined,
  { ownedFds = [] }: { readonly ownedFds?: readonly number[] } = {},
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
      ownedFds,
      filter !== undefined && process.noNewPrivileges !== true,
    ),
  ];
  return {
    before,
    become,
    signals: resetSignals(facts.ignoredSignals),
    last: filter === undefined ? [] : loadFilter(withoutListener(filter)),
  };
}

/** The agent has the first process's listener; without one of its own a notified call fails. */
function withoutListener(filter: InitSeccomp): InitSeccomp {
  return { ...filter, flags: filter.flags & ~SECCOMP_FILTER_FLAG.NEW_LISTENER };
}
