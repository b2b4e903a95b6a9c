/**
 * The files behind a process's streams, as containerd names them: fifos that its client reads and
 * writes, files, and programs that log.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import {
  AT_EMPTY_PATH,
  type Fd,
  O_APPEND,
  O_CREAT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  open,
} from "../../../ffi/files/file.ts";
import { chownAt } from "../../../ffi/files/entries.ts";
import { setBlocking } from "../../../ffi/files/pipe.ts";
import { S_IFIFO, S_IFMT, statAt } from "../../../ffi/files/file_status.ts";
import { StatusError } from "../../ttrpc/messages.ts";

/** What containerd says of a process's streams; a name that is empty stands for none. */
export interface StreamNames {
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Who owns the streams on the host; 0 and 0 leave them as they are. */
export interface StreamOwner {
  readonly uid: number;
  readonly gid: number;
}

/** A stream of which the process gets one end. */
export interface OpenStream {
  /** The process's end. */
  readonly process: Fd;
  /**
   * Both ends of a fifo, so that a reader that goes away and comes back ends nothing; undefined for
   * a file.
   */
  readonly held: Fd | undefined;
  /** Whether somebody reads it, or is about to: who comes later must find it open. */
  readonly isRead: boolean;
}

/**
 * Opens a stream that a process writes to.
 *
 * @param name a fifo's or a file's path, or a `file://` URI of one that may have to be made
 * @throws {StatusError} for another kind of URI
 * @throws {SyscallError}
 */
export function openOutput(name: string, owner: StreamOwner): OpenStream {
  using stack = new DisposableStack();
  const file = fileOf(name);
  if (file !== undefined) {
    Deno.mkdirSync(folderOf(file), { recursive: true, mode: 0o755 });
    const process = open(file, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    return { process, held: undefined, isRead: true };
  }
  const early = stack.use(openRead(name));
  const first = stack.use(open(name, O_RDWR | O_NONBLOCK));
  const isFifo = (statAt(first, "").mode & S_IFMT) === S_IFIFO;
  if (!isFifo) {
    const file = stack.use(open(name, O_WRONLY | O_APPEND));
    own(file, owner);
    stack.move();
    for (const end of [first, early]) end?.close();
    return { process: file, held: undefined, isRead: true };
  }
  const process = early ?? stack.use(open(name, O_WRONLY));
  setBlocking(process);
  own(process, owner);
  stack.move();
  return { process, held: first, isRead: early !== undefined };
}

/** The end of a fifo to write to; undefined if nobody has it open to read, or is about to. */
export function openRead(name: string): Fd | undefined {
  try {
    return open(name, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if (failedWith(error, "ENXIO")) return undefined;
    throw error;
  }
}

/**
 * Opens a stream that a process reads. Its end comes when the client has closed it and `held` is
 * closed.
 *
 * @throws {SyscallError}
 */
export function openInput(name: string, owner: StreamOwner): OpenStream {
  using stack = new DisposableStack();
  const held = stack.use(open(name, O_RDWR | O_NONBLOCK));
  const process = stack.use(open(name, O_RDONLY));
  own(process, owner);
  stack.move();
  return { process, held, isRead: true };
}

/** The path in a `file://` URI. */
function fileOf(name: string): string | undefined {
  const scheme = schemeOf(name);
  if (scheme === undefined || scheme === "fifo") return undefined;
  if (scheme === "file") return decodeURIComponent(new URL(name).pathname);
  throw new StatusError("InvalidArgument", `unknown kind of stream: ${name}`);
}

/** What stands before `://`; undefined for a path. */
export function schemeOf(name: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(name)?.[1]?.toLowerCase();
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function own(fd: Fd, { uid, gid }: StreamOwner): void {
  if (uid !== 0 || gid !== 0) chownAt(fd, "", uid, gid, AT_EMPTY_PATH);
}
