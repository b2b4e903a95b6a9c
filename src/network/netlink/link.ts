/**
 * Links: the network's devices.
 *
 * Source: rtnetlink(7), include/uapi/linux/if_link.h.
 *
 * @module
 */

import type { Fd } from "../../../ffi/file.ts";
import {
  type Attribute,
  Attributes,
  encodeBody,
  type Message,
  NLM_F_CREATE,
  NLM_F_EXCL,
  numberAttribute,
  textAttribute,
} from "./message.ts";
import { isRefusal, type RouteSocket } from "./socket.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const STRUCTURE_SIZE = 16; // struct ifinfomsg
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFF_UP = 1;

/** A link as the kernel describes it. */
export interface Link {
  /** Its number in its namespace. */
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** The largest packet, in bytes. */
  readonly mtu: number;
  /** Its hardware address; empty for one that has none. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** What makes it, such as `dummy`; undefined for a real device. */
  readonly kind: string | undefined;
  /** The index of the bridge or bond that it belongs to. */
  readonly master: number | undefined;
}

/** All links of the socket's namespace. Throws what `RouteSocket.dump` throws. */
export function listLinks(socket: RouteSocket): Link[] {
  const body = encodeBody(structure(0));
  return socket.dump({ name: "RTM_GETLINK", type: RTM_GETLINK, body }).map(decodeLink);
}

/**
 * The link of a name, or undefined if the namespace has none.
 *
 * @throws {NetlinkError}
 */
export function findLink(socket: RouteSocket, name: string): Link | undefined {
  const body = encodeBody(structure(0), [textAttribute(IFLA_IFNAME, name)]);
  try {
    const [message] = socket.request({ name: "RTM_GETLINK", type: RTM_GETLINK, body });
    return message === undefined ? undefined : decodeLink(message);
  } catch (error) {
    if (isRefusal(error, "ENODEV")) return undefined;
    throw error;
  }
}

/**
 * Brings a link up or down.
 *
 * @throws {NetlinkError}
 */
export function setLinkUp(socket: RouteSocket, index: number, isUp: boolean): void {
  change(socket, structure(index, isUp ? IFF_UP : 0, IFF_UP), []);
}

/**
 * Moves a link to another network namespace and names it there, a template such as `eth%d`
 * included, in one request. The kernel moves before it names: if the name can't be had, the link
 * may have moved under its old one.
 *
 * @throws {NetlinkError} EEXIST if the name is taken there, EINVAL for a link that is bound to its
 *   namespace
 */
export function moveLink(socket: RouteSocket, index: number, namespace: Fd, name: string): void {
  change(socket, structure(index), [
    textAttribute(IFLA_IFNAME, name),
    numberAttribute(IFLA_NET_NS_FD, namespace.number),
  ]);
}

/** A link to make. */
export interface NewLink {
  readonly name: string;
  /** What to make: `dummy`; or `veth`, with its other end's name. */
  readonly kind: "dummy" | { readonly vethPeer: string };
  readonly mtu?: number | undefined;
}

/**
 * Makes a link.
 *
 * @throws {NetlinkError} EEXIST if the name is taken
 */
export function createLink(socket: RouteSocket, { name, kind, mtu }: NewLink): void {
  const size = mtu === undefined ? [] : [numberAttribute(IFLA_MTU, mtu)];
  change(socket, structure(0), [textAttribute(IFLA_IFNAME, name), ...size, {
    type: IFLA_LINKINFO,
    value: kind === "dummy" ? [kindAttribute("dummy")] : [
      kindAttribute("veth"),
      { type: IFLA_INFO_DATA, value: [vethPeer(kind.vethPeer, size)] },
    ],
  }], NLM_F_CREATE | NLM_F_EXCL);
}

function kindAttribute(kind: string): Attribute {
  return { type: IFLA_INFO_KIND, value: new TextEncoder().encode(kind) };
}

/** The other end is described like a link of its own. */
function vethPeer(name: string, size: readonly Attribute[]): Attribute {
  const body = encodeBody(structure(0), [textAttribute(IFLA_IFNAME, name), ...size]);
  return { type: VETH_INFO_PEER, value: body };
}

/**
 * Removes a link; a veth's other end goes with it.
 *
 * @throws {NetlinkError} ENODEV if there is none, EOPNOTSUPP for a real device
 */
export function deleteLink(socket: RouteSocket, index: number): void {
  socket.request({ name: "RTM_DELLINK", type: RTM_DELLINK, body: encodeBody(structure(index)) });
}

function change(
  socket: RouteSocket,
  fixed: Uint8Array<ArrayBuffer>,
  attributes: readonly Attribute[],
  flags = 0,
): void {
  const body = encodeBody(fixed, attributes);
  socket.request({ name: "RTM_NEWLINK", type: RTM_NEWLINK, flags, body });
}

/** struct ifinfomsg with an index, flags, and which of the flags count. */
function structure(index: number, flags = 0, mask = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(STRUCTURE_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, mask, true);
  return bytes;
}

function decodeLink({ body }: Message): Link {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const attributes = new Attributes(body.subarray(STRUCTURE_SIZE));
  return {
    index: view.getInt32(4, true),
    name: attributes.text(IFLA_IFNAME) ?? "",
    isUp: (view.getUint32(8, true) & IFF_UP) !== 0,
    mtu: attributes.number(IFLA_MTU) ?? 0,
    address: attributes.bytes(IFLA_ADDRESS) ?? new Uint8Array(),
    kind: attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND),
    master: attributes.number(IFLA_MASTER),
  };
}
