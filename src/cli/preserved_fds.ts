/** How many of hull's fds a process keeps. @module */

import { type GivenFlags, text } from "./command.ts";
import { usageError } from "./options.ts";

/**
 * The number behind `--preserve-fds`.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function preservedFds(flags: GivenFlags): number {
  const value = text(flags, "preserve-fds") ?? "0";
  if (/^\d{1,4}$/.test(value)) return Number(value);
  throw usageError(`--preserve-fds ${value} is no number of fds`, "use a number from 0 to 9999");
}
