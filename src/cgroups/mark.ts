/**
 * Whose a cgroup is, written on it: where a container's state can't be read any more, its name alone
 * does not tell its cgroup from that of another program's container.
 *
 * Source: xattr(7), "Trusted extended attributes".
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "../../ffi/file.ts";
import { tryStatPath } from "../../ffi/file_status.ts";
import { type Operation, SyscallProgram } from "../../ffi/program.ts";

const ATTRIBUTE = "trusted.hull";
const MAX_SIZE = 128;
const OPEN: Operation = {
  label: "folder",
  syscall: "openat",
  args: [AT_FDCWD, "", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0],
  onError: "return",
};

/**
 * Marks a cgroup as made for a container under a root folder. Who may not, as in a user namespace, goes
 * on without.
 */
export function markCgroup(folder: string, root: string): void {
  const mark = markOf(root);
  new SyscallProgram([
    { ...OPEN, args: OPEN.args.with(1, folder) },
    {
      syscall: "fsetxattr",
      args: [{ result: "folder" }, ATTRIBUTE, mark, mark.length, 0],
      onError: "continue",
    },
    { syscall: "close", args: [{ result: "folder" }], onError: "continue" },
  ]).run();
}

/** Whether one of some cgroups was made for a container under this root folder. */
export function hasMark(folders: readonly string[], root: string): boolean {
  const mark = markOf(root);
  return folders.some((folder) => {
    const value = { space: MAX_SIZE, name: "value" };
    const program = new SyscallProgram([
      { ...OPEN, args: OPEN.args.with(1, folder) },
      {
        syscall: "fgetxattr",
        args: [{ result: "folder" }, ATTRIBUTE, value, MAX_SIZE],
        onError: "continue",
      },
      { syscall: "close", args: [{ result: "folder" }], onError: "continue" },
    ]);
    program.run();
    const found = program.output("value").subarray(0, mark.length);
    return program.result(1) === mark.length && found.every((byte, k) => byte === mark[k]);
  });
}

/** The root folder, whatever names lead to it. */
function markOf(root: string): Uint8Array<ArrayBuffer> {
  const status = tryStatPath(root, true);
  const text = typeof status === "number" ? root : `${status.fileSystem}:${status.inode}`;
  return new TextEncoder().encode(text.slice(0, MAX_SIZE));
}
