/**
 * One run of a container for a daemon: it is started, waited for and removed, whatever ends it.
 *
 * @module
 */

import { onAbort } from "../../ffi/waiting/abort.ts";
import type { Container } from "../container.ts";
import type { RunOptions, RunStatus, StartCallback } from "./driver_command.ts";
import { ContainerError } from "../errors.ts";
import type { Factory } from "../factory.ts";
import type { Flows, Wiring } from "./wiring.ts";
import type { Process } from "../process.ts";
import { finish, undone } from "../failures/undo.ts";
import type { Cut } from "./cut.ts";

/** What a run has beside its container and its process. */
export interface Run {
  readonly wiring: Wiring;
  readonly cut: Cut;
  readonly supervised: boolean;
  readonly startCallback: StartCallback;
  readonly exitCallback: RunOptions["exitCallback"];
  /** What made the container. */
  readonly factory: Factory;
}

/** Starts a container, waits for its end and removes it, whatever ends it. */
export async function liveOnce(
  container: Container,
  process: Process,
  { wiring, cut, supervised, startCallback, exitCallback, factory }: Run,
): Promise<RunStatus> {
  const { signal } = cut;
  let flows: Flows | undefined;
  const steps = [
    () => {
      if (process.isStarted) flows ??= cut.begin(wiring, process); // its program could not run
      flows?.stopInput();
    },
    () => container[Symbol.asyncDispose](),
    () => flows?.drained(),
  ];
  let status: RunStatus;
  try {
    await container.run(process, { supervised, signal });
    flows = cut.begin(wiring, process);
    using _ = onAbort(signal, () => end(container));
    await cut.unless(() => startCallback(process.pid, process));
    const ended = await process.wait();
    status = { ...ended, oomKills: oomKillsOf(container, factory) };
    await exitCallback?.(status);
  } catch (error) {
    throw await undone(error, ...steps);
  }
  await finish(...steps);
  return status;
}

/** Another program may have deleted the container meanwhile. */
function oomKillsOf(container: Container, factory: Factory): number {
  try {
    return container.stats().memory?.oomKills ?? 0;
  } catch (error) {
    if (factory.ids().includes(container.id)) throw error;
    return 0;
  }
}

/** Sends a signal to a container or process that may have ended or been removed since. */
export function end(target: Pick<Container | Process, "signal">, signal = "KILL"): void {
  try {
    target.signal(signal);
  } catch (error) {
    if (!(error instanceof ContainerError && GONE.has(error.code))) throw error;
  }
}

const GONE: ReadonlySet<string> = new Set([
  "ContainerNotExists",
  "ContainerNotRunning",
  "NoProcessOps",
]);
