/**
 * A container's process that a launcher has made: what it waits for, and how it takes the
 * launcher's place. Loaded where a pid or user namespace is joined.
 *
 * @module
 */

import { openPidfd } from "../../ffi/processes/process.ts";
import { comesWithin } from "../../ffi/waiting/abort.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import type { InitStatus } from "../process/init_status.ts";
import { Child, NOT_TOLD } from "../process/parent_process.ts";
import type { Words } from "./child_steps.ts";
import type { InitProcess } from "./init_process.ts";
import { letGoOn } from "../process/control_pipe.ts";
import type { ParentSteps } from "./parent_steps.ts";
import type { StartSubject } from "./start_subject.ts";

/** Far more than an init takes to boot. */
const PATIENCE_MS = 3000;

/**
 * What a launcher made: the child that joined, which has ended, and the container's process. With
 * an usher both are the usher until it has made the process.
 */
export interface Launched {
  readonly first: number;
  readonly pid: number;
}

/** Does what the process waits for: its network, its id maps. */
export async function attendLaunched(
  { first, pid }: Launched,
  { control }: Words,
  init: InitProcess,
  parent: ParentSteps,
  { config: { linux: { namespaces = [] } = {} }, poller }: StartSubject,
): Promise<void> {
  init.trace?.follow(init.pid, first, pid);
  if (parent.makesNetworkLater) {
    using child = new Child(pid, openPidfd(pid), poller, NOT_TOLD);
    await parent.makeNetwork(child);
    letGoOn(control.writer); // the launcher's
  }
  if (!isNew(namespaces, "user")) return;
  await parent.writeIdMaps(pid);
  letGoOn(control.writer);
}

/** Takes the process from the launcher, which has ended then like its first child. */
export async function adoptLaunched(
  { first, pid }: Launched,
  init: InitProcess,
  { poller }: StartSubject,
): Promise<void> {
  const { child: launcher, supervisor } = init;
  if (supervisor !== undefined) {
    using made = openPidfd(first);
    const pidfd = openPidfd(pid);
    init.isBorn(new Child(pid, pidfd, poller, supervisor));
    supervisor.adopt(pidfd, made);
    return launcher[Symbol.dispose]();
  }
  init.isBorn(new Child(pid, openPidfd(pid), poller));
  await new Child(first, openPidfd(first), poller).wait();
  await launcher.wait();
}

/**
 * Ends a launcher whose start is aborted. It ends by itself once nobody speaks to it any more, and has
 * said by then what it made: one that is killed between both leaves a process of which nobody knows, a
 * zombie that keeps the joined pid namespace from ending. Only one that was stopped is killed.
 */
export async function endLauncher({ control }: Words, { child }: InitProcess): Promise<void> {
  control.writer.close();
  if (!await comesWithin(child.ended(), PATIENCE_MS)) await child.kill();
}

/** Takes the status of each: a launcher that failed has still said which they are. */
export async function reapLaunched(
  status: InitStatus,
  launched: Launched | undefined,
): Promise<void> {
  let known = launched;
  for await (const message of status.rest()) {
    if (message.kind === "launched") known = message;
    if (message.kind === "born") known = { first: known?.first ?? 0, pid: message.pid };
  }
  for (const pid of new Set([known?.first ?? 0, known?.pid ?? 0])) {
    if (pid > 0) await status.reap(pid);
  }
}
