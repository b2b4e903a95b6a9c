/**
 * Records the hook that a call runs while it holds its container's lock. If the hook itself calls a
 * command that needs the lock, the command would wait for the call that waits for the hook. So such
 * a command looks here and fails instead.
 *
 * @module
 */

import { throwBound } from "../../ffi/c/errno.ts";
import { type Fd, O_NOFOLLOW, O_RDONLY, openAt, readAll } from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import { identify, parentOf } from "./process_identity.ts";

/** The file in the state folder that exists while such a hook runs. */
const HOOK_FILE = "hook";
/** A bound for the search through parents, in case pids are reused meanwhile. */
const MAX_GENERATIONS = 1000;

/** Records in the state folder that the process is a hook, until the result is disposed of. */
export function tellHook(folder: string, pid: number): Disposable {
  const path = `${folder}/${HOOK_FILE}`;
  Deno.writeTextFileSync(path, identityText(pid) ?? "", { mode: 0o600 });
  return {
    [Symbol.dispose]: () => {
      try {
        Deno.removeSync(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

/**
 * Makes sure that this program does not wait for itself.
 *
 * @param folder the container's state folder
 * @param caller the process whose command this is, if it is not this program's
 * @throws {ContainerError} `SystemError` with EDEADLK if this program was started by a hook of a
 *   call that holds the container's lock
 */
export function refuseInHook(folder: Fd, id: string, caller?: number): void {
  const hook = runningHook(folder);
  if (hook === undefined) return;
  // A createContainer hook is in the container's pid namespace, but sees this program's /proc.
  let pid: number | undefined = caller ?? Number(Deno.readLinkSync("/proc/self"));
  for (let k = 0; k < MAX_GENERATIONS && pid !== undefined && pid > 1; k++) {
    if (identityText(pid) === hook) {
      throw new ContainerError("SystemError", `container ${id} is held by the call of this hook`, {
        syscall: "flock",
        errno: "EDEADLK",
        hint: "only a poststart hook may change, enter or remove its container",
      });
    }
    pid = parentOf(pid);
  }
}

function runningHook(folder: Fd): string | undefined {
  try {
    using file = openAt(folder, HOOK_FILE, O_RDONLY | O_NOFOLLOW);
    return new TextDecoder().decode(readAll(file)) || undefined;
  } catch (error) {
    throwBound(error);
    return undefined; // no hook runs
  }
}

function identityText(pid: number): string | undefined {
  const identity = identify(pid);
  return identity === undefined ? undefined : `${pid} ${identity.startTime} ${identity.bootId}`;
}
