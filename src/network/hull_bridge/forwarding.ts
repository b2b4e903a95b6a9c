/**
 * Switches the forwarding of packets on for hull's bridges, and restores the settings with the last
 * bridge.
 *
 * The kernel's switch changes other settings too: one for each interface, the one for new
 * interfaces, and whether redirects are accepted. So their values are written down before. They are
 * restored after the switch is turned off, except those that somebody else has changed meanwhile.
 *
 * Source: Documentation/networking/ip-sysctl.rst of Linux, `ip_forward`.
 *
 * @module
 */

import { IP_FORWARD, listInterfaces, readSetting, writeSetting } from "../links/sysctls.ts";

/**
 * The earlier values of settings by name: those that would differ after forwarding was switched on
 * and off again.
 */
export type EarlierSettings = Readonly<Record<string, string>>;

const REDIRECTS = "ipv4/conf/all/accept_redirects";
/** The values that the switch gives the other settings when it is turned on, and off. */
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
 * Restores the settings. It can be called again if an earlier call was killed.
 *
 * @param earlier what {@linkcode earlierSettings} gave
 * @throws {ContainerError} `SystemError`
 */
export function putBack(earlier: EarlierSettings): void {
  const isOn = readSetting(IP_FORWARD) === "1";
  const own = Object.entries(earlier)
    .filter(([name]) => !isOn || readSetting(name) === valueOf(ON, name)); // else somebody has set it
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
