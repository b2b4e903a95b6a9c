/**
 * Which of the capabilities that a config asks for can be granted at all.
 *
 * The spec wants a warning, not a failed start, for those that can't: a service with fewer rights
 * than root should still run containers whose configs were written for root.
 *
 * Source: capabilities(7), config.md, "Linux Process".
 *
 * @module
 */

import { readStatus, statusMask } from "../../ffi/processes/process_status.ts";
import { readText } from "../../ffi/files/file.ts";
import { CAPABILITY_NAMES } from "../config/types/names.ts";
import type { Capabilities } from "../config/types/config.ts";
import type { Fault } from "../errors.ts";

const SETS = ["bounding", "effective", "inheritable", "permitted", "ambient"] as const;
const KNOWN: ReadonlySet<string> = new Set(CAPABILITY_NAMES);

/** The capabilities that can be granted, and a warning for those that can't. */
export interface GrantedCapabilities {
  readonly capabilities: Capabilities;
  readonly warnings: readonly Fault[];
}

/**
 * Leaves out the capabilities that are not held. Names that hull doesn't know are left alone: the
 * check of the config has warned about them.
 *
 * @param held what can be granted
 */
export function grantCapabilities(
  asked: Capabilities,
  held: ReadonlySet<string>,
): GrantedCapabilities {
  const missing = new Set<string>();
  const granted = SETS.flatMap((set) => {
    const names = asked[set];
    if (names === undefined) return [];
    const kept = names.filter((name) => held.has(name) || !KNOWN.has(name));
    for (const name of names) if (!kept.includes(name)) missing.add(name);
    return [[set, kept] as const];
  });
  const names = [...missing].sort().join(", ");
  const message = `can't be granted, since hull or this kernel doesn't have it: ${names}`;
  return {
    capabilities: Object.fromEntries(granted),
    warnings: missing.size === 0 ? [] : [{ pointer: "/process/capabilities", message }],
  };
}

/** The names of the capabilities that the kernel has, by number. */
export function kernelCapabilities(proc = "/proc"): readonly string[] {
  const last = Number(readText(`${proc}/sys/kernel/cap_last_cap`));
  return CAPABILITY_NAMES.slice(0, last + 1);
}

/**
 * The capabilities that this process could give to another.
 *
 * @param hasUserNamespace whether the other is in a user namespace of its own or one that it joins,
 *   where it starts with every capability
 * @param proc the folder of the proc file system
 */
export function heldCapabilities(hasUserNamespace: boolean, proc = "/proc"): ReadonlySet<string> {
  const all = kernelCapabilities(proc);
  if (hasUserNamespace) return new Set(all);
  const status = readStatus("self", proc);
  const both = statusMask(status, "CapPrm") & statusMask(status, "CapBnd");
  return new Set(all.filter((_, number) => ((both >> BigInt(number)) & 1n) === 1n));
}
