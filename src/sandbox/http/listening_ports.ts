/**
 * The ports on which a program of a sandbox listens.
 *
 * Source: proc_pid_net(5), tcp; proc_pid_fd(5).
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { readText } from "../../../ffi/files/file.ts";

const LISTENS = "0A";

/** The TCP ports on which a process listens, by its number on the host; none if it has ended. */
export function listeningPorts(pid: number): number[] {
  try {
    const own = socketsOf(pid);
    return ["tcp", "tcp6"].flatMap((name) =>
      readText(`/proc/${pid}/net/${name}`).split("\n").slice(1).flatMap((line) => {
        const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
        if (state !== LISTENS || !own.has(inode)) return [];
        return [parseInt(local.slice(local.lastIndexOf(":") + 1), 16)];
      })
    );
  } catch (error) {
    if (error instanceof SyscallError || error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The inodes of its sockets. */
function socketsOf(pid: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) found.add(inode);
    } catch { /* it was closed meanwhile */ }
  }
  return found;
}
