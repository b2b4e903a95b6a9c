/**
 * Links as netlink has them: struct ifinfomsg and its attributes.
 *
 * Source: rtnetlink(7), include/uapi/linux/if_link.h.
 *
 * @module
 */

import { type Attribute, Attributes, type Message, numberAttribute } from "./message.ts";

/** The size of struct ifinfomsg. */
const STRUCTURE_SIZE = 16;

/** The link's hardware address. */
export const IFLA_ADDRESS = 1;
/** Its name. */
export const IFLA_IFNAME = 3;
/** Its largest packet. */
export const IFLA_MTU = 4;
/** The index of the link that it stands on, or of its other end. */
export const IFLA_LINK = 5;
/** The index of the bridge that it belongs to. */
export const IFLA_MASTER = 10;
/** What the protocol of the request's family knows of it. */
export const IFLA_PROTINFO = 12;
/** The length of its queue. */
export const IFLA_TXQLEN = 13;
/** What makes it. */
export const IFLA_LINKINFO = 18;
/** The namespace that it goes to: a process in it. */
export const IFLA_NET_NS_PID = 19;
/** A number of its owner's choice. */
const IFLA_GROUP = 27;
/** The namespace that it goes to: an fd. */
export const IFLA_NET_NS_FD = 28;
const IFLA_LINK_NETNSID = 37;

/** Within IFLA_LINKINFO: the kind's name. */
export const IFLA_INFO_KIND = 1;
/** Within IFLA_LINKINFO: what the kind alone has. */
export const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
/** Of a bridge's port: whether packets may leave where they came in. */
export const IFLA_BRPORT_MODE = 4;

/** The link is up. */
export const IFF_UP = 1;

/** A link as the kernel describes it. */
export interface Link {
  /** Its number in its namespace. */
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** The largest packet, in bytes. */
  readonly mtu: number;
  /** How many packets wait to be sent at most. */
  readonly txQueueLen: number;
  /** Its hardware address; empty for one that has none. */
  readonly address: Uint8Array<ArrayBuffer>;
  /** What makes it, such as `dummy`; undefined for a real device. */
  readonly kind: string | undefined;
  /** The index of the bridge or bond that it belongs to. */
  readonly master: number | undefined;
  /** The number by which its owner knows it; 0 unless somebody has set it. */
  readonly group: number;
  /** The index of the link that it stands on (macvlan, ipvlan), or of its other end (veth). */
  readonly parent: number | undefined;
  /**
   * The namespace of `parent`, by the number that the kernel gave it here; undefined if it is here.
   */
  readonly parentNamespaceId: number | undefined;
  /** Whether packets may leave where they came in; undefined unless it is a bridge's port. */
  readonly isHairpin: boolean | undefined;
}

/** What identifies and sets a link in struct ifinfomsg. */
export interface LinkHeader {
  /** AF_…; 0, any, if it isn't given. */
  readonly family?: number;
  /** Its number; 0, unknown, if it isn't given. */
  readonly index?: number;
  /** IFF_… to set. */
  readonly flags?: number;
  /** Which IFF_… bits `flags` sets or clears. */
  readonly mask?: number;
}

/** struct ifinfomsg. */
export function linkStructure(header: LinkHeader = {}): Uint8Array<ArrayBuffer> {
  const { family = 0, index = 0, flags = 0, mask = 0 } = header;
  const bytes = new Uint8Array(STRUCTURE_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = family;
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, mask, true);
  return bytes;
}

/** What a link can be given when it is made and later. */
export interface LinkSettings {
  /** The largest packet, in bytes. */
  readonly mtu?: number | undefined;
  /** How many packets wait to be sent at most. */
  readonly txQueueLen?: number | undefined;
  /** The hardware address. */
  readonly address?: Uint8Array<ArrayBuffer> | undefined;
  /** The index of the bridge that it belongs to, in the namespace where the link is. */
  readonly master?: number | undefined;
  /** A number by which its owner knows it, up to 2^31 - 1: ip-link(8)'s group. */
  readonly group?: number | undefined;
}

/** The attributes of what is given. */
export function settingAttributes(settings: LinkSettings): Attribute[] {
  const { mtu, txQueueLen, address, master, group } = settings;
  return [
    ...(address === undefined ? [] : [{ type: IFLA_ADDRESS, value: address }]),
    ...numbers(IFLA_MTU, mtu),
    ...numbers(IFLA_TXQLEN, txQueueLen),
    ...numbers(IFLA_MASTER, master),
    ...numbers(IFLA_GROUP, group),
  ];
}

function numbers(type: number, value: number | undefined): Attribute[] {
  return value === undefined ? [] : [numberAttribute(type, value)];
}

/**
 * The link that a RTM_NEWLINK message describes.
 *
 * @throws {NetlinkFormatError}
 */
export function decodeLink({ body }: Pick<Message, "body">): Link {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const attributes = new Attributes(body.subarray(STRUCTURE_SIZE));
  const info = attributes.nested(IFLA_LINKINFO);
  return {
    index: view.getInt32(4, true),
    name: attributes.text(IFLA_IFNAME) ?? "",
    isUp: (view.getUint32(8, true) & IFF_UP) !== 0,
    mtu: attributes.number(IFLA_MTU) ?? 0,
    txQueueLen: attributes.number(IFLA_TXQLEN) ?? 0,
    address: attributes.bytes(IFLA_ADDRESS) ?? new Uint8Array(),
    kind: info.text(IFLA_INFO_KIND),
    master: attributes.number(IFLA_MASTER),
    group: attributes.number(IFLA_GROUP) ?? 0,
    parent: attributes.number(IFLA_LINK),
    parentNamespaceId: attributes.number(IFLA_LINK_NETNSID),
    isHairpin: hairpinIn(info),
  };
}

function hairpinIn(info: Attributes): boolean | undefined {
  if (info.text(IFLA_INFO_SLAVE_KIND) !== "bridge") return undefined;
  const mode = info.nested(IFLA_INFO_SLAVE_DATA).bytes(IFLA_BRPORT_MODE);
  return mode === undefined ? undefined : mode[0] === 1;
}
