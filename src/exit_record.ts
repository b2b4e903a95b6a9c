/**
 * How a container's first process ended, kept in the container's folder for whoever asks later: the
 * siginfo_t of waitid(2), as the supervisor, which runs no JavaScript, got it from the kernel. An
 * empty file says that somebody is there who will write it.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import { readFromStart } from "../ffi/eventfd.ts";
import {
  type Fd,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  open,
  writeAll,
} from "../ffi/file.ts";
import { decodeEnd, encodeEnd, type ExitStatus } from "../ffi/process.ts";

const NAME = "exit";

/** Opens a container's record to be written, empty. */
export function createExitRecord(folder: string): Fd {
  return open(`${folder}/${NAME}`, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
}

/** Writes a container's record; nothing happens if the container is gone. */
export function writeExitRecord(folder: string, pid: number, status: ExitStatus): void {
  try {
    using file = createExitRecord(folder);
    writeAll(file, encodeEnd(pid, status));
  } catch (error) {
    if (!(error instanceof SyscallError && error.code === "ENOENT")) throw error;
  }
}

/** Opens a container's record to be read; undefined if nobody keeps one. */
export function openExitRecord(folder: string): Fd | undefined {
  try {
    return open(`${folder}/${NAME}`, O_RDONLY);
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** What a record says; undefined while it is empty. It can be read after the container is gone. */
export function readExitRecord(record: Fd): ExitStatus | undefined {
  return decodeEnd(readFromStart(record));
}
