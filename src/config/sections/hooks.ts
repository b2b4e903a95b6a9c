/**
 * Checks of `hooks` (config.md, POSIX-platform Hooks).
 *
 * @module
 */

import { type Field, MAX_EXACT } from "../fields/field.ts";

/** The points of the container's life that have hooks, in order. */
export const HOOK_POINTS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;
/** One of {@linkcode HOOK_POINTS}. */
export type HookPoint = typeof HOOK_POINTS[number];

/** Every list of hooks. */
export function checkHooks(hooks: Field): void {
  if (!hooks.isObject()) return;
  for (const point of HOOK_POINTS) {
    for (const hook of hooks.get(point).items()) {
      if (!hook.isObject()) continue;
      hook.need("path").absolutePath();
      hook.get("args").strings();
      hook.get("env").strings();
      hook.get("timeout").integer(1, MAX_EXACT);
    }
  }
}
