/**
 * Records in the container's folder how its first process ended, for later calls: the siginfo_t of
 * waitid(2), as the supervisor, which runs no JavaScript, got it from the kernel, and behind it what
 * memory_record.ts reads. An empty file means that a supervisor is there and will write it.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { readFromStart } from "../../ffi/files/offset.ts";
import {
  AT_FDCWD,
  type Fd,
  O_APPEND,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  open,
  writeAll,
} from "../../ffi/files/file.ts";
import { unlinkAt } from "../../ffi/files/entries.ts";
import { S_IFMT, S_IFREG, statAt } from "../../ffi/files/file_status.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import {
  decodeEnd,
  encodeEnd,
  type ExitStatus,
  SIGINFO_SIZE,
} from "../../ffi/processes/process.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { openIdentified } from "../state/process_identity.ts";
import { EXIT_FILE } from "../state/state_temporary.ts";
import type { StoredState } from "../state/stored_state.ts";
import { readMemory } from "./memory_record.ts";

/** Never follow a link, nor wait for the other end of a fifo. */
const OWN = O_NOFOLLOW | O_NONBLOCK;

/** Opens a container's record to be written, empty. */
export function createExitRecord(folder: string): Fd {
  return open(`${folder}/${EXIT_FILE}`, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | OWN, 0o600);
}

/** Writes a container's record; nothing happens if the container is gone. */
export function writeExitRecord(folder: string, pid: number, status: ExitStatus): void {
  try {
    using file = createExitRecord(folder);
    writeAll(file, encodeEnd(pid, status));
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
  }
}

/** Takes away the record of a start that was undone. */
export function removeExitRecord(folder: string): void {
  try {
    unlinkAt(AT_FDCWD, `${folder}/${EXIT_FILE}`);
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
  }
}

/**
 * Opens a container's record for reading; undefined if there is none. Anything but a regular file
 * does not count.
 */
export function openExitRecord(folder: string): Fd | undefined {
  using stack = new DisposableStack();
  try {
    const record = stack.use(open(`${folder}/${EXIT_FILE}`, O_RDONLY | OWN));
    if ((statAt(record, "").mode & S_IFMT) !== S_IFREG) return undefined;
    stack.move();
    return record;
  } catch (error) {
    if (failedWith(error, "ENOENT", "ELOOP")) return undefined;
    throw error;
  }
}

/**
 * Waits for a container's end and for the record of it.
 *
 * @returns undefined if there is no record
 * @throws the reason of the poller's abort
 */
export async function awaitRecord(
  folder: string,
  { init, supervisor }: Pick<StoredState, "init" | "supervisor">,
  poller: Poller,
): Promise<ExitStatus | undefined> {
  using record = openExitRecord(folder);
  using pidfd = init === undefined ? undefined : openIdentified(init);
  if (pidfd !== undefined) await poller.wait(pidfd);
  if (record === undefined) return undefined;
  const told = readExitRecord(record);
  if (told !== undefined) return told; // who wrote it may be this program
  using writer = supervisor === undefined ? undefined : openIdentified(supervisor);
  if (writer !== undefined) await poller.wait(writer);
  return readExitRecord(record);
}

/** How a container ended, if that was recorded. */
export function lookUpExit(folder: string): ExitStatus | undefined {
  using record = openExitRecord(folder);
  return record === undefined ? undefined : readExitRecord(record);
}

/** What a record says; undefined while it is empty. It can be read after the container is gone. */
export function readExitRecord(record: Fd): ExitStatus | undefined {
  const bytes = readFromStart(record);
  const status = decodeEnd(bytes);
  if (status?.signal !== SIGKILL || !readMemory(bytes.subarray(SIGINFO_SIZE))) return status;
  return { ...status, oomKilled: true };
}
