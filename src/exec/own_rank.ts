/**
 * A further process of an ordinary user's ranks itself for when memory runs out, while its files in
 * /proc are the user's own still: those of a process that nobody may look into are root's.
 *
 * Source: proc(5), "/proc/pid/oom_score_adj"; prctl(2), PR_SET_DUMPABLE.
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../../ffi/files/file.ts";
import { type PlanItem, result, StepBuilder } from "../../init/operations/operation.ts";

const FILE = "/proc/self/oom_score_adj";

/** The operations; a score that only root may give leaves the process as it is. */
export function rankItself(score: number): readonly PlanItem[] {
  const step = new StepBuilder("limits");
  const text = String(score);
  step.because("rank itself for when memory runs out", FILE, "/process/oomScoreAdj")
    .call("openat", [AT_FDCWD, FILE, O_WRONLY | O_CLOEXEC, 0], { label: "exec.rank" })
    .call("write", [result("exec.rank"), text, text.length], { tolerated: "EACCES" })
    .close("exec.rank");
  return step.items;
}
