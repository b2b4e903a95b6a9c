/**
 * The root folder of the containers' states. A user who can write to it decides what hull does to
 * the host, since a state names processes, cgroups, mounts and interfaces.
 *
 * @module
 */

import { S_IFDIR, S_IFMT, tryStatPath } from "../../ffi/files/file_status.ts";
import { ContainerError } from "../errors.ts";

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;

/**
 * Refuses a root folder, or another one of hull's, that another user could write to. A sticky folder, such as /tmp, is refused
 * too, since anybody may make a container's folder there. A folder that does not exist is fine:
 * hull makes it.
 *
 * @param what it is, for the error
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireOwnRoot(path: string, what = "root folder"): void {
  const refused = (why: string, remedy?: string) => refusal(path, what, why, remedy);
  const status = tryStatPath(path, true);
  if (typeof status === "number") return; // whoever opens it says why not
  const { mode, uid, gid } = status;
  if ((mode & S_IFMT) !== S_IFDIR) throw refused("is no folder");
  const [self, ownGroup] = [Deno.uid() ?? 0, Deno.gid() ?? 0];
  if (uid !== 0 && uid !== self) throw refused(`belongs to user ${uid}`);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) throw refused("can be written to by all users");
  // A group with the number of its user is that user's alone, by the habit of useradd(8).
  const isPrivate = gid === 0 || (gid === ownGroup && gid === self);
  if ((mode & WRITABLE_BY_GROUP) !== 0 && !isPrivate) {
    throw refused(`can be written to by group ${gid}`, `chmod g-w ${path}, if it is yours`);
  }
}

function refusal(path: string, what: string, why: string, remedy?: string): ContainerError {
  const other = `name a ${what} that only its user may write to, or let hull make one below this`;
  return new ContainerError("ConfigInvalid", `the ${what} ${path} ${why}`, {
    path,
    hint: remedy ?? other,
  });
}
