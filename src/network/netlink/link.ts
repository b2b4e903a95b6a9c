/**
 * Links: the network's devices.
 *
 * Source: rtnetlink(7), include/uapi/linux/if_link.h.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import {
  decodeLink,
  IFF_UP,
  IFLA_BRPORT_MODE,
  IFLA_IFNAME,
  IFLA_MASTER,
  IFLA_NET_NS_FD,
  IFLA_NET_NS_PID,
  IFLA_PROTINFO,
  type Link,
  type LinkHeader,
  type LinkSettings,
  linkStructure,
  settingAttributes,
} from "./link_message.ts";
import {
  type Attribute,
  encodeBody,
  NLM_F_CREATE,
  NLM_F_EXCL,
  numberAttribute,
  textAttribute,
} from "./message.ts";
import { type NewLink, newLinkAttributes } from "./new_link.ts";
import { isRefusal, type RouteSocket } from "./socket.ts";

export type { Link } from "./link_message.ts";
export type { IpvlanMode, MacvlanMode, NewLink } from "./new_link.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const AF_BRIDGE = 7;

/**
 * The links of the socket's namespace. Throws what `RouteSocket.dump` throws.
 *
 * @param options `master` gives the ports of a bridge alone
 */
export function listLinks(
  socket: RouteSocket,
  { master }: { readonly master?: number } = {},
): Link[] {
  const filter = master === undefined ? [] : [numberAttribute(IFLA_MASTER, master)];
  const body = encodeBody(linkStructure(), filter);
  return socket.dump({ name: "RTM_GETLINK", type: RTM_GETLINK, body }).map(decodeLink);
}

/**
 * The link of a name or of an index, or undefined if the namespace has none.
 *
 * @throws {NetlinkError} ERANGE for a name of 16 bytes or more and EINVAL for the index 0, which no
 *   link has
 */
export function findLink(socket: RouteSocket, link: string | number): Link | undefined {
  const body = typeof link === "number"
    ? encodeBody(linkStructure({ index: link }))
    : encodeBody(linkStructure(), [textAttribute(IFLA_IFNAME, link)]);
  try {
    const [message] = socket.request({ name: "RTM_GETLINK", type: RTM_GETLINK, body });
    return message === undefined ? undefined : decodeLink(message);
  } catch (error) {
    if (isRefusal(error, "ENODEV")) return undefined;
    throw error;
  }
}

/**
 * Makes a link.
 *
 * @throws {NetlinkError} EEXIST if the name is taken, ERANGE if it is longer than 15 bytes, EINVAL
 *   with the reason for what its kind can't have, EOPNOTSUPP for a kind that the kernel lacks
 */
export function createLink(socket: RouteSocket, link: NewLink): void {
  change(socket, {}, newLinkAttributes(link), NLM_F_CREATE | NLM_F_EXCL);
}

/** What can be changed of a link. */
export interface LinkChange extends LinkSettings {
  /** A new name; a template such as `eth%d` gets the first free number. */
  readonly name?: string | undefined;
  readonly isUp?: boolean | undefined;
  /** As in {@linkcode LinkSettings}; 0 takes it off its bridge. */
  readonly master?: number | undefined;
  /** The network namespace that it goes to: an fd of it, or a process in it. */
  readonly namespace?: Fd | { readonly pid: number } | undefined;
}

/**
 * Changes a link in one request.
 *
 * The kernel works in this order: namespace, hardware address, MTU, name, bridge, up or down,
 * queue. The changes after the namespace apply in the new one. If it refuses a change, those before
 * it stay done.
 *
 * @throws {NetlinkError} ENODEV if there is none, EEXIST if the name is taken, EINVAL with the
 *   reason for a value that it can't have or a link that is bound to its namespace, EBUSY for an
 *   address or, in older kernels, a name that can't change while it is up
 */
export function changeLink(socket: RouteSocket, index: number, to: LinkChange): void {
  const { name, isUp, namespace } = to;
  const header = isUp === undefined ? { index } : { index, flags: isUp ? IFF_UP : 0, mask: IFF_UP };
  change(socket, header, [
    ...(name === undefined ? [] : [textAttribute(IFLA_IFNAME, name)]),
    ...settingAttributes(to),
    ...(namespace === undefined ? [] : [namespaceAttribute(namespace)]),
  ]);
}

function namespaceAttribute(namespace: Fd | { readonly pid: number }): Attribute {
  return "pid" in namespace
    ? numberAttribute(IFLA_NET_NS_PID, namespace.pid)
    : numberAttribute(IFLA_NET_NS_FD, namespace.number);
}

/**
 * Brings a link up or down.
 *
 * @throws {NetlinkError}
 */
export function setLinkUp(socket: RouteSocket, index: number, isUp: boolean): void {
  changeLink(socket, index, { isUp });
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
  changeLink(socket, index, { namespace, name });
}

/**
 * Says whether a bridge may send packets back to the port that they came from, so that a container
 * reaches itself by a published address.
 *
 * @throws {NetlinkError} EOPNOTSUPP if the link is no bridge's port
 */
export function setHairpin(socket: RouteSocket, index: number, isOn: boolean): void {
  const port = [{ type: IFLA_BRPORT_MODE, value: new Uint8Array([isOn ? 1 : 0]) }];
  const body = encodeBody(linkStructure({ family: AF_BRIDGE, index }), [
    { type: IFLA_PROTINFO, value: port },
  ]);
  socket.request({ name: "RTM_SETLINK", type: RTM_SETLINK, body });
}

/**
 * Removes a link; a veth's other end goes with it.
 *
 * @throws {NetlinkError} ENODEV if there is none, EOPNOTSUPP for a real device
 */
export function deleteLink(socket: RouteSocket, index: number): void {
  const body = encodeBody(linkStructure({ index }));
  socket.request({ name: "RTM_DELLINK", type: RTM_DELLINK, body });
}

function change(
  socket: RouteSocket,
  header: LinkHeader,
  attributes: readonly Attribute[],
  flags = 0,
): void {
  const body = encodeBody(linkStructure(header), attributes);
  socket.request({ name: "RTM_NEWLINK", type: RTM_NEWLINK, flags, body });
}
