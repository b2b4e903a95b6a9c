/**
 * Descriptions of new links, of every kind that hull makes.
 *
 * Source: include/uapi/linux/if_link.h; ip-link(8).
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import {
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_NET_NS_FD,
  type LinkSettings,
  linkStructure,
  settingAttributes,
} from "./link_message.ts";
import { type Attribute, encodeBody, numberAttribute, textAttribute } from "./message.ts";

const VETH_INFO_PEER = 1;
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_BR_MULTI_BOOLOPT = 46;
/** struct br_boolopt_multi: the values, and which of them are given, a bit each. */
const NO_LL_LEARN = new Uint8Array(new Uint32Array([1, 1]).buffer);

const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 } as const;

/** Which packets the macvlan links of one parent exchange. */
export type MacvlanMode = keyof typeof MACVLAN_MODES;
/** At which layer the ipvlan links of one parent meet. */
export type IpvlanMode = keyof typeof IPVLAN_MODES;

/** What every new link has. */
interface Named extends LinkSettings {
  /** At most 15 bytes. A template such as `eth%d` gets the first free number. */
  readonly name: string;
  /** The network namespace where it is made, by an fd; the socket's if it isn't given. */
  readonly namespace?: Fd | undefined;
}

/** A link to make. */
export type NewLink = Named & NewLinkKind;

/** What a link's kind needs. */
export type NewLinkKind =
  | { readonly kind: "dummy" }
  | {
    readonly kind: "bridge";
    /**
     * Whether it learns no hardware addresses from frames to the groups of a bridge's own protocols
     * (01:80:c2:00:00:0X), which pass by all rules; without effect before Linux 4.20.
     */
    readonly learnsLess?: boolean | undefined;
  }
  | {
    readonly kind: "veth";
    /** The other end; it is made in the socket's namespace if none is given. */
    readonly peer: Omit<Named, "master">;
  }
  | {
    readonly kind: "macvlan";
    /** The index of the link that it stands on, in the socket's namespace. */
    readonly parent: number;
    /** The kernel's own choice is `vepa`. */
    readonly mode?: MacvlanMode | undefined;
  }
  | {
    readonly kind: "ipvlan";
    /** The index of the link that it stands on, in the socket's namespace. */
    readonly parent: number;
    /** The kernel's own choice is `l3`. All links of one parent have one mode. */
    readonly mode?: IpvlanMode | undefined;
  };

/**
 * The attributes that describe a new link.
 *
 * @throws {RangeError} if the name holds a NUL
 */
export function newLinkAttributes(link: NewLink): Attribute[] {
  const data = kindData(link);
  const info = [
    { type: IFLA_INFO_KIND, value: new TextEncoder().encode(link.kind) },
    ...(data.length === 0 ? [] : [{ type: IFLA_INFO_DATA, value: data }]),
  ];
  return [
    ...namedAttributes(link),
    ...("parent" in link ? [numberAttribute(IFLA_LINK, link.parent)] : []),
    { type: IFLA_LINKINFO, value: info },
  ];
}

function namedAttributes(link: Named): Attribute[] {
  const { name, namespace } = link;
  return [
    textAttribute(IFLA_IFNAME, name),
    ...settingAttributes(link),
    ...(namespace === undefined ? [] : [numberAttribute(IFLA_NET_NS_FD, namespace.number)]),
  ];
}

function kindData(link: NewLink): Attribute[] {
  switch (link.kind) {
    case "dummy":
      return [];
    case "bridge":
      return link.learnsLess === true ? [{ type: IFLA_BR_MULTI_BOOLOPT, value: NO_LL_LEARN }] : [];
    case "veth": // the other end is described like a link of its own
      return [{
        type: VETH_INFO_PEER,
        value: encodeBody(linkStructure(), namedAttributes(link.peer)),
      }];
    case "macvlan":
      if (link.mode === undefined) return [];
      return [numberAttribute(IFLA_MACVLAN_MODE, MACVLAN_MODES[link.mode])];
    case "ipvlan":
      if (link.mode === undefined) return [];
      return [{ type: IFLA_IPVLAN_MODE, value: new Uint8Array([IPVLAN_MODES[link.mode], 0]) }];
  }
}
