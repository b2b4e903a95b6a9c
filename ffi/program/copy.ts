/**
 * What belongs to a copy of a file beside its bytes: its holes, its extended attributes, its other
 * names.
 *
 * Source: lseek(2), xattr(7), linkat(2).
 *
 * @module
 */

import { errnoName, SyscallError } from "../c/errno.ts";
import { type Fd, numberOf, type PathBytes } from "../files/file.ts";
import { cString, fromCString } from "../c/memory.ts";
import type { Argument } from "./operation.ts";
import { SyscallProgram } from "./program.ts";
import type { SyscallName } from "../c/syscalls.ts";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_FDCWD = -100;

function call(syscall: SyscallName, args: readonly Argument[], path?: string): number {
  const program = new SyscallProgram([{ syscall, args, onError: "return" }]);
  program.run();
  const result = program.result(0);
  if (result < 0) throw new SyscallError(syscall, -result, path);
  return result;
}

/** The same; undefined for the errors that mean that there is nothing. */
function tryCall(
  syscall: SyscallName,
  args: readonly Argument[],
  nothing: readonly string[],
): number | undefined {
  try {
    return call(syscall, args);
  } catch (error) {
    if (error instanceof SyscallError && nothing.includes(errnoName(error.errno))) return undefined;
    throw error;
  }
}

/** A piece of a file that has bytes, from `start` to before `end`. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * The next piece of a file that is no hole; undefined if there is none.
 *
 * @throws {SyscallError}
 */
export function nextPiece(file: Fd, from: number, size: number): Piece | undefined {
  if (from >= size) return undefined;
  const start = tryCall("lseek", [file.number, from, SEEK_DATA], ["ENXIO"]);
  if (start === undefined || start >= size) return undefined;
  const end = tryCall("lseek", [file.number, start, SEEK_HOLE], ["ENXIO"]);
  return { start, end: Math.min(end ?? size, size) };
}

/**
 * Sets the size of an open file, which need not be open for writing: truncate(2), through the
 * file's own entry in /proc.
 *
 * @throws {SyscallError}
 */
export function setSize(file: Fd, size: number): void {
  call("truncate", [`/proc/self/fd/${file.number}`, size]);
}

/**
 * Gives an open file another name: linkat(2), through the file's own entry in /proc.
 *
 * @throws {SyscallError}
 */
export function linkFile(file: Fd, folder: Fd, name: PathBytes): void {
  const from = `/proc/self/fd/${numberOf(file)}`;
  const bytes = typeof name === "string" ? cString(name) : name;
  call(
    "linkat",
    [AT_FDCWD, from, folder.number, bytes, AT_SYMLINK_FOLLOW],
    fromCString(bytes),
  );
}

/** What a file system that has no such attributes, or a caller who may not set them, answers. */
const REFUSED = ["EOPNOTSUPP", "ENOSYS", "EPERM", "EACCES", "ENODATA", "EINVAL"];
const MAX_NAMES = 65_536;

/**
 * Copies the extended attributes of an open file to another, as far as the file system there has
 * them: file capabilities, ACLs, labels.
 *
 * @throws {SyscallError}
 */
export function copyAttributes(from: Fd, to: Fd): void {
  if ((tryCall("flistxattr", [from.number, 0, 0], REFUSED) ?? 0) === 0) return;
  const names = new Uint8Array(MAX_NAMES);
  const space = { space: MAX_NAMES, name: "names" };
  const list = new SyscallProgram([
    { syscall: "flistxattr", args: [from.number, space, MAX_NAMES], onError: "return" },
  ]);
  list.run();
  const size = Math.max(0, list.result(0));
  names.set(list.output("names").subarray(0, size));
  for (let at = 0; at < size;) {
    const end = names.indexOf(0, at) + 1;
    copyAttribute(from, to, names.slice(at, end));
    at = end;
  }
}

function copyAttribute(from: Fd, to: Fd, name: Uint8Array<ArrayBuffer>): void {
  const value = { space: MAX_NAMES, name: "value" };
  const program = new SyscallProgram([
    {
      syscall: "fgetxattr",
      args: [from.number, name, value, MAX_NAMES],
      label: "size",
      onError: "return",
    },
    {
      syscall: "fsetxattr",
      args: [to.number, name, value, { result: "size" }, 0],
      onError: "return",
    },
  ]);
  program.run();
  for (const index of [0, 1]) {
    const result = program.result(index);
    if (result >= 0) continue;
    if (REFUSED.includes(errnoName(-result))) return;
    throw new SyscallError(index === 0 ? "fgetxattr" : "fsetxattr", -result, fromCString(name));
  }
}
