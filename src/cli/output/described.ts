/**
 * A container as `state` and `list` print it, in the fields and the order that engines know.
 *
 * @module
 */

import type { ContainerInfo } from "../../factory.ts";
import type { OutputFiles } from "../../state/stored_state.ts";

/** What is printed. */
export interface Described {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly outputFiles?: OutputFiles;
  readonly owner: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean | undefined;
  readonly problem?: string;
}

/** The description of a container. */
export function describe(info: ContainerInfo): Described {
  const { ociVersion, id, pid, status, bundle, rootfs, created, annotations } = info;
  const { ownerUid, exitCode, oomKilled, outputFiles, problem } = info;
  return {
    ociVersion,
    id,
    pid,
    status,
    bundle,
    rootfs,
    created,
    ...(annotations === undefined ? {} : { annotations }),
    ...(outputFiles === undefined ? {} : { outputFiles }),
    owner: userName(ownerUid),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(oomKilled === undefined ? {} : { oomKilled }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The user's name on the host; the number where passwd(5) has none. */
export function userName(uid: number): string {
  const passwd = readPasswd().split("\n").map((line) => line.split(":"));
  return passwd.find((fields) => fields[2] === String(uid))?.[0] ?? `#${uid}`;
}

function readPasswd(): string {
  try {
    return Deno.readTextFileSync("/etc/passwd");
  } catch {
    return ""; // a host may have none; the number will do
  }
}
