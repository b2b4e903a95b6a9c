/**
 * The root folder of the containers' states. A user who can write to it decides what hull does to
 * the host, since a state names processes, cgroups, mounts and interfaces.
 *
 * @module
 */

import { S_IFDIR, S_IFMT, tryStatPath } from "../../ffi/files/file_status.ts";
import { ContainerError } from "../errors.ts";
import { storeError } from "./container_folder.ts";

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
const ROOT_MODE = 0o700;
const STICKY = 0o1000;

/** What a folder is for, and what to do about one that others can write to. */
export interface KindOfFolder {
  readonly name: string;
  readonly hint: string;
}

const ROOT_FOLDER: KindOfFolder = {
  name: "root folder",
  hint: "name a root folder that only its user may write to, or let hull make one below this",
};

/**
 * Refuses a root folder, or another one of hull's, that another user could write to. A sticky
 * folder, such as /tmp, is refused too, since anybody may make a container's folder there. A folder
 * that does not exist is fine: hull makes it.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireOwnRoot(path: string, kind: KindOfFolder = ROOT_FOLDER): void {
  const refused = (why: string, hint = kind.hint) =>
    new ContainerError("ConfigInvalid", `the ${kind.name} ${path} ${why}`, { path, hint });
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

/**
 * Makes a root folder, with those above it. Who cleans up a user's XDG_RUNTIME_DIR leaves alone what
 * has the sticky bit: see the XDG Base Directory Specification.
 */
export function makeRoot(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: ROOT_MODE });
  if (Deno.uid() !== 0) Deno.chmodSync(path, STICKY | ROOT_MODE);
}

/** What is in it; nothing if it is not there. */
export function namesIn(root: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(root)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw storeError(`cannot list ${root}`, root, error);
  }
}
