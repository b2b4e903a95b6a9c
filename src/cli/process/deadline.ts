/**
 * The end of a run whose time is over.
 *
 * @module
 */

import { Alarm } from "../../../ffi/waiting/alarm.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import { hasOwnPids } from "../../life/container_signals.ts";
import { startWatchdog } from "../../life/watchdog.ts";
import type { Process } from "../../process.ts";
import { identify, openIdentified } from "../../state/process_identity.ts";
import { usageError } from "../flags/options.ts";
import type { Output } from "../output/output.ts";

/** More than a year, which a timer can hold. */
const MAX_SECONDS = 2 ** 25;

/**
 * The seconds of --timeout; undefined where 0 asks for none.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function parseTimeout(written: string): number | undefined {
  const seconds = Number(written);
  if (/^\d+(?:\.\d+)?$/.test(written) && seconds <= MAX_SECONDS) return seconds || undefined;
  throw usageError(`--timeout ${written} is no number of seconds`, "such as 30; 0 for none");
}

/**
 * Has a container killed after some time by a process of its own, which is there when this program
 * has ended, and goes with the container.
 *
 * @throws {ContainerError} `Unsupported` where the host forbids executable files in memory,
 *   `ConfigInvalid` without a pid namespace
 */
export function killLater({ id, config }: Container, { pid }: Process, seconds: number): void {
  if (!hasOwnPids(config)) {
    throw usageError(
      "--timeout with --detach is for a container with a pid namespace of its own",
      "leave out --detach, or give the bundle one: with it all processes end by the first one's end",
    );
  }
  const identity = identify(pid);
  using first = identity && openIdentified(identity);
  if (first === undefined) return; // it has ended
  startWatchdog({ id, first, session: undefined, afterMs: seconds * 1000 });
}

/** Kills a container after some time, unless it is called off. */
export function killAfter(container: Container, seconds: number, output: Output): Disposable {
  using stack = new DisposableStack();
  const alarm = stack.use(new Alarm(stack.use(new Poller())));
  alarm.after(seconds * 1000, () => {
    output.warn(`the container is killed, as its ${seconds} seconds are over`);
    try {
      container.signal("KILL");
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ContainerNotRunning")) throw error;
    }
  });
  return stack.move();
}
