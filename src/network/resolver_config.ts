/**
 * The host's /etc/resolv.conf for a container.
 *
 * Source: resolv.conf(5).
 *
 * @module
 */

import { parseIp } from "../config/ip_address.ts";
import { isLoopback } from "../config/published_port.ts";

/**
 * systemd-resolved listens on the host's loopback. This file lists the servers that it asks itself.
 */
const BEHIND_RESOLVED = "/run/systemd/resolve/resolv.conf";

/**
 * The file's text as the container can use it.
 *
 * @param isHost whether the container is in the host's network, where the host's file can be used
 *   as it is
 * @returns undefined if the host has none
 */
export function resolverConfig(isHost: boolean, path = "/etc/resolv.conf"): string | undefined {
  const text = readText(path);
  if (isHost || text === undefined) return text;
  const usable = withoutLoopback(text);
  if (/^nameserver\s/m.test(usable) || !/^nameserver\s/m.test(text)) return usable;
  const behind = readText(BEHIND_RESOLVED);
  return behind === undefined ? usable : withoutLoopback(behind);
}

/**
 * Removes name servers that can only be reached on the host: those on its loopback, and those bound
 * to one of its interfaces.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { withoutLoopback } from "./resolver_config.ts";
 *
 * const text = "nameserver 127.0.0.53\nnameserver 198.51.100.53\nsearch example.com\n";
 * assertEquals(withoutLoopback(text), "nameserver 198.51.100.53\nsearch example.com\n");
 * ```
 */
export function withoutLoopback(text: string): string {
  return text.split("\n").filter((line) => {
    const [word, address = ""] = line.trim().split(/\s+/);
    if (word !== "nameserver") return true;
    const ip = parseIp(address);
    return ip !== undefined && !isLoopback(ip);
  }).join("\n");
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // a file that the host itself can't read is of no use to a container
  }
}
