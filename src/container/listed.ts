/**
 * What a list says of a container.
 *
 * @module
 */

import { OCI_VERSION_MAX } from "../config/validate/document.ts";
import type { ContainerError } from "../errors.ts";
import type { Status } from "../state/oci_state.ts";
import type { OutputFiles } from "../state/stored_state.ts";
import type { StateStore } from "../state/state_store.ts";

/** What a list says of one container. */
export interface ContainerInfo {
  /** The version of the runtime-spec that the state follows. */
  readonly ociVersion: string;
  /** The id that it was created with. */
  readonly id: string;
  /** The first process's number on the host; 0 where there is none, or once it has ended. */
  readonly pid: number;
  /** `broken`: its state can't be read, and nothing more is known of it. */
  readonly status: Status | "broken";
  /** The folder that relative paths of its config start from; "" for a broken one. */
  readonly bundle: string;
  /** The root file system's folder; "" for a broken one. */
  readonly rootfs: string;
  /** When it was created, RFC 3339, UTC; of a broken one, when its folder was last changed. */
  readonly created: string;
  /** The files that its program's output goes to, if its creator has named them. */
  readonly outputFiles?: OutputFiles | undefined;
  /** How the first process ended, once that is known: its exit code, or 128 plus the signal. */
  readonly exitCode?: number | undefined;
  /** Whether the kernel ended it for want of memory: see {@linkcode ExitStatus}. */
  readonly oomKilled?: boolean | undefined;
  /** The user who owns the state folder, by number. */
  readonly ownerUid: number;
  /** The annotations of its config. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** For a broken one: what is wrong with it. */
  readonly problem?: string | undefined;
}

/** The line of a container whose state can't be read. */
export function brokenInfo(
  store: StateStore,
  id: string,
  { message }: ContainerError,
): ContainerInfo {
  const made = look(store.folder(id));
  return {
    ociVersion: OCI_VERSION_MAX,
    id,
    pid: 0,
    status: "broken",
    bundle: "",
    rootfs: "",
    created: (made?.mtime ?? new Date(0)).toISOString(),
    ownerUid: made?.uid ?? 0,
    problem: message,
  };
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined; // it has gone meanwhile
  }
}
