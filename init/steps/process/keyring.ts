/**
 * The session keyring. Without this step it would be the caller's, with all the caller's keys.
 *
 * Source: session-keyring(7), keyctl(2), keyrings(7), user-session-keyring(7).
 *
 * @module
 */

import { randomHex } from "../../../ffi/c/random.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { writeProc } from "./hostname.ts";

const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_SETPERM = 5;
/** What a new session keyring allows: all to its possessor, view, read and link to its user. */
const NEW_KEYRING = 0x3f130000;
const USER_SEARCH = 0x00080000;
const OTHER_SEARCH = 0x00000008;

/**
 * The name of a new container's session keyring. Any process that knows a keyring's name can make
 * one of that name first, and hull would join it. So nobody may know the name beforehand.
 */
export function newKeyringName(id: string): string {
  return `_ses.${id}.${randomHex(8)}`;
}

/**
 * Gives the SELinux label to the keyring that is made next; execve resets this setting.
 *
 * @param label none is written where it is empty
 */
export function labelKeyring(label = ""): PlanItem[] {
  if (label === "") return [];
  const step = new StepBuilder("identity");
  step.because(
    `label the new keyring ${label}`,
    "/proc/thread-self/attr/keycreate",
    "/process/selinuxLabel",
  );
  writeProc(step, "thread-self/attr/keycreate", label, "keycreate");
  return step.items;
}

/**
 * Joins the container's session keyring, or makes it. In init it comes once init is the root of its
 * user namespace, so that the keyring belongs to that root and counts against its quota.
 *
 * @param name of {@linkcode newKeyringName}; without one a new keyring has none
 * @param isMapped whether the container has a user namespace. Then users inside and outside can't
 *   see each other's keys
 */
export function joinKeyring(name: string | undefined, isMapped: boolean): PlanItem[] {
  const step = new StepBuilder("identity");
  const hint = "EDQUOT: raise /proc/sys/kernel/keys/maxkeys, or use --no-new-keyring";
  const rights = NEW_KEYRING | (isMapped ? OTHER_SEARCH : USER_SEARCH);
  step.because("join a session keyring of its own", name, undefined, hint)
    // a kernel without keyrings has none to keep from the container
    .call("keyctl", [KEYCTL_JOIN_SESSION_KEYRING, name ?? 0, 0, 0, 0], {
      label: "keyring",
      tolerated: "ENOSYS",
    });
  step.because("let the container's processes find what is in it", name)
    .call("keyctl", [KEYCTL_SETPERM, result("keyring"), rights, 0, 0], { onError: "continue" });
  return step.items;
}
