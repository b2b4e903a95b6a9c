/**
 * The lock between processes that join a container, any number at once, and a pause. Without it a
 * pause could freeze a process that has joined only half, and its caller would wait until the
 * container is resumed.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, O_CREAT, O_NOFOLLOW, O_RDWR, open } from "../../ffi/files/file.ts";
import { tryLock, tryLockShared } from "../../ffi/files/file_lock.ts";
import { comesTrue } from "../cgroups/waiting.ts";
import { ContainerError } from "../errors.ts";

/** The file in the state folder, made by the first call that needs it. */
export const JOIN_LOCK = "joins";
const LONGEST_MS = 10_000;

/**
 * Takes the lock, shared for a join, exclusive for a pause. The state must be read after this:
 * before it another program may have paused, resumed or deleted the container.
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
