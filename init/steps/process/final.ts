/**
 * The last things before the program: its working folder, its fds, and the hand-over with the
 * parent.
 *
 * Source: close_range(2), prctl(2), the runtime-spec's "Lifecycle".
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC, LAST_FD } from "../../../ffi/c/fd_numbers.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import { PR } from "../../../ffi/processes/credentials.ts";
import { openHow, PATH_MAX, RESOLVE_NO_MAGICLINKS } from "../../../ffi/files/path.ts";
import type { InitFds } from "../../operations/init_config.ts";
import type { Destination } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { makeMissing, ROOT } from "../places/paths.ts";

const CLOSE_RANGE_UNSHARE = 2;

const encoder = new TextEncoder();

/** What init writes to its status fd when the container is ready. */
export const READY = "ready\n";
/**
 * The label of the wait for the start. Up to it the parent that made the container stays with init.
 */
export const RELEASED = "released";

/**
 * Makes the working folder if the image lacks it.
 *
 * @param afterHooks whether hooks have run since it was looked for: they may have mounted something
 *   over a folder on its way, so that each one is made anew
 */
export function makeWorkingFolder(
  cwd: string,
  destination: Destination,
  afterHooks: boolean,
): PlanItem[] {
  const step = new StepBuilder("pivot");
  step.because("make the working folder", cwd, "/process/cwd");
  const { components, missing, isSure } = destination;
  if (isSure) {
    const unseen = afterHooks ? components.length : missing;
    makeMissing(step, { ...destination, missing: unseen }, "directory", "cwd");
  } else step.place(ROOT, cwd, "cwd.made", "directory").close("cwd.made");
  return step.items;
}

/** Enters the working folder, never through a link of /proc to an fd (CVE-2024-21626). */
export function enterWorkingFolder(
  cwd: string,
  { components }: Pick<Destination, "components">,
): PlanItem[] {
  const step = new StepBuilder("exec");
  const how = openHow(O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
  step.because(
    `enter ${cwd} with chdir`,
    cwd,
    "/process/cwd",
    "it must be a folder inside the container",
  )
    .call("openat2", [AT_FDCWD, cwd, how, how.length], { label: "cwd", components })
    .call("fchdir", [result("cwd")]);
  // getcwd(2) gives "(unreachable)/..." for a folder outside the root, which leads nowhere.
  const path = { space: PATH_MAX, name: "cwd.path" };
  step.because(`check that ${cwd} is inside the root`, cwd, "/process/cwd")
    .call("getcwd", [path, PATH_MAX])
    .call("openat", [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { label: "cwd.check" })
    .close("cwd.check", "cwd");
  return step.items;
}

/**
 * Closes what the program must not inherit, in a table of fds that other threads of init don't
 * share; the fds for the hand-over close at execve.
 *
 * @param preserved how many fds from 3 on are the program's
 */
export function closeFds(fds: InitFds, preserved: number): PlanItem[] {
  const step = new StepBuilder("exec");
  const kept = [fds.status, fds.control, fds.start].sort((a, b) => a - b);
  step.because(`close all fds above ${2 + preserved} but those of the hand-over`);
  let first = 3 + preserved;
  for (const fd of kept) {
    if (fd > first) step.call("close_range", [first, fd - 1, CLOSE_RANGE_UNSHARE]);
    step.call("fcntl", [fd, F_SETFD, FD_CLOEXEC]);
    first = fd + 1;
  }
  step.call("close_range", [first, LAST_FD, CLOSE_RANGE_UNSHARE]);
  return step.items;
}

/**
 * Removes the parent-death signal, which kills init up to here. From now on init notices by the
 * pipe of the hand-over that the parent has gone. So once the container is made, the end of the
 * parent can't kill it.
 */
export function outliveParent(): PlanItem[] {
  const step = new StepBuilder("ready");
  step.because("outlive the parent from its word on").call("prctl", [PR.SET_PDEATHSIG, 0, 0, 0, 0]);
  return step.items;
}

/**
 * Tells the parent that all is ready and waits for its answer. If the pipe ends, the parent is
 * gone, and init ends too. Only reads and writes are used, because a filter with a listener may be
 * loaded by then.
 */
export function handOver(fds: InitFds): PlanItem[] {
  const step = new StepBuilder("ready");
  tellAndWait(step, "the container", fds.status, fds.control);
  step.because("wait for the start")
    .call("read", [fds.start, new Uint8Array(1), 1], { label: RELEASED });
  return step.items;
}

/**
 * The same for a further process, which waits for no start: its parent does its work for it before
 * the program's first instruction.
 */
export function waitForParent(status: number, control: number): PlanItem[] {
  const step = new StepBuilder("ready");
  tellAndWait(step, "the process", status, control);
  step.because("go on").call("read", [control, new Uint8Array(1), 0], { label: RELEASED });
  return step.items;
}

function tellAndWait(step: StepBuilder, who: string, status: number, control: number): void {
  const ready = encoder.encode(READY);
  step.because(`tell the parent that ${who} is ready`)
    .call("write", [status, ready, ready.length]);
  step.because("wait for the parent; end if it is gone")
    .awaitByte(control, RELEASED);
}
