/**
 * Locks that nobody but hull's own user can hold: flock(2) on a file of mode 0600.
 *
 * Every process that can open a file, even for reading only, can hold a lock on it. So these locks
 * are never on a file or folder of others, such as a namespace, which every process may open.
 *
 * The file exists while a process holds or awaits the lock. The holder removes the file before it
 * releases the lock. A process that gets the lock of a file which was removed meanwhile begins
 * again with a new file.
 *
 * @module
 */

import { type Fd, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR, open } from "../../../ffi/files/file.ts";
import { S_IFMT, S_IFREG, statAt, tryStatPath } from "../../../ffi/files/file_status.ts";
import { waitForLock } from "../../../ffi/waiting/lock.ts";
import { ContainerError } from "../../errors.ts";
import { attempt } from "./failure.ts";

const MODE = 0o600;
const OTHERS = 0o077;

/** A lock that is held until it is disposed of or this process ends. */
export class LockFile implements Disposable {
  readonly #fd: Fd;
  readonly #path: string;

  private constructor(fd: Fd, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  /**
   * Takes the lock, waiting for its holder.
   *
   * @param path of its file, in a folder where nobody else can make one
   * @param what is locked, for the error: `the bridges`
   * @throws {ContainerError} `SystemError` if it is held all the time, or the file is not hull's
   *   own
   * @throws the signal's reason
   */
  static async take(
    path: string,
    what: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<LockFile> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const fd = openOwn(path);
      let isTaken = false;
      try {
        const rest = Math.max(0, end - performance.now());
        if (!await waitForLock(fd, rest, signal)) throw held(path, what);
        isTaken = isAt(fd, path);
      } finally {
        if (!isTaken) fd.close();
      }
      if (isTaken) return new LockFile(fd, path);
    }
  }

  /** Releases the lock. */
  [Symbol.dispose](): void {
    if (!this.#fd.isOpen) return;
    try {
      if (isAt(this.#fd, this.#path)) Deno.removeSync(this.#path);
    } catch {
      /* it stays, and serves the next */
    } finally {
      this.#fd.close();
    }
  }
}

/**
 * Opens the file. A file that others could open, or could have put there, is refused: it would
 * protect nothing.
 */
function openOwn(path: string): Fd {
  return attempt(`cannot open the lock ${path}`, { path }, () => {
    using stack = new DisposableStack();
    const fd = stack.use(open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, MODE));
    const { mode, uid } = statAt(fd, "");
    if ((mode & S_IFMT) !== S_IFREG || (mode & OTHERS) !== 0 || uid !== Deno.uid()) {
      throw new ContainerError("SystemError", `the lock ${path} is not hull's own`, {
        step: "network",
        path,
        hint: "remove it: it must be a file of hull's user that nobody else may open",
      });
    }
    stack.move();
    return fd;
  });
}

/** Whether the file is the one that is found by the path. */
function isAt(fd: Fd, path: string): boolean {
  const there = tryStatPath(path, false);
  return typeof there !== "number" && there.inode === statAt(fd, "").inode;
}

function held(path: string, what: string): ContainerError {
  return new ContainerError("SystemError", `${what} are in use by another call`, {
    step: "network",
    syscall: "flock",
    errno: "EAGAIN",
    path,
    hint: "wait for the other hull to end",
  });
}
