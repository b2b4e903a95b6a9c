/**
 * IP and hardware addresses as text and as bytes.
 *
 * Text that does not follow the standards is refused, not guessed at: no octal or hexadecimal
 * parts, no zone ids (`%eth0`), no shortened IPv4, no other characters around it.
 *
 * Source: RFC 4291 section 2.2 (IPv6 text), RFC 5952 (the form that is written), RFC 4632 section
 * 3.1 (prefixes).
 *
 * @module
 */

/** An IP address. */
export interface IpAddress {
  /** Its version. An IPv4 address that is mapped into IPv6 is of version 6. */
  readonly family: 4 | 6;
  /** The address in the network's order: 4 or 16 bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An address with the length of its network's prefix. The bits behind the prefix may be set. */
export interface Cidr extends IpAddress {
  /** In bits: 0 to 32, or to 128. */
  readonly prefixLength: number;
}

const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[\da-f]{1,4}$/i;
const MAC = /^[\da-f]{2}(?::[\da-f]{2}){5}$/i;
const PREFIX_LENGTH = /^(?:0|[1-9]\d{0,2})$/;
const IPV6_GROUPS = 8;

/**
 * An IPv4 or IPv6 address.
 *
 * @returns undefined if the text is none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseIp } from "./ip_address.ts";
 *
 * assertEquals(parseIp("198.51.100.7")?.bytes, new Uint8Array([198, 51, 100, 7]));
 * assertEquals(parseIp("::ffff:198.51.100.7")?.family, 6);
 * assertEquals(parseIp("198.51.100.07"), undefined);
 * ```
 */
export function parseIp(text: string): IpAddress | undefined {
  const family = text.includes(":") ? 6 : 4;
  const bytes = family === 6 ? parseIpv6(text) : parseIpv4(text);
  return bytes === undefined ? undefined : { family, bytes: Uint8Array.from(bytes) };
}

/**
 * An address and the length of its prefix, such as `198.51.100.7/24`.
 *
 * @returns undefined if the text is none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCidr } from "./ip_address.ts";
 *
 * assertEquals(parseCidr("2001:db8::7/64")?.prefixLength, 64);
 * assertEquals(parseCidr("198.51.100.7/33"), undefined);
 * assertEquals(parseCidr("198.51.100.7"), undefined);
 * ```
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf("/");
  const length = text.slice(slash + 1);
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  if (address === undefined || !PREFIX_LENGTH.test(length)) return undefined;
  const prefixLength = Number(length);
  return prefixLength > address.bytes.length * 8 ? undefined : { ...address, prefixLength };
}

/**
 * A hardware address of six bytes, such as `02:00:5e:00:53:01`.
 *
 * @returns undefined if the text is none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMac } from "./ip_address.ts";
 *
 * assertEquals(parseMac("02:00:5E:00:53:01"), new Uint8Array([2, 0, 0x5e, 0, 0x53, 1]));
 * assertEquals(parseMac("2:0:5e:0:53:1"), undefined);
 * ```
 */
export function parseMac(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!MAC.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (byte) => parseInt(byte, 16));
}

/**
 * The address as text: IPv6 in the short form of RFC 5952.
 *
 * @throws {RangeError} if it is neither 4 nor 16 bytes
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatIp } from "./ip_address.ts";
 *
 * assertEquals(formatIp(new Uint8Array([198, 51, 100, 7])), "198.51.100.7");
 * assertEquals(formatIp(new Uint8Array(16)), "::");
 * ```
 */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new RangeError(`an IP address of ${bytes.length} bytes`);
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const groups = Array.from(
    { length: IPV6_GROUPS },
    (_, k) => ((bytes[2 * k] ?? 0) << 8 | (bytes[2 * k + 1] ?? 0)).toString(16),
  );
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** An address and the length of its prefix as text, as `parseCidr` reads it. */
export function formatCidr({ bytes, prefixLength }: Cidr): string {
  return `${formatIp(bytes)}/${prefixLength}`;
}

/**
 * The hardware address as text: pairs of hexadecimal digits, of any number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatMac } from "./ip_address.ts";
 *
 * assertEquals(formatMac(new Uint8Array([2, 0, 0x5e, 0, 0x53, 1])), "02:00:5e:00:53:01");
 * ```
 */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * Whether an address lies in a network; one of the other version never does.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { contains, parseCidr, parseIp } from "./ip_address.ts";
 *
 * const [network, ip] = [parseCidr("198.51.100.7/24"), parseIp("198.51.100.1")];
 * assert(network !== undefined && ip !== undefined && contains(network, ip));
 * ```
 */
export function contains({ family, bytes, prefixLength }: Cidr, ip: IpAddress): boolean {
  if (ip.family !== family) return false;
  return bytes.every((byte, k) => ((byte ^ (ip.bytes[k] ?? 0)) & maskByte(prefixLength, k)) === 0);
}

/** The network of an address: the bits behind the prefix are clear. */
export function networkOf({ family, bytes, prefixLength }: Cidr): Cidr {
  return { family, prefixLength, bytes: bytes.map((byte, k) => byte & maskByte(prefixLength, k)) };
}

/** Byte `k` of a prefix's mask. */
export function maskByte(prefixLength: number, k: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - 8 * k));
  return 0xff << (8 - bits) & 0xff;
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  const isAddress = parts.length === 4 &&
    parts.every((part) => OCTET.test(part) && Number(part) < 256);
  return isAddress ? parts.map(Number) : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  const [before = "", after, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  if (after === undefined) {
    const all = parseGroups(before, true);
    return all?.length === 16 ? all : undefined;
  }
  const head = before === "" ? [] : parseGroups(before, false);
  const tail = after === "" ? [] : parseGroups(after, true);
  // `::` stands for one group of zeros or more.
  if (head === undefined || tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** The bytes of groups; those at the address's end may close with an IPv4 address. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [k, group] of groups.entries()) {
    if (GROUP.test(group)) {
      const number = parseInt(group, 16);
      bytes.push(number >> 8, number & 0xff);
      continue;
    }
    const last = isEnd && k === groups.length - 1 ? parseIpv4(group) : undefined;
    if (last === undefined) return undefined;
    bytes.push(...last);
  }
  return bytes;
}

/** ::ffff:0:0/96, the IPv4 addresses. */
function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 12).every((byte, k) => byte === (k < 10 ? 0 : 0xff));
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
