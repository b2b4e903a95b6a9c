/**
 * The state of a container as the OCI spec has it.
 *
 * Source: runtime.md, "State".
 *
 * @module
 */

import { OCI_VERSION_MAX } from "./config/validate.ts";
import type { StoredState } from "./state_store.ts";

/**
 * Where a container is in its life: `creating` (no process yet), `created` (init waits for the
 * start), `running`, `paused`, `stopped`.
 */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** The state that the OCI spec defines. */
export interface OciState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: Status;
  /** The first process on the host; 0 where there is none. */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The state of a container, given what is stored of it. */
export function makeOciState(
  { id, bundle, config: { annotations } }: Pick<StoredState, "id" | "bundle" | "config">,
  status: Status,
  pid: number,
): OciState {
  return {
    ociVersion: OCI_VERSION_MAX,
    id,
    status,
    pid,
    bundle,
    ...(annotations === undefined ? {} : { annotations }),
  };
}
