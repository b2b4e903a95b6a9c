/**
 * Who a further process of a container becomes: the same limits, rights and filters that the first
 * one has, by the same steps.
 *
 * @module
 */

import { HostFacts } from "../init/facts.ts";
import type { PlanItem } from "../init/operation.ts";
import { changesGroups } from "../init/plan.ts";
import { enterWorkingFolder, resetSignals } from "../init/steps/final.ts";
import { openPrivateProc } from "../init/steps/hostname.ts";
import { setLabels } from "../init/steps/labels.ts";
import { setLimits } from "../init/steps/limits.ts";
import { becomeUser, denyNewPrivileges } from "../init/steps/user.ts";
import type { Linux, ProcessConfig } from "./config/types.ts";
import type { JoinOptions } from "./join.ts";

/** The steps before the namespaces are joined, and those inside. */
export function planIdentity(
  process: ProcessConfig,
  linux: Linux,
): Pick<JoinOptions, "before" | "become"> {
  const { apparmorProfile = "", selinuxLabel = "", user = {}, rlimits = [] } = process;
  const facts = new HostFacts("/", []);
  const hasLabel = apparmorProfile !== "" || selinuxLabel !== "";
  const become: readonly PlanItem[] = [
    ...(hasLabel ? openPrivateProc() : []),
    ...setLabels(apparmorProfile, selinuxLabel),
    ...(process.noNewPrivileges === true ? denyNewPrivileges() : []),
    ...enterWorkingFolder(process.cwd),
    ...becomeUser(user, process.capabilities, facts.lastCapability, changesGroups(linux), []),
    ...resetSignals(facts.ignoredSignals),
  ];
  return { before: setLimits(rlimits), become }; // raising a limit takes the host's rights
}
