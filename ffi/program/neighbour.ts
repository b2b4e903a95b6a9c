/**
 * How a program executes a file by its place relative to its own, wherever the folder that holds both
 * has been moved to.
 *
 * Source: proc_pid_exe(5), memfd_create(2), execve(2).
 *
 * @module
 */

import { comparison } from "./comparison.ts";
import type { Argument, Operation, Space } from "./operation.ts";

const AT_FDCWD = -100;
const MFD_CLOEXEC = 1;
const SEEK_CUR = 1;
const WORD = 4;

/** The places of two files below one folder, from it on: `/bin/hull`. */
export interface Neighbour {
  /** Where this program's own file is. */
  readonly own: string;
  /** What is to be executed. */
  readonly other: string;
}

/** Memory for a path. */
export interface PathRoom {
  readonly address: Argument;
  /** In bytes. */
  readonly size: number;
}

/**
 * Executes the neighbour of this program's file. Behind the last operation the program goes on if its
 * file has another name, or is gone, or has no such neighbour.
 *
 * The path is put together in a file in memory, whose offset the kernel moves: a program can't
 * calculate.
 *
 * @param words of execve(2): the arguments and the environment
 * @param labels of the first of these operations, and of what follows them
 */
export function executeNeighbour(
  { own, other }: Neighbour,
  { address, size }: PathRoom,
  words: readonly [argv: Argument, envp: Argument],
  { label, otherwise }: { readonly label: string; readonly otherwise: string },
): Operation[] {
  const end: Space = { space: Math.ceil(own.length / WORD) * WORD, name: "end of own path" };
  const ending = new Uint8Array(end.space);
  new TextEncoder().encodeInto(own, ending);
  const ends = new Uint32Array(ending.buffer);
  const file = { result: "path" };
  const toEnd: Operation = { syscall: "lseek", args: [file, -own.length, SEEK_CUR] };
  const operations: Operation[] = [
    { label, syscall: "readlinkat", args: [AT_FDCWD, "/proc/self/exe", address, size] },
    { label: "path", syscall: "memfd_create", args: ["path", MFD_CLOEXEC] },
    { syscall: "write", args: [file, address, { result: label }] },
    toEnd,
    { syscall: "read", args: [file, end, own.length] },
    ...Array.from(ends, (word, index) => comparison({ field: end, offset: index * WORD }, word)),
    toEnd,
    { syscall: "write", args: [file, other, other.length + 1] },
    { syscall: "pread64", args: [file, address, size, 0] },
    { syscall: "execve", args: [address, ...words] },
  ];
  return operations.map((operation) => ({ ...operation, onError: { jump: otherwise } }));
}
