/**
 * The hook that a call runs while it holds its container's lock. A command that the hook calls in its
 * turn would wait for the very call that waits for the hook, so it looks here, and is told instead.
 *
 * @module
 */

import { type Fd, O_NOFOLLOW, O_RDONLY, openAt, readAll } from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import { identify, parentOf } from "./process_identity.ts";

/** The file in the state folder, there while such a hook runs. */
const HOOK_FILE = "hook";
/** More generations than a hook has; a bound, should numbers be used again meanwhile. */
const MAX_GENERATIONS = 1000;

/** Tells in the state folder that the process is a hook, for as long as the result is held. */
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
 * Sees to it that this program does not wait for itself.
 *
 * @param folder the container's state folder
 * @throws {ContainerError} `SystemError` with EDEADLK if this program descends from the hook that a
 *   call runs which holds the container
 */
export function refuseInHook(folder: Fd, id: string): void {
  const hook = runningHook(folder);
  if (hook === undefined) return;
  // A createContainer hook is in the container's pid namespace, but sees this program's /proc.
  let pid: number | undefined = Number(Deno.readLinkSync("/proc/self"));
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
  } catch {
    return undefined; // no hook runs
  }
}

function identityText(pid: number): string | undefined {
  const identity = identify(pid);
  return identity === undefined ? undefined : `${pid} ${identity.startTime} ${identity.bootId}`;
}
