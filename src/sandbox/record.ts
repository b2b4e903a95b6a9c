/**
 * What is kept of a sandbox beside its container's state: `sandbox.json` in the container's folder.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_CREAT,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  open,
  readAll,
} from "../../ffi/files/file.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { pause } from "../../ffi/waiting/abort.ts";
import { ContainerError } from "../errors.ts";
import { isAlive, type ProcessIdentity } from "../state/process_identity.ts";
import { replaceFile } from "../state/replace_file.ts";

/** What is kept. */
export interface SandboxRecord {
  /** The form of this record. */
  readonly format: 1;
  /** The sandbox's first process. */
  readonly first?: ProcessIdentity | undefined;
  /** When it ends, in milliseconds since 1970; undefined for a session. */
  readonly deadline?: number | undefined;
  /** The program with which a session ends. */
  readonly session?: ProcessIdentity | undefined;
  /** What ends it in time. */
  readonly watchdog?: ProcessIdentity | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
  readonly created: number;
}

const NAME = "sandbox.json";
const LOCK = "sandbox.lock";
const MODE = 0o600;

/**
 * Waits until no other program changes the record, and keeps others from it until the lock is
 * closed.
 *
 * @throws {SyscallError} ENOENT if the sandbox is gone
 * @throws {ContainerError} `SystemError` if somebody keeps the lock
 */
export async function lockRecord(folder: string): Promise<Fd> {
  const path = `${folder}/${LOCK}`;
  using stack = new DisposableStack();
  const lock = stack.use(open(path, O_RDWR | O_CREAT | O_NOFOLLOW, MODE));
  const end = performance.now() + LONGEST_WAIT;
  while (!tryLock(lock)) {
    if (performance.now() > end) {
      throw new ContainerError("SystemError", "another program keeps the sandbox's record locked", {
        syscall: "flock",
        errno: "EAGAIN",
        path,
        hint: "see whether one has been stopped",
      });
    }
    await pause(LOOK_AGAIN);
  }
  stack.move();
  return lock;
}

/** In milliseconds: a change takes one or two. */
const [LONGEST_WAIT, LOOK_AGAIN] = [10_000, 2];

/** Writes it, so that a reader sees the old one or the new one. */
export function writeRecord(folder: string, record: SandboxRecord): void {
  replaceFile(`${folder}/${NAME}`, JSON.stringify(record), MODE);
}

/** Reads it; undefined for a container that is no sandbox, or is gone. */
export function readRecord(folder: string): SandboxRecord | undefined {
  try {
    using file = open(`${folder}/${NAME}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found: unknown = JSON.parse(new TextDecoder().decode(readAll(file)));
    return isRecord(found) ? found : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Only hull writes into the folder, so the form tells. */
function isRecord(found: unknown): found is SandboxRecord {
  return typeof found === "object" && found !== null && "format" in found && found.format === 1;
}

/** Whether nobody wants the sandbox any more: its time or its session is over. */
export function isOver({ deadline, session, first }: SandboxRecord, now = Date.now()): boolean {
  if (deadline !== undefined && deadline <= now) return true;
  if (session !== undefined && !isAlive(session)) return true;
  return first !== undefined && !isAlive(first);
}
