/**
 * Where packets may go, as text: `ADDRESS`, `ADDRESS:PORT`, `[IPV6]` or `[IPV6]:PORT`.
 *
 * @module
 */

import { formatIp, type IpAddress, parseIp } from "./ip_address.ts";

/** An address, and perhaps the one port of it that counts. */
export interface Destination {
  /** In the form that the kernel's tools have it. */
  readonly address: string;
  readonly family: IpAddress["family"];
  /** Of TCP and UDP; without it any packet counts. */
  readonly port?: number | undefined;
}

const MAX_PORT = 65_535;

/** The host of a text, and its port if it names one; undefined for what is none. */
export function splitPort(
  text: string,
): { readonly host: string; readonly port?: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::([1-9]\d{0,4}))?$/
    .exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits ?? 0);
  if (host === undefined || port > MAX_PORT) return undefined;
  if (bracketed !== undefined && !bracketed.includes(":")) return undefined;
  return digits === undefined ? { host } : { host, port };
}

/**
 * Reads one; an IPv6 address without a port needs no brackets.
 *
 * @returns what is wrong with it, if it is none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDestination } from "./destination.ts";
 *
 * assertEquals(parseDestination("[2001:DB8::7]:443"), {
 *   address: "2001:db8::7",
 *   family: 6,
 *   port: 443,
 * });
 * assertEquals(parseDestination("example.com"), "must be IP, IP:PORT or [IPV6]:PORT");
 * ```
 */
export function parseDestination(text: string): Destination | string {
  const bare = parseIp(text);
  const split = bare === undefined ? splitPort(text) : { host: text };
  const ip = split === undefined ? undefined : parseIp(split.host);
  if (split === undefined || ip === undefined) return "must be IP, IP:PORT or [IPV6]:PORT";
  const address = formatIp(ip.bytes);
  const { family } = ip;
  return split.port === undefined ? { address, family } : { address, family, port: split.port };
}
