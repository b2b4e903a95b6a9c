/**
 * Published ports as text: `[HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp]`, an IPv6 address in
 * brackets.
 *
 * @module
 */

import { formatIp, type IpAddress, parseIp } from "./ip_address.ts";
import type { PublishedPort } from "./types/network_mode.ts";

/** A published port with all defaults filled in; no address means all of the host's. */
export interface CheckedPort extends PublishedPort {
  readonly protocol: "tcp" | "udp";
}

const SHAPE = /^(?:(?:\[([^[\]]*)\]|([^:]*)):)?([^:]*):([^:/]*)(?:\/(.*))?$/;
const NUMBER = /^[1-9]\d{0,4}$/;
const MAX_PORT = 65_535;

/**
 * Reads one.
 *
 * @returns what is wrong with it, if it is none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parsePublishedPort } from "./published_port.ts";
 *
 * assertEquals(parsePublishedPort("127.0.0.1:8080:80/tcp"), {
 *   hostIp: "127.0.0.1",
 *   hostPort: 8080,
 *   containerPort: 80,
 *   protocol: "tcp",
 * });
 * assertEquals(parsePublishedPort("8080"), "must be [HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp]");
 * ```
 */
export function parsePublishedPort(text: string): CheckedPort | string {
  const match = SHAPE.exec(text);
  if (match === null) return "must be [HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp]";
  const [, bracketed, plain, host = "", container = "", protocol] = match;
  if (!NUMBER.test(host)) return badPort(JSON.stringify(host));
  if (!NUMBER.test(container)) return badPort(JSON.stringify(container));
  if (bracketed !== undefined && !bracketed.includes(":")) return badAddress(bracketed);
  return checkPublishedPort({
    hostIp: bracketed ?? plain,
    hostPort: Number(host),
    containerPort: Number(container),
    protocol,
  });
}

/**
 * Checks one that came as an object.
 *
 * @returns what is wrong with it, if it can't be used
 */
export function checkPublishedPort(
  port: { readonly [Key in keyof PublishedPort]?: unknown },
): CheckedPort | string {
  const { hostIp, hostPort, containerPort, protocol = "tcp" } = port;
  if (!isPort(hostPort)) return badPort(JSON.stringify(hostPort));
  if (!isPort(containerPort)) return badPort(JSON.stringify(containerPort));
  if (protocol !== "tcp" && protocol !== "udp") {
    return `must be of tcp or udp, not of ${JSON.stringify(protocol)}`;
  }
  const rest = { hostPort, containerPort, protocol } as const;
  if (hostIp === undefined) return rest;
  const ip = typeof hostIp === "string" ? parseIp(hostIp) : undefined;
  if (ip === undefined) return badAddress(hostIp);
  if (isLoopback(ip) && ip.family === 6) {
    return "can't be published on ::1, from which the kernel forwards nothing; use 127.0.0.1";
  }
  return { hostIp: formatIp(ip.bytes), ...rest };
}

/** The port as text, in the form that is read. */
export function formatPublishedPort(
  { hostIp, hostPort, containerPort, protocol = "tcp" }: PublishedPort,
): string {
  const host = hostIp === undefined ? "" : hostIp.includes(":") ? `[${hostIp}]:` : `${hostIp}:`;
  return `${host}${hostPort}:${containerPort}/${protocol}`;
}

/** Whether the address never leaves its host. */
export function isLoopback({ family, bytes }: IpAddress): boolean {
  return family === 4 ? bytes[0] === 127 : formatIp(bytes) === "::1";
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= MAX_PORT;
}

function badPort(shown: string): string {
  return `has the port ${shown}, which is not in 1 to ${MAX_PORT}`;
}

function badAddress(address: unknown): string {
  return `has the host address ${JSON.stringify(address)}, which is no IP address`;
}
