/**
 * Neighbours: which hardware address an IP address of a link's network has.
 *
 * Source: rtnetlink(7), include/uapi/linux/neighbour.h.
 *
 * @module
 */

import { Attributes, encodeBody, type Message, NLM_F_CREATE, NLM_F_EXCL } from "./message.ts";
import type { RouteSocket } from "./socket.ts";

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const STRUCTURE_SIZE = 12; // struct ndmsg
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
const NUD_NOARP = 0x40;

/** A neighbour. */
export interface Neighbour {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** The index of the link that leads to it. */
  readonly index: number;
  /** Its IP address: 4 or 16 bytes. */
  readonly destination: Uint8Array<ArrayBuffer>;
  /** Its hardware address; undefined while the kernel asks for it. */
  readonly address: Uint8Array<ArrayBuffer> | undefined;
  /** Whether it was set by hand, and stays. */
  readonly isPermanent: boolean;
}

/**
 * The neighbours of all links, without those that follow from the address alone (multicast,
 * loopback). Throws what `RouteSocket.dump` throws.
 */
export function listNeighbours(socket: RouteSocket): Neighbour[] {
  const body = encodeBody(new Uint8Array(STRUCTURE_SIZE));
  return socket.dump({ name: "RTM_GETNEIGH", type: RTM_GETNEIGH, body })
    .filter((message) => (stateOf(message) & NUD_NOARP) === 0).map(decodeNeighbour);
}

/**
 * Adds a neighbour that stays, so that nobody is asked for its hardware address.
 *
 * @throws {NetlinkError} EEXIST if it is there, ENODEV if there is no such link
 */
export function addNeighbour(
  socket: RouteSocket,
  neighbour: Omit<Neighbour, "isPermanent" | "address"> & {
    readonly address: Uint8Array<ArrayBuffer>;
  },
): void {
  const body = encodeBody(structure(neighbour, NUD_PERMANENT), [
    { type: NDA_DST, value: neighbour.destination },
    { type: NDA_LLADDR, value: neighbour.address },
  ]);
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  socket.request({ name: "RTM_NEWNEIGH", type: RTM_NEWNEIGH, flags, body });
}

/**
 * Forgets a neighbour, as when its IP address goes to another.
 *
 * @throws {NetlinkError} ENOENT if there is none
 */
export function deleteNeighbour(
  socket: RouteSocket,
  neighbour: Pick<Neighbour, "family" | "index" | "destination">,
): void {
  const body = encodeBody(structure(neighbour, 0), [
    { type: NDA_DST, value: neighbour.destination },
  ]);
  socket.request({ name: "RTM_DELNEIGH", type: RTM_DELNEIGH, body });
}

/** struct ndmsg. */
function structure(
  { family, index }: Pick<Neighbour, "family" | "index">,
  state: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(STRUCTURE_SIZE);
  const view = new DataView(bytes.buffer);
  bytes[0] = family;
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  return bytes;
}

function stateOf({ body }: Message): number {
  return new DataView(body.buffer, body.byteOffset, body.length).getUint16(8, true);
}

function decodeNeighbour(message: Message): Neighbour {
  const { body } = message;
  const attributes = new Attributes(body.subarray(STRUCTURE_SIZE));
  return {
    family: body[0] ?? 0,
    index: new DataView(body.buffer, body.byteOffset, body.length).getInt32(4, true),
    destination: attributes.bytes(NDA_DST) ?? new Uint8Array(),
    address: attributes.bytes(NDA_LLADDR),
    isPermanent: (stateOf(message) & NUD_PERMANENT) !== 0,
  };
}
