/**
 * Cgroups that are not there yet when a birth is planned, since systemd makes them meanwhile: the
 * files by which they are entered get their numbers first.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { O_CLOEXEC } from "../../ffi/files/file.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { CgroupDoor } from "./birth.ts";
import { openDoor } from "./cgroup_doors.ts";

/**
 * Opens the files under the numbers that were kept free for them.
 *
 * @param doors those of the manager's entries
 * @throws {SyscallError}
 */
export function openLaterDoors(manager: CgroupManager, doors: readonly CgroupDoor[]): void {
  using stack = new DisposableStack();
  const program = new SyscallProgram(
    manager.entries().map((entry, k): Operation => {
      const { number } = stack.use(openDoor(entry));
      return { syscall: "dup3", args: [number, (doors[k] as CgroupDoor).inside, O_CLOEXEC] };
    }),
  );
  program.run();
  const failure = program.failure();
  if (failure !== undefined) throw new SyscallError("dup3", failure.errno);
}
