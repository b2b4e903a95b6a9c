/**
 * The forwarding of packets, switched on for hull's bridges and put back with the last of them.
 *
 * The kernel's switch sets others with it: one for each interface, the one for new interfaces, and
 * whether redirects are heard. So what they were is written down before, and they are put back to it
 * after the switch, unless somebody else has set them meanwhile.
 *
 * Source: Documentation/networking/ip-sysctl.rst of Linux, `ip_forward`.
 *
 * @module
 */

import { IP_FORWARD, listInterfaces, readSetting, writeSetting } from "../links/sysctls.ts";

/**
 * What settings were before the forwarding was switched on, by name: those that are not the same
 * after it was switched off again.
 */
export type EarlierSettings = Readonly<Record<string, string>>;

const REDIRECTS = "ipv4/conf/all/accept_redirects";
/** What the switch makes of the others when it goes on, and off. */
const ON = { forwarding: "1", redirects: "0" } as const;
const OFF = { forwarding: "0", redirects: "1" } as const;

/** What is to be written down before {@linkcode forward}; undefined if it is on already. */
export function earlierSettings(): EarlierSettings | undefined {
  if (readSetting(IP_FORWARD) !== "0") return undefined;
  const names = [REDIRECTS, ...listInterfaces().map(forwardingOf)];
  return Object.fromEntries(names.flatMap((name) => {
    const value = readSetting(name);
    return value === undefined || value === valueOf(OFF, name) ? [] : [[name, value] as const];
  }));
}

/** Switches it on. */
export function forward(): void {
  if (readSetting(IP_FORWARD) === "0") writeSetting(IP_FORWARD, "1");
}

/**
 * Puts all back; again after a call that was killed, if need be.
 *
 * @param earlier what {@linkcode earlierSettings} gave
 * @throws {ContainerError} `SystemError`
 */
export function putBack(earlier: EarlierSettings): void {
  const isOn = readSetting(IP_FORWARD) === "1";
  const own = Object.entries(earlier)
    .filter(([name]) => !isOn || readSetting(name) === valueOf(ON, name)); // else somebody's own
  if (isOn) writeSetting(IP_FORWARD, "0");
  for (const [name, value] of own) {
    if (readSetting(name) === valueOf(OFF, name)) writeSetting(name, value);
  }
}

function forwardingOf(name: string): string {
  return `ipv4/conf/${name}/forwarding`;
}

function valueOf(side: { forwarding: string; redirects: string }, name: string): string {
  return name === REDIRECTS ? side.redirects : side.forwarding;
}
