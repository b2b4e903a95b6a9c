/**
 * The kinds of hosts that the suite runs on, and whether this host is one of them.
 *
 * @module
 */

import { detectAnyCgroups } from "../../src/cgroups/detect.ts";
import { exists } from "../fixtures/exists.ts";

/** What each kind is, for those who read a refusal. */
export const KINDS = {
  v2: "cgroup v2 alone, with nothing that manages it, as root",
  systemd: "systemd with cgroup v2, as root",
  rootless: "an ordinary user's session under systemd, with cgroup v2",
} as const;

/** A kind's name. */
export type Kind = keyof typeof KINDS;

/** Whether a word names a kind. */
export function isKind(word: string): word is Kind {
  return Object.hasOwn(KINDS, word);
}

/** Whether this process runs on such a host already. */
export function isHere(kind: Kind): boolean {
  if (detectAnyCgroups().version !== 2) return false;
  const hasSystemd = exists("/run/systemd/system");
  switch (kind) {
    case "v2":
      return !hasSystemd && Deno.uid() === 0;
    case "systemd":
      return hasSystemd && Deno.uid() === 0;
    case "rootless":
      return hasSystemd && Deno.uid() !== 0;
  }
}
