/**
 * The routes of a network namespace.
 *
 * Source: rtnetlink(7), include/uapi/linux/rtnetlink.h.
 *
 * @module
 */

import { AF_INET } from "./address.ts";
import {
  type Attribute,
  Attributes,
  encodeBody,
  type Message,
  NLM_F_CREATE,
  NLM_F_EXCL,
  numberAttribute,
  optional,
} from "./message.ts";
import type { RouteSocket } from "./socket.ts";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const STRUCTURE_SIZE = 12; // struct rtmsg
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;
const RTM_F_CLONED = 0x200;

/** A route. */
export interface Route {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** Where it leads to, 4 or 16 bytes; undefined is everywhere. */
  readonly destination?: Uint8Array<ArrayBuffer> | undefined;
  /** The bits of the destination's network; 0 is everywhere. */
  readonly prefixLength: number;
  /** The router; undefined for a network that the link reaches itself. */
  readonly gateway?: Uint8Array<ArrayBuffer> | undefined;
  /** The address that packets are sent from, one of this namespace's. */
  readonly source?: Uint8Array<ArrayBuffer> | undefined;
  /** The index of the link that packets leave by; it follows from the gateway if it isn't given. */
  readonly index?: number | undefined;
  /** The lowest wins. IPv6 has 1024 if it isn't given. */
  readonly metric?: number | undefined;
}

/**
 * The unicast routes of the main table, those with several ways at once without their gateways.
 * Throws what `RouteSocket.dump` throws.
 *
 * @param family AF_INET or AF_INET6; both if it isn't given
 */
export function listRoutes(socket: RouteSocket, family = 0): Route[] {
  const structure = new Uint8Array(STRUCTURE_SIZE);
  structure[0] = family;
  const body = encodeBody(structure);
  return socket.dump({ name: "RTM_GETROUTE", type: RTM_GETROUTE, body })
    .filter(isMainUnicast).map(decodeRoute);
}

/**
 * Adds a route to the main table.
 *
 * @throws {NetlinkError} EEXIST if there is one to that place with that metric, ENETUNREACH or
 *   EHOSTUNREACH if nothing leads to the gateway, ENODEV if there is no such link, ENETDOWN if it
 *   is down, EINVAL with the reason
 */
export function addRoute(socket: RouteSocket, route: Route): void {
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  socket.request({ name: "RTM_NEWROUTE", type: RTM_NEWROUTE, flags, body: encodeRoute(route) });
}

/**
 * Removes a route from the main table: the first that is as given; what isn't given may be
 * anything.
 *
 * @throws {NetlinkError} ESRCH if there is none
 */
export function deleteRoute(socket: RouteSocket, route: Route): void {
  const body = encodeBody(structureOf(route, 0, RT_SCOPE_NOWHERE, 0), routeAttributes(route));
  socket.request({ name: "RTM_DELROUTE", type: RTM_DELROUTE, body });
}

/** The body of a message about a new route. */
export function encodeRoute(route: Route): Uint8Array<ArrayBuffer> {
  const scope = route.family === AF_INET && route.gateway === undefined
    ? RT_SCOPE_LINK // what the link reaches itself
    : RT_SCOPE_UNIVERSE;
  return encodeBody(
    structureOf(route, RTPROT_BOOT, scope, RTN_UNICAST),
    routeAttributes(route),
  );
}

/** struct rtmsg. */
function structureOf(
  { family, prefixLength }: Route,
  protocol: number,
  scope: number,
  type: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(STRUCTURE_SIZE);
  bytes.set([family, prefixLength, 0, 0, RT_TABLE_MAIN, protocol, scope, type]);
  return bytes;
}

function routeAttributes({ destination, gateway, source, index, metric }: Route): Attribute[] {
  return [
    ...optional(RTA_DST, destination),
    ...optional(RTA_GATEWAY, gateway),
    ...optional(RTA_PREFSRC, source),
    ...(index === undefined ? [] : [numberAttribute(RTA_OIF, index)]),
    ...(metric === undefined ? [] : [numberAttribute(RTA_PRIORITY, metric)]),
  ];
}

function isMainUnicast({ body }: Message): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const table = new Attributes(body.subarray(STRUCTURE_SIZE)).number(RTA_TABLE) ?? body[4];
  return table === RT_TABLE_MAIN && body[7] === RTN_UNICAST &&
    (view.getUint32(8, true) & RTM_F_CLONED) === 0;
}

/**
 * The route that a message is about.
 *
 * @throws {NetlinkFormatError}
 */
export function decodeRoute({ body }: Pick<Message, "body">): Route {
  const [family = 0, prefixLength = 0] = body;
  const attributes = new Attributes(body.subarray(STRUCTURE_SIZE));
  return {
    family,
    destination: attributes.bytes(RTA_DST),
    prefixLength,
    gateway: attributes.bytes(RTA_GATEWAY),
    source: attributes.bytes(RTA_PREFSRC),
    index: attributes.number(RTA_OIF),
    metric: attributes.number(RTA_PRIORITY),
  };
}
