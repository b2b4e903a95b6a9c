/**
 * Files on the host in the place of a process's standard stream. The process itself has them open.
 *
 * @module
 */

import { EISDIR, ENXIO, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NONBLOCK,
  O_WRONLY,
  open,
} from "../../ffi/files/file.ts";
import { S_IFDIR, S_IFIFO, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import { setBlocking } from "../../ffi/files/pipe.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";

/** For output: it is made where it is missing, and appended to. */
export const APPENDING: number = O_WRONLY | O_APPEND | O_CREAT;
const FILE_MODE = 0o600;

/**
 * Opens such a file without blocking: a fifo without another end would make this program wait, so
 * it is refused.
 *
 * @param flags O_RDONLY for input, {@linkcode APPENDING} for output
 * @throws {ContainerError} `SystemError`
 */
export function openStreamFile(path: string, flags: number): Fd {
  using stack = new DisposableStack();
  let fd: Fd;
  try {
    fd = stack.use(open(path, flags | O_NONBLOCK | O_CLOEXEC, FILE_MODE));
    const kind = statAt(fd, "").mode & S_IFMT;
    if (kind === S_IFIFO) throw new SyscallError("open", ENXIO, path);
    if (kind === S_IFDIR) throw new SyscallError("open", EISDIR, path);
    setBlocking(fd);
  } catch (cause) {
    throw syscallFailure(cause, "SystemError", "cannot open the file of a standard stream", {
      path,
      hint: hintFor(cause),
    });
  }
  stack.move();
  return fd;
}

function hintFor(cause: unknown): string | undefined {
  if (failedWith(cause, "ENXIO")) return "open a fifo yourself, and give the fd's number";
  if (failedWith(cause, "ENOENT")) return "it must be in a folder that is there";
  if (failedWith(cause, "EISDIR")) return "it is a folder: name a file in it";
  return undefined;
}

/**
 * Opens a file for a process's output.
 *
 * @throws {ContainerError} `SystemError`
 */
export function openOutputFile(path: string): Fd {
  return openStreamFile(path, APPENDING);
}
