/**
 * Where the state of containers is kept if nobody says where.
 *
 * @module
 */

import { isInUserNamespace } from "./rights.ts";

/** The folder of the host's root. */
export const DEFAULT_ROOT = "/run/hull";

/**
 * The folder for this user. That of an ordinary user, and of the root of a user namespace, is in
 * the folder of their session, which XDG_RUNTIME_DIR names: see the XDG Base Directory
 * Specification. Without the variable it is where logind(8) makes that folder.
 */
export function defaultRoot(): string {
  const session = Deno.env.get("XDG_RUNTIME_DIR") ?? "";
  const hasSession = session.startsWith("/");
  const uid = Deno.uid() ?? 0;
  if (uid === 0 && !(hasSession && isInUserNamespace())) return DEFAULT_ROOT;
  return `${hasSession ? session : `/run/user/${uid}`}/hull`;
}
