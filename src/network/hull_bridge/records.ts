/**
 * The records of hull's own bridges in one network namespace and of the addresses given out on
 * them: the data, and how new addresses and networks are chosen.
 *
 * @module
 */

import {
  type Cidr,
  contains,
  formatCidr,
  formatIp,
  parseCidr,
  parseIp,
} from "../../config/ip_address.ts";
import type { Destination } from "../../config/destination.ts";
import type { CheckedPort } from "../../config/published_port.ts";
import type { EarlierSettings } from "./forwarding.ts";

/** The process that takes an address: as `ProcessIdentity`. */
export interface Creator {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
}

/** An address that a container has, and the ports that lead to it. */
export interface Lease {
  /** The container's id. */
  readonly id: string;
  /** The group of the container's links, which tells it from another of the same id. */
  readonly owner: number;
  /**
   * The process that makes the container. When that has ended, a container that was never started
   * gives up its lease.
   */
  readonly creator: Creator;
  readonly address: string;
  readonly ipv6Address?: string | undefined;
  readonly ports: readonly CheckedPort[];
}

/** A bridge. */
export interface BridgeRecord {
  /** Its hardware address, chosen before it is made: hull recognizes its own bridge by it. */
  readonly hardwareAddress: string;
  readonly subnet: string;
  /** With IPv6: a network of 64 bits. */
  readonly ipv6Subnet?: string | undefined;
  /** Where its containers may send; anywhere without it. */
  readonly allow?: readonly Destination[] | undefined;
  /** The address that was given out last; the next search begins behind it. */
  readonly last: string;
  readonly leases: readonly Lease[];
}

/** All bridges of a network namespace. */
export interface BridgeRecords {
  readonly format: 1;
  /** The boot that this is of. */
  readonly bootId: string;
  /** If hull switched on the forwarding of packets: the settings before. */
  readonly earlierSettings?: EarlierSettings | undefined;
  readonly bridges: Readonly<Record<string, BridgeRecord>>;
}

/** The first address of a network, which the bridge has. */
export function gatewayOf(subnet: string): string {
  const { bytes } = required(subnet);
  return formatIp(withNumber(bytes, numberOf(bytes) + 1));
}

/** An address with the length of its network's prefix. */
export function onNetwork(address: string, subnet: string): string {
  return `${address}/${required(subnet).prefixLength}`;
}

/**
 * A free address: the next one behind the one given out last. So an address that was given back
 * stays unused as long as possible, and its new owner is not taken for the old one.
 *
 * @returns undefined if all are taken
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { freeAddress } from "./records.ts";
 *
 * const record = { hardwareAddress: "", subnet: "10.88.0.0/30", last: "10.88.0.2", leases: [] };
 * assertEquals(freeAddress(record), "10.88.0.2"); // the only one beside the bridge's
 * ```
 */
export function freeAddress({ subnet, last, leases }: BridgeRecord): string | undefined {
  const { bytes, prefixLength } = required(subnet);
  const first = numberOf(bytes) + 2; // behind the network's own and the bridge's
  const count = 2 ** (32 - prefixLength) - 3; // without the broadcast address too
  const taken = new Set(leases.map(({ address }) => address));
  const begin = numberOf(parseIp(last)?.bytes ?? bytes) + 1 - first;
  for (let k = 0; k < Math.min(count, taken.size + 1); k++) {
    const address = formatIp(withNumber(bytes, first + (begin + k + count) % count));
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/** The IPv6 address beside an IPv4 one: the same number in the network. */
export function ipv6Beside(address: string, ipv6Subnet: string): string {
  const bytes = Uint8Array.from(required(ipv6Subnet).bytes);
  bytes.set(parseIp(address)?.bytes ?? [], 12);
  return formatIp(bytes);
}

/**
 * The hardware address that belongs to an IPv4 address. It is always the same, so what neighbours
 * remember stays true.
 */
export function hardwareAddressOf(address: string): string {
  const bytes = [2, 0x68, ...parseIp(address)?.bytes ?? []];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Whether two networks have an address in common. */
export function overlap(one: Cidr, other: Cidr): boolean {
  return one.prefixLength < other.prefixLength ? contains(one, other) : contains(other, one);
}

/**
 * The first of hull's networks that overlaps none of those in use.
 *
 * @returns undefined if there is none
 */
export function freeSubnet(used: readonly Cidr[]): Cidr | undefined {
  for (const text of candidates()) {
    const subnet = required(text);
    if (!used.some((each) => overlap(each, subnet))) return subnet;
  }
  return undefined;
}

/** Networks of RFC 1918; in 10.0.0.0/8 those that few people choose. */
function* candidates(): Generator<string> {
  for (let k = 88; k < 128; k++) yield `10.${k}.0.0/16`;
  for (let k = 16; k < 32; k++) yield `172.${k}.0.0/16`;
  for (let k = 0; k < 256; k++) yield `192.168.${k}.0/24`;
}

/** A network of 64 bits that very probably nobody else uses: RFC 4193. */
export function randomIpv6Subnet(): string {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  crypto.getRandomValues(bytes.subarray(1, 6));
  return formatCidr({ family: 6, bytes, prefixLength: 64 });
}

function required(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new TypeError(`not a network: ${text}`);
  return cidr;
}

function numberOf(bytes: Uint8Array<ArrayBuffer>): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function withNumber(bytes: Uint8Array<ArrayBuffer>, number: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  new DataView(copy.buffer).setUint32(0, number);
  return copy;
}
