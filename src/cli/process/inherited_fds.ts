/**
 * The fds that hull's caller passes to the container.
 *
 * @module
 */

import type { Caller } from "../caller/caller.ts";
import { type GivenFlags, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";

/** How many fds from 3 on go on to the container: those of systemd, and those of the flag. */
export function inheritedCount(flags: GivenFlags, caller: Caller): number {
  return preservedFds(flags) + listenFds(caller);
}

/**
 * The variables by which the container's program finds what systemd passed: sd_listen_fds(3).
 *
 * @param pid the program's number in the container
 */
export function listenVariables(caller: Caller, pid: 1 | 2): string[] {
  const count = listenFds(caller);
  return count === 0 ? [] : [`LISTEN_FDS=${count}`, `LISTEN_PID=${pid}`];
}

/**
 * The fds that systemd passed to this very process. If LISTEN_PID names another process, there are
 * none.
 */
function listenFds(caller: Caller): number {
  const pid = caller.variable("LISTEN_PID");
  if (pid === undefined || pid !== String(caller.identity.pid)) return 0;
  const listen = caller.variable("LISTEN_FDS") ?? "";
  return /^[1-9]\d{0,3}$/.test(listen) ? Number(listen) : 0;
}

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
