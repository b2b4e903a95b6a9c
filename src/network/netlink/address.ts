/**
 * The IP addresses of links.
 *
 * Source: rtnetlink(7), include/uapi/linux/if_addr.h.
 *
 * @module
 */

import { isSame } from "../../../ffi/c/memory.ts";
import { type Cidr, maskByte } from "../../config/ip_address.ts";
import {
  Attributes,
  encodeBody,
  type Message,
  NLM_F_CREATE,
  NLM_F_EXCL,
  numberAttribute,
  optional,
  textAttribute,
} from "./message.ts";
import type { RouteSocket } from "./socket.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const STRUCTURE_SIZE = 8; // struct ifaddrmsg
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
const IFA_PROTO = 11;
const IFA_F_NODAD = 0x02;
const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_HOST = 254;
const LOOPBACK_NETWORK = 127;

/** The flags that whoever made the address chose; the other flags tell its state. */
const CHOSEN_FLAGS = IFA_F_NODAD |
  0x10 | // IFA_F_HOMEADDRESS
  0x100 | // IFA_F_MANAGETEMPADDR
  0x200 | // IFA_F_NOPREFIXROUTE
  0x400; // IFA_F_MCAUTOJOIN

/** IPv4. */
export const AF_INET = 2;
/** IPv6. */
export const AF_INET6 = 10;

/** An IP address of a link. */
export interface Address {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** The index of its link. */
  readonly index: number;
  /** The bits of its network. */
  readonly prefixLength: number;
  /** RT_SCOPE_…: how far it means something; 0 is everywhere. */
  readonly scope: number;
  /** IFA_F_…, all 32 bits. */
  readonly flags: number;
  /** The address itself: 4 or 16 bytes. */
  readonly local: Uint8Array<ArrayBuffer>;
  /** The other end's, where it differs from `local`. */
  readonly peer: Uint8Array<ArrayBuffer> | undefined;
  readonly broadcast: Uint8Array<ArrayBuffer> | undefined;
  /** IPv4's name for it: its link's, or that with `:` and a word. */
  readonly label: string | undefined;
  /** The metric of the route that comes with it. */
  readonly metric: number | undefined;
  /** Who made it (IFAPROT_…), a byte. */
  readonly protocol: Uint8Array<ArrayBuffer> | undefined;
}

/** The kernel's number of an IP version. */
export function addressFamily(version: 4 | 6): number {
  return version === 4 ? AF_INET : AF_INET6;
}

/**
 * The address of a CIDR for a link, as one would set it by hand: everywhere valid (127.0.0.0/8 on
 * this host alone), in IPv4 with the broadcast address of its network, and in IPv6 usable at once.
 *
 * Before an IPv6 address can be used, the kernel asks for a second or more whether another host has
 * it, and no program can bind to it meanwhile. That is switched off here, since whoever gives out
 * the addresses knows that already.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatIp, parseCidr } from "../../config/ip_address.ts";
 * import { newAddress } from "./address.ts";
 *
 * const cidr = parseCidr("198.51.100.7/24");
 * const address = cidr && newAddress(2, cidr);
 * assertEquals(formatIp(address?.broadcast ?? new Uint8Array()), "198.51.100.255");
 * ```
 */
export function newAddress(index: number, cidr: Cidr): Address {
  const { family, bytes, prefixLength } = cidr;
  const isHostOnly = family === 4 && bytes[0] === LOOPBACK_NETWORK;
  return {
    family: addressFamily(family),
    index,
    prefixLength,
    scope: isHostOnly ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
    flags: family === 4 ? 0 : IFA_F_NODAD,
    local: bytes,
    peer: undefined,
    broadcast: family === 4 && !isHostOnly ? broadcastOf(cidr) : undefined,
    label: undefined,
    metric: undefined,
    protocol: undefined,
  };
}

/**
 * The network's last address; a network of two addresses or fewer has no broadcast address (RFC
 * 3021).
 */
function broadcastOf({ bytes, prefixLength }: Cidr): Uint8Array<ArrayBuffer> | undefined {
  if (prefixLength > 30) return undefined;
  return bytes.map((byte, k) => byte | ~maskByte(prefixLength, k) & 0xff);
}

/** The addresses of a link, or of all. Throws what `RouteSocket.dump` throws. */
export function listAddresses(socket: RouteSocket, index?: number): Address[] {
  const body = encodeBody(new Uint8Array(STRUCTURE_SIZE));
  const all = socket.dump({ name: "RTM_GETADDR", type: RTM_GETADDR, body }).map(decodeAddress);
  return index === undefined ? all : all.filter((address) => address.index === index);
}

/** Whether an address is permanent (unlike one that a router announced) and valid everywhere. */
export function isPermanentGlobal({ flags, scope }: Address): boolean {
  return (flags & IFA_F_PERMANENT) !== 0 && scope === RT_SCOPE_UNIVERSE;
}

/**
 * Gives an address to the link of its index.
 *
 * @throws {NetlinkError} EEXIST if it is there
 */
export function addAddress(socket: RouteSocket, address: Address): void {
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  socket.request({ name: "RTM_NEWADDR", type: RTM_NEWADDR, flags, body: encodeAddress(address) });
}

/**
 * Takes an address from the link of its index.
 *
 * @throws {NetlinkError} EADDRNOTAVAIL if it isn't there
 */
export function deleteAddress(socket: RouteSocket, address: Address): void {
  const body = encodeBody(structure(address), [
    { type: IFA_LOCAL, value: address.local },
    { type: IFA_ADDRESS, value: address.peer ?? address.local },
  ]);
  socket.request({ name: "RTM_DELADDR", type: RTM_DELADDR, body });
}

/** The body of a message about an address. */
export function encodeAddress(address: Address): Uint8Array<ArrayBuffer> {
  const { local, peer, broadcast, label, metric, protocol } = address;
  return encodeBody(structure(address), [
    { type: IFA_LOCAL, value: local },
    { type: IFA_ADDRESS, value: peer ?? local },
    ...optional(IFA_BROADCAST, broadcast),
    ...(label === undefined ? [] : [textAttribute(IFA_LABEL, label)]),
    ...(metric === undefined ? [] : [numberAttribute(IFA_RT_PRIORITY, metric)]),
    ...optional(IFA_PROTO, protocol),
    numberAttribute(IFA_FLAGS, address.flags & CHOSEN_FLAGS),
  ]);
}

/** struct ifaddrmsg; its 8 bits of flags are repeated in IFA_FLAGS, which has all. */
function structure({ family, prefixLength, flags, scope, index }: Address) {
  const bytes = new Uint8Array(STRUCTURE_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([family, prefixLength, flags & CHOSEN_FLAGS & 0xff, scope]);
  view.setUint32(4, index, true);
  return bytes;
}

/**
 * The address that a message is about.
 *
 * @throws {NetlinkFormatError}
 */
export function decodeAddress({ body }: Pick<Message, "body">): Address {
  const [family = 0, prefixLength = 0, flags = 0, scope = 0] = body;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const attributes = new Attributes(body.subarray(STRUCTURE_SIZE));
  const peer = attributes.bytes(IFA_ADDRESS);
  // IPv6 has IFA_LOCAL only where there is a peer.
  const local = attributes.bytes(IFA_LOCAL) ?? peer ?? new Uint8Array();
  return {
    family,
    index: view.getUint32(4, true),
    prefixLength,
    scope,
    flags: attributes.number(IFA_FLAGS) ?? flags,
    local,
    peer: peer !== undefined && isSame(peer, local) ? undefined : peer,
    broadcast: attributes.bytes(IFA_BROADCAST),
    label: attributes.text(IFA_LABEL),
    metric: attributes.number(IFA_RT_PRIORITY),
    protocol: attributes.bytes(IFA_PROTO),
  };
}
