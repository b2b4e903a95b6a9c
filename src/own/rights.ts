/**
 * What this program may do on its host.
 *
 * Source: capabilities(7), user_namespaces(7).
 *
 * @module
 */

import { throwBound } from "../../ffi/c/errno.ts";
import { readStatus, statusMask } from "../../ffi/processes/process_status.ts";

const CAP_SYS_ADMIN = 21n;

/** Whether this process has CAP_SYS_ADMIN in effect. */
export function isAdmin(): boolean {
  return (statusMask(readStatus("self"), "CapEff") >> CAP_SYS_ADMIN & 1n) === 1n;
}

/**
 * Whether this program can make containers in a new user namespace alone. Who has the capability in
 * a user namespace, but is not its root, mostly can't become root there either.
 */
export function isOrdinaryUser(): boolean {
  return Deno.uid() !== 0 && (!isAdmin() || isInUserNamespace());
}

/** Whether the text of a uid_map is that of a user namespace other than the host's. */
export function isPartial(map: string): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(map);
}

/** Whether this program is in a user namespace, and so has no rights on the host beyond it. */
export function isInUserNamespace(): boolean {
  try {
    return isPartial(Deno.readTextFileSync("/proc/self/uid_map"));
  } catch (error) {
    throwBound(error);
    return false; // a kernel without user namespaces
  }
}
