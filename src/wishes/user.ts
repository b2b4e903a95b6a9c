/**
 * Users by name, from the container's own files.
 *
 * Source: passwd(5), group(5).
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import type { User } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { accountLines } from "../security/account_file.ts";

/** The highest id: to the kernel the one above it means "leave unchanged". */
const MAX_ID = 0xffff_fffe;

/** Gives the fields of each line of one of a container's account files. */
type AccountFiles = (path: string) => IteratorObject<readonly string[], unknown>;

/**
 * The ids of `USER[:GROUP]`. All digits are a number and never looked up as a name (CVE-2016-3697);
 * anything else must be a name in the container's /etc/passwd or /etc/group.
 *
 * @param user the ids already, or the text; undefined stays undefined
 * @param rootfs the container's root file system on the host
 * @throws {ContainerError} `ConfigInvalid`
 */
export function resolveUser(user: User | string | undefined, rootfs: string): User | undefined {
  if (typeof user !== "string") return user;
  return resolveUserIn((path) => lines(rootfs, path), user);
}

/**
 * The same with the lines of account files.
 *
 * @param lines gives the fields of the lines of /etc/passwd or /etc/group
 * @throws {ContainerError} `ConfigInvalid`
 */
export function resolveUserIn(lines: AccountFiles, user: string): User {
  const [name = "", group, ...rest] = user.split(":");
  if (name === "" || group === "" || rest.length > 0) throw notUserAndGroup(user, name);
  const own = /^\d+$/.test(name)
    ? { uid: parseId(name, user), gid: undefined }
    : findUser(lines, name, user);
  if (group !== undefined) {
    const gid = /^\d+$/.test(group) ? parseId(group, user) : findGroup(lines, group, user);
    return { uid: own.uid, gid };
  }
  return { uid: own.uid, gid: own.gid ?? primaryGroup(lines, own.uid) };
}

function parseId(text: string, user: string): number {
  const id = Number(text);
  // an empty field is not root's
  if (!/^\d+$/.test(text)) throw invalidUser(user, "has an id that is no number");
  if (id > MAX_ID) throw invalidUser(user, `has an id above ${MAX_ID}`);
  return id;
}

function findUser(
  lines: AccountFiles,
  name: string,
  user: string,
): { uid: number; gid: number } {
  const line = lines("/etc/passwd").find((fields) => fields[0] === name);
  if (line === undefined) throw invalidUser(user, "is not in the container's /etc/passwd");
  return { uid: parseId(line[2] ?? "", user), gid: parseId(line[3] ?? "", user) };
}

function findGroup(lines: AccountFiles, name: string, user: string): number {
  const line = lines("/etc/group").find((fields) => fields[0] === name);
  if (line === undefined) throw invalidUser(user, "has a group not in the container's /etc/group");
  return parseId(line[2] ?? "", user);
}

/** The group of a user given by number: that of its line in passwd(5), or 0. */
function primaryGroup(lines: AccountFiles, uid: number): number {
  const line = lines("/etc/passwd").find((fields) => fields[2] === String(uid));
  const gid = /^\d+$/.test(line?.[3] ?? "") ? Number(line?.[3]) : 0;
  return gid > MAX_ID ? 0 : gid;
}

/** The lines of a file inside the rootfs; none where even that can't be opened. */
function* lines(rootfs: string, path: string): Generator<readonly string[]> {
  using root = tryOpen(rootfs);
  if (root !== undefined) yield* accountLines(root, path);
}

function tryOpen(rootfs: string): Fd | undefined {
  try {
    return open(rootfs, O_PATH | O_DIRECTORY);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** Docker takes half of it as root or as no group, which an empty variable would come to. */
function notUserAndGroup(user: string, name: string): ContainerError {
  const hint = name === "" ? "name the user, too: 0 for root" : undefined;
  return invalidUser(user, "is no USER[:GROUP]", hint);
}

function invalidUser(
  user: string,
  what: string,
  hint = "give UID[:GID] or a name that the container knows",
): ContainerError {
  return new ContainerError("ConfigInvalid", `the user ${JSON.stringify(user)} ${what}`, {
    pointer: "/process/user",
    hint,
  });
}
