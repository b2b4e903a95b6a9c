/**
 * What bounds the process: resource limits, and the cgroups that carry charges.
 *
 * Source: prlimit(2), cgroups(7).
 *
 * @module
 */

import { entryFile } from "../../../ffi/files/cgroup_entry.ts";
import { rlimitBytes, RLIMITS } from "../../../ffi/processes/rlimit.ts";
import type { InitCgroups } from "../../operations/init_config.ts";
import type { Rlimit } from "../../../src/config/types/config.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";

/** Sets the resource limits. */
export function setLimits(rlimits: readonly Rlimit[]): PlanItem[] {
  const step = new StepBuilder("limits");
  rlimits.forEach(({ type, soft, hard }, k) => {
    const most = type === "RLIMIT_NOFILE" ? ", and more than fs.nr_open nobody can have" : "";
    const hint = `raising a hard limit needs CAP_SYS_RESOURCE${most}`;
    step.because(`set ${type} to ${soft}/${hard}`, type, `/process/rlimits/${k}`, hint)
      .call("prlimit64", [0, RLIMITS[type] as number, rlimitBytes(soft, hard), 0]);
  });
  return step.items;
}

/**
 * Enters the cgroups that charge for or limit what is used. It comes late, so that the container is
 * not charged for what init itself needs: V8's memory, its threads.
 */
export function enterCgroups({ late }: InitCgroups): PlanItem[] {
  const step = new StepBuilder("cgroups");
  const self = new TextEncoder().encode("0");
  for (const { controller, fd } of late) {
    const name = controller === "" ? "cgroup" : `${controller} cgroup`;
    step.because(`enter the ${name}`, entryFile(controller), "/linux/cgroupsPath")
      .call("write", [fd, self, self.length]);
  }
  return step.items;
}

/** Clears the umask, so that files get exactly the modes that init asks for. */
export function clearUmask(): PlanItem[] {
  const step = new StepBuilder("rootfs");
  step.because("let no umask change the modes that follow").call("umask", [0]);
  return step.items;
}
