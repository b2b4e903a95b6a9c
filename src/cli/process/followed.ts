/** What is done after a program's start. @module */

import type { Config } from "../../config/types/config.ts";
import { type Caller, NotHere } from "../caller/caller.ts";

/**
 * Leaves a start with hooks after it to the caller's own process. If a resident were killed while one
 * runs, who goes on would not know how it ended, nor which come next.
 *
 * @param config one that may not be checked yet
 * @throws {NotHere}
 */
export function requireNotFollowed(config: Config | undefined, { isOther }: Caller): void {
  const hooks: unknown = config?.hooks?.poststart;
  if (isOther && Array.isArray(hooks) && hooks.length > 0) throw new NotHere("hooks after a start");
}
