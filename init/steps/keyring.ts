/**
 * The session keyring, which would be the caller's otherwise, keys and all.
 *
 * Source: session-keyring(7), keyctl(2), keyrings(7), user-session-keyring(7).
 *
 * @module
 */

import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { writeProc } from "./hostname.ts";

const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_SETPERM = 5;
/** What a new session keyring allows: all to its possessor, view, read and link to its user. */
const NEW_KEYRING = 0x3f130000;
const USER_SEARCH = 0x00080000;
const OTHER_SEARCH = 0x00000008;

/**
 * Gives the container a session keyring of its own. It comes once init is the root of its user
 * namespace, so that the keyring belongs to that root and counts against its quota.
 *
 * @param isMapped whether there is a new user namespace: its users are strangers to each other's
 *   keys, and search as others
 * @param label the SELinux label, which the keyring gets too; execve resets what is written for it
 */
export function joinKeyring(
  id: string,
  isMapped: boolean,
  label: string | undefined,
): PlanItem[] {
  const step = new StepBuilder("identity");
  const name = `_ses.${id}`;
  if (label !== undefined && label !== "") {
    step.because(
      `label the new keyring ${label}`,
      "/proc/thread-self/attr/keycreate",
      "/process/selinuxLabel",
    );
    writeProc(step, "thread-self/attr/keycreate", label, "keycreate");
  }
  const hint = "EDQUOT: raise /proc/sys/kernel/keys/maxkeys, or use --no-new-keyring";
  const rights = NEW_KEYRING | (isMapped ? OTHER_SEARCH : USER_SEARCH);
  step.because("join a session keyring of its own", name, undefined, hint)
    // a kernel without keyrings has none to keep from the container
    .call("keyctl", [KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0], {
      label: "keyring",
      tolerated: "ENOSYS",
    });
  step.because("let the container's processes find what is in it", name)
    .call("keyctl", [KEYCTL_SETPERM, result("keyring"), rights, 0, 0], { onError: "continue" });
  return step.items;
}
