/**
 * The host's /etc/resolv.conf for a container.
 *
 * Source: resolv.conf(5).
 *
 * @module
 */

import { parseIp } from "../config/ip_address.ts";
import { isLoopback } from "../config/published_port.ts";

/** systemd-resolved listens on the host's loopback, and keeps here whom it asks itself. */
const BEHIND_RESOLVED = "/run/systemd/resolve/resolv.conf";

/**
 * The file's text as the container can use it.
 *
 * @param isHost whether the container is in the host's network: then it is the host's file as it is
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
 * Without the name servers that are reached on the host alone: those on its loopback, and those that
 * name one of its interfaces.
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
    return undefined; // what the host can't read itself tells a container nothing
  }
}
