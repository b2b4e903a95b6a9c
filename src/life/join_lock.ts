/**
 * The lock between those that join a container, any number at once, and a pause: who was half inside
 * when it was frozen would wait, and its caller with it, until the container is resumed.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, O_CREAT, O_NOFOLLOW, O_RDWR, open } from "../../ffi/files/file.ts";
import { tryLock, tryLockShared } from "../../ffi/files/file_lock.ts";
import { comesTrue } from "../cgroups/waiting.ts";
import { ContainerError } from "../errors.ts";

/** The file in the state folder, made by who needs it first. */
export const JOIN_LOCK = "joins";
const LONGEST_MS = 10_000;

/**
 * Takes the lock, to join or against those that do.
 *
 * @returns undefined if there is no such folder any more
 * @throws {ContainerError} `SystemError` if it can't be had for ten seconds
 * @throws the signal's reason
 */
export async function lockJoins(
  folder: string,
  who: "join" | "pause",
  signal?: AbortSignal,
): Promise<Fd | undefined> {
  const path = `${folder}/${JOIN_LOCK}`;
  let isTaken = false;
  const fd = openLock(path);
  if (fd === undefined) return undefined;
  try {
    const take = who === "join" ? tryLockShared : tryLock;
    isTaken = await comesTrue(() => take(fd), LONGEST_MS, signal);
  } finally {
    if (!isTaken) fd.close();
  }
  if (isTaken) return fd;
  throw new ContainerError(
    "SystemError",
    who === "join" ? "the container is being paused" : "a process is joining the container",
    { path, syscall: "flock", errno: "EAGAIN", hint: "try it again" },
  );
}

function openLock(path: string): Fd | undefined {
  try {
    return open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}
