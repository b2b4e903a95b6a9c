/**
 * The state of a container as the OCI spec has it.
 *
 * Source: runtime.md, "State".
 *
 * @module
 */

import { OCI_VERSION_MAX } from "../config/validate/document.ts";
import type { OutputFiles, StoredState } from "./stored_state.ts";

/**
 * Where a container is in its life: `creating` (no process yet), `created` (init waits for the
 * start), `running`, `paused`, `stopped`.
 */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

/** The state that the OCI spec defines. */
export interface OciState {
  /** The version of the runtime-spec that the state follows, such as `1.3.0`. */
  readonly ociVersion: string;
  /** The id that it was created with; no other container in the same root folder has it. */
  readonly id: string;
  /** Where it is in its life. */
  readonly status: Status;
  /** The first process on the host; 0 where there is none. */
  readonly pid: number;
  /** The folder that relative paths of its config start from; absolute. */
  readonly bundle: string;
  /** The annotations of its config; missing if that has none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The spec's state with what hull knows beside it. */
export interface State extends OciState {
  /** The root file system's folder on the host; absolute, without links. */
  readonly rootfs: string;
  /** When it was created: RFC 3339, UTC. */
  readonly created: string;
  /** The folder of each cgroup controller, by its name; on v2 one, under the name "". */
  readonly cgroupPaths: Readonly<Record<string, string>>;
  /** The files that its program's output goes to; missing if nobody has named any. */
  readonly outputFiles?: OutputFiles | undefined;
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
