/**
 * The point at which the hooks of `create` run: all mounts are made, the root is not yet switched.
 *
 * The hooks are the parent's children, not init's: it runs them, in this process's namespaces where
 * the spec asks for that, while init waits.
 *
 * Source: the runtime-spec's "POSIX-platform Hooks".
 *
 * @module
 */

import type { InitFds } from "../../operations/init_config.ts";
import type { Hooks } from "../../../src/config/types/config.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";

/** What init writes to its status fd when the parent may run the hooks. */
export const HOOK_POINT = "hooks\n";

/** Whether a container has hooks that run while it is created. */
export function hasCreateHooks(hooks: Hooks | undefined): boolean {
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks ?? {};
  return prestart.length + createRuntime.length + createContainer.length > 0;
}

/** Tells the parent that the hooks may run, and waits for its word; ends if it is gone. */
export function waitForHooks(fds: InitFds): PlanItem[] {
  const step = new StepBuilder("hooks");
  const word = new TextEncoder().encode(HOOK_POINT);
  step.because("let the parent run the hooks", undefined, "/hooks")
    .call("write", [fds.status, word, word.length]);
  step.because("wait for the hooks' end; end if the parent is gone", undefined, "/hooks")
    .awaitByte(fds.control, "hooks.done")
    .land("hooks.done");
  return step.items;
}
