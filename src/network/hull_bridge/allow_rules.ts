/**
 * Where the containers of a bridge may send, if that is limited: what comes in by the bridge and is
 * for another address, of the host itself as well, is dropped, unless it belongs to a connection
 * that was begun from outside or is allowed.
 *
 * The rules go by the bridge, not by the sender's address, so no packet escapes them. They stand
 * before those that publish and forward, and what they let pass, those may still drop.
 *
 * Source: nft(8).
 *
 * @module
 */

import type { Destination } from "../../config/destination.ts";

/** The chains of the table of the family `inet`; none without a limit. */
export function allowRules(bridge: string, allow: readonly Destination[] | undefined): string[] {
  if (allow === undefined) return [];
  const rules = [
    `    iifname != "${bridge}" accept`,
    "    ct state established accept",
    ...allow.map((destination) => `    ${matchOf(destination)} accept`),
    "    drop",
  ];
  return [
    "  chain allowed_forward {",
    "    type filter hook forward priority -10; policy accept;",
    ...rules,
    "  }",
    "  chain allowed_input {",
    "    type filter hook input priority -10; policy accept;",
    // Without these an IPv6 address of the bridge's network could not be reached at all.
    `    iifname "${bridge}" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept`,
    ...rules,
    "  }",
  ];
}

function matchOf({ address, family, port }: Destination): string {
  const to = `${family === 4 ? "ip" : "ip6"} daddr ${address}`;
  return port === undefined ? to : `${to} meta l4proto { tcp, udp } th dport ${port}`;
}
