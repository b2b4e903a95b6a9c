/**
 * What a container on a bridge of hull's own may send: frames with its own hardware address, with
 * its own addresses in IPv4, ARP and IPv6, and no advertisements of routes. So a container can't
 * pretend to be another one or the host's bridge, nor divert the packets of others.
 *
 * The rules identify a container's port by the group of its link, which no process inside can
 * change.
 *
 * Source: nft(8), RFC 4861.
 *
 * @module
 */

import { formatIp, parseIp, parseMac } from "../../config/ip_address.ts";
import { type BridgeRecord, hardwareAddressOf, type Lease } from "./records.ts";

/** The addresses from which one port may send. */
interface Sender {
  readonly group: number;
  readonly mac: string;
  readonly ipv4: string;
  /** All but `::`, the source of packets that ask whether an address is in use. */
  readonly ipv6: readonly string[];
}

/**
 * The rules of a table of the family `bridge`.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { guardRules } from "./guard_rules.ts";
 *
 * const creator = { pid: 1, startTime: 1, bootId: "" };
 * const lease = { id: "web", owner: 7, creator, address: "10.88.0.2", ports: [] };
 * const rules = guardRules({ hardwareAddress: "", subnet: "10.88.0.0/16", last: "", leases: [lease] });
 * assertStringIncludes(rules.join(), "ip saddr != { 7 . 10.88.0.2 } drop");
 * ```
 */
export function guardRules({ leases }: BridgeRecord): string[] {
  if (leases.length === 0) return [];
  const senders = leases.map(asSender);
  const set = (words: (sender: Sender) => readonly string[]) =>
    `{ ${senders.flatMap(words).join(", ")} }`;
  const macs = set(({ group, mac }) => [`${group} . ${mac}`]);
  const ipv4 = set((each) => [`${each.group} . ${each.ipv4}`]);
  const arp = set(({ group, mac, ipv4 }) => [`${group} . ${mac} . ${ipv4}`]);
  const ipv6 = set((each) => ["::", ...each.ipv6].map((ip) => `${each.group} . ${ip}`));
  return [
    "  chain advert {",
    ...senders.map((each) => `    ${claims(each)} accept`),
    "    drop",
    "  }",
    "  chain guard {",
    "    type filter hook prerouting priority -300; policy accept;",
    `    iifgroup != ${set(({ group }) => [String(group)])} accept`,
    // The rules below would not look into frames that are tagged or wrapped in another way.
    "    ether type != { ip, ip6, arp } drop",
    `    iifgroup . ether saddr != ${macs} drop`,
    `    ether type ip iifgroup . ip saddr != ${ipv4} drop`,
    `    ether type arp iifgroup . arp saddr ether . arp saddr ip != ${arp} drop`,
    `    ether type ip6 iifgroup . ip6 saddr != ${ipv6} drop`,
    "    icmpv6 type { nd-router-advert, nd-redirect } drop",
    "    icmpv6 type nd-neighbor-advert jump advert",
    "  }",
  ];
}

function asSender({ owner, address, ipv6Address }: Lease): Sender {
  const mac = hardwareAddressOf(address);
  const ipv6 = [linkLocal(mac), ...(ipv6Address === undefined ? [] : [ipv6Address])];
  return { group: owner, mac, ipv4: address, ipv6 };
}

/**
 * Rules for a neighbour's claim to have an address, which stands behind the first 8 bytes of the
 * header.
 */
function claims({ group, ipv6 }: Sender): string {
  const targets = ipv6.map((ip) => `0x${hexadecimal(parseIp(ip)?.bytes ?? new Uint8Array())}`);
  return `iifgroup ${group} @th,64,128 { ${targets.join(", ")} }`;
}

function hexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The link-local address that the kernel derives from a hardware address: RFC 4291, appendix A. */
function linkLocal(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = parseMac(mac) ?? [];
  const bytes = new Uint8Array(16);
  bytes.set([0xfe, 0x80]);
  bytes.set([a ^ 2, b, c, 0xff, 0xfe, d, e, f], 8);
  return formatIp(bytes);
}
