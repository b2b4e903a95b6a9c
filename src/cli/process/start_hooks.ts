/** What is done around a program's start. @module */

import type { Config } from "../../config/types/config.ts";
import { type Caller, NotHere } from "../caller/caller.ts";

/**
 * Leaves a start with hooks right before and after it to the caller's own process. If a resident were
 * killed while one runs, who goes on would not know how it ended, nor which come next.
 *
 * @param config one that may not be checked yet
 * @throws {NotHere}
 */
export function requireNoStartHooks(config: Config | undefined, { isOther }: Caller): void {
  if (!isOther) return;
  const { startContainer, poststart } = config?.hooks ?? {};
  for (const hooks of [startContainer, poststart] as readonly unknown[]) {
    if (Array.isArray(hooks) && hooks.length > 0) throw new NotHere("hooks around a start");
  }
}
