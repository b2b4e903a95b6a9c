/**
 * Tells of a container: its state, what it uses, and what happens in it.
 *
 * @module
 */

import type { ExitStatus } from "../../ffi/processes/process.ts";
import { unlessAborted } from "../../ffi/waiting/abort.ts";
import { ContainerError } from "../errors.ts";
import type { ContainerStats } from "../events.ts";
import { interfaceStats } from "../network/interface_stats.ts";
import { withOomKill } from "../process/oom_kill.ts";
import { makeOciState, type OciState, type State } from "../state/oci_state.ts";
import { notRunning } from "../state/status_rules.ts";
import type { StoredState } from "../state/stored_state.ts";
import { awaitRecord, lookUpExit, writeExitRecord } from "../supervisor/exit_record.ts";
import type { KnownContainer } from "./known_container.ts";

/** The state as the spec has it. */
export function ociStateOf(
  known: KnownContainer,
  stored: StoredState = known.state.read(),
): OciState {
  const status = known.statusOf(stored);
  return makeOciState(stored, status, status === "stopped" ? 0 : stored.init?.pid ?? 0);
}

/** The same with what hull knows beside it. */
export function stateOf(known: KnownContainer): State {
  const stored = known.state.read();
  const { rootfs, created, cgroupPaths, outputFiles } = stored;
  return {
    ...ociStateOf(known, stored),
    rootfs,
    created,
    cgroupPaths,
    ...(outputFiles === undefined ? {} : { outputFiles }),
  };
}

/** How the first process ended, if that was recorded. */
export function endOf({ folder, surroundings }: KnownContainer): ExitStatus | undefined {
  return withOomKill(lookUpExit(folder), surroundings.cgroups);
}

/**
 * What a container uses.
 *
 * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
 */
export function statsOf(known: KnownContainer): ContainerStats {
  const { id, state, surroundings } = known;
  if (state.read().init === undefined) {
    const summary = `container ${id} has no process yet, which could use anything`;
    throw new ContainerError("ContainerNotRunning", summary);
  }
  const networkInterfaces = (state.last().network?.networks.items ?? [])
    .flatMap(({ hostInterfaceName: name }) => name === undefined ? [] : [interfaceStats(name)])
    .filter((stats) => stats !== undefined);
  try {
    return { ...surroundings.cgroups.stats(), networkInterfaces };
  } catch (error) {
    // If it was removed meanwhile, or is being removed, that is the reason of the failure.
    if (known.statusOf(state.read()) === "stopped") throw notRunning({ id, status: "stopped" });
    throw error;
  }
}

/**
 * Waits for the end of a container's first process, even if there is none yet.
 *
 * @returns undefined if nobody knows how it ended, or if there will never be one
 * @throws the signal's reason
 */
export async function awaitEnd(
  known: KnownContainer,
  signal: AbortSignal | undefined,
): Promise<ExitStatus | undefined> {
  const { folder, state, surroundings: { poller, cgroups } } = known;
  signal?.throwIfAborted();
  if (known.init === undefined && !await state.begun(signal)) return undefined;
  const { init } = known;
  if (init === undefined) {
    const ended = await awaitRecord(folder, state.known, poller.until(signal));
    return withOomKill(ended, cgroups);
  }
  const status = await unlessAborted(init.ended(), signal);
  const isKept = init.supervisor !== undefined;
  if (status !== undefined && !isKept) writeExitRecord(folder, init.pid, status);
  return status;
}
