/**
 * The netlink socket against the kernel: its namespace, long lists, lists that change meanwhile,
 * answers that are not its own, and what the kernel refuses. In network namespaces of the test's
 * own; needs root.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../ffi/c/errno.ts";
import { type Fd, open } from "../../ffi/files/file.ts";
import { libc } from "../../ffi/c/libc.ts";
import { openRouteSocketIn, receiveFromKernel, sendToKernel } from "../../ffi/sockets/netlink.ts";
import { parseCidr } from "../../src/config/ip_address.ts";
import { addAddress, listAddresses, newAddress } from "../../src/network/netlink/address.ts";
import {
  createLink,
  deleteLink,
  findLink,
  listLinks,
  setLinkUp,
} from "../../src/network/netlink/link.ts";
import { encodeBody, encodeMessage, NLM_F_DUMP } from "../../src/network/netlink/message.ts";
import { AnswerReader, NetlinkError, RouteSocket } from "../../src/network/netlink/socket.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { netlinkTest as test } from "../fixtures/netlink.ts";
import { addressesOf, type TestNetwork } from "../fixtures/network.ts";

const ECONNREFUSED = 111;
const LINKS = { name: "RTM_GETLINK", type: 18, body: encodeBody(new Uint8Array(16)) };

test("a socket belongs to the namespace that it was made in, and this program stays", (socket) => {
  const own = Deno.readLinkSync("/proc/thread-self/ns/net");
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo"]);
  assertEquals(Deno.readLinkSync("/proc/thread-self/ns/net"), own);
});

/** Makes many links. */
function makePairs(socket: RouteSocket, count: number): void {
  for (let k = 0; k < count; k++) {
    createLink(socket, { name: `a${k}`, kind: "veth", peer: { name: `b${k}` } });
  }
}

test("a list of 501 links, larger than one buffer, is whole", (socket, network) => {
  makePairs(socket, 250);
  const seen = listLinks(socket).map(({ name, index }) => `${name} ${index}`);
  assertEquals(seen.length, 501);
  assertEquals(seen, network.links().map(({ ifname, ifindex }) => `${ifname} ${ifindex}`));
});

test("a list of 1,000 addresses of both families is whole", (socket, network) => {
  createLink(socket, { name: "br0", kind: "bridge" });
  const index = findLink(socket, "br0")?.index ?? 0;
  setLinkUp(socket, index, true);
  for (let k = 0; k < 500; k++) {
    for (const text of [`10.0.${k >> 8}.${k & 255}/16`, `2001:db8::${k.toString(16)}:1/64`]) {
      const cidr = parseCidr(text);
      if (cidr !== undefined) addAddress(socket, newAddress(index, cidr));
    }
  }
  const shown = addressesOf(network.link("br0")).filter((address) => !address.startsWith("fe80:"));
  assertEquals(shown.length, 1000);
  assertEquals(listAddresses(socket, index).filter(({ scope }) => scope === 0).length, 1000);
});

/** Asks for a list on a bare socket and reads it to its end, with something between the parts. */
function dumpBy(socket: Fd, sequence: number, between: () => void): AnswerReader {
  sendToKernel(
    socket,
    encodeMessage({ type: LINKS.type, flags: NLM_F_DUMP | 1, sequence, body: LINKS.body }),
  );
  const reader = new AnswerReader(LINKS.name, sequence);
  while (!reader.isComplete) {
    reader.take(receiveFromKernel(socket));
    between();
  }
  return reader;
}

test("a list that changes while it is read says so", (socket, network) => {
  makePairs(socket, 100);
  using namespace = open(network.path);
  using bare = openRouteSocketIn(namespace);
  assertEquals(dumpBy(bare, 1, () => {}).interrupted, false);
  let made = 0;
  const reader = dumpBy(bare, 2, () => {
    if (made++ === 0) createLink(socket, { name: "new", kind: "bridge" });
  });
  assert(made > 1, "it came in one part");
  assertEquals(reader.interrupted, true);
});

/** The port of a netlink socket of this program, the newest of a namespace. */
function portOf(network: TestNetwork, known: readonly number[]): number {
  const table = Deno.readTextFileSync(`/proc/${network.path.split("/")[2]}/net/netlink`);
  const ports = table.trim().split("\n").slice(1).map((line) => line.trim().split(/\s+/))
    .filter(([, protocol]) => protocol === "0").map(([, , port]) => Number(port));
  const found = ports.find((port) => port !== 0 && !known.includes(port));
  assert(found !== undefined, table);
  return found;
}

const AF_NETLINK = 16;

/** Takes a socket's partner away: connect(2) with AF_UNSPEC. */
function leavePartner(socket: Fd): void {
  assertEquals(libc.connect(socket.number, new Uint8Array(12), 12), 0);
}

/** struct sockaddr_nl. */
function addressOfPort(port: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(12);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, port, true);
  return address;
}

/** A refusal with EPERM, as the kernel would write it. */
function forged(sequence: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(20);
  new DataView(body.buffer).setInt32(0, -1, true);
  return encodeMessage({ type: 2, flags: 0, sequence, body });
}

/** Sends from one socket to a port; the count of bytes, or -1. */
function send(from: Fd, port: number, bytes: Uint8Array<ArrayBuffer>): number {
  const address = addressOfPort(port);
  return libc.sendto(from.number, bytes, bytes.length, 0, address, address.length);
}

test("nobody but the kernel can send to a socket", (socket, network) => {
  const port = portOf(network, []);
  using namespace = open(network.path);
  using stranger = openRouteSocketIn(namespace);
  leavePartner(stranger);
  for (let sequence = 0; sequence < 10; sequence++) {
    assertEquals(send(stranger, port, forged(sequence)), -ECONNREFUSED);
  }
  assertEquals(findLink(socket, "lo")?.name, "lo");
});

test("what another program sent before a socket has its partner is dropped", (_, network) => {
  const known = portOf(network, []);
  using namespace = open(network.path);
  using receiver = openRouteSocketIn(namespace);
  leavePartner(receiver);
  const port = portOf(network, [known]);
  using stranger = openRouteSocketIn(namespace);
  leavePartner(stranger);
  for (let k = 0; k < 10; k++) assertEquals(send(stranger, port, forged(1)), 36);
  const reader = dumpBy(receiver, 1, () => {});
  assertEquals(reader.messages.length, 1);
});

test("an answer that was not read does not answer the next question", (_socket, network) => {
  using namespace = open(network.path);
  using bare = openRouteSocketIn(namespace);
  const ask = (sequence: number, body: Uint8Array<ArrayBuffer>) =>
    sendToKernel(bare, encodeMessage({ type: LINKS.type, flags: 5, sequence, body }));
  const noLink = new Uint8Array(16).fill(0x7f, 4, 8);
  ask(1, noLink); // refused, and nobody reads that
  ask(2, LINKS.body.map((byte, k) => k === 4 ? 1 : byte)); // lo
  const reader = new AnswerReader(LINKS.name, 2);
  while (!reader.isComplete) reader.take(receiveFromKernel(bare));
  assertEquals(reader.messages.length, 1);
});

test("what the kernel refuses has its number, and the socket serves on", (socket) => {
  createLink(socket, { name: "br0", kind: "bridge" });
  for (let tries = 0; tries < 3; tries++) {
    const error = assertThrows(
      () => createLink(socket, { name: "br0", kind: "bridge" }),
      NetlinkError,
    );
    assertEquals([error.request, error.code, error.errno], ["RTM_NEWLINK", "EEXIST", 17]);
  }
  const request = { name: "RTM_NEWLINK", type: 16, body: encodeBody(new Uint8Array(3)) };
  assertThrows(() => socket.request(request), NetlinkError);
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo", "br0"]);
  deleteLink(socket, findLink(socket, "br0")?.index ?? 0);
  assertEquals(findLink(socket, "nowhere"), undefined);
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo"]);
});

Deno.test("what is no network namespace can't be entered, and leaves nothing", async () => {
  await leavesNothing("hull-netlink", () => {
    for (const path of ["/dev/null", "/proc/self/ns/uts"]) {
      using file = open(path);
      const error = assertThrows(() => new RouteSocket(file), SyscallError);
      assertEquals([error.syscall, error.code], ["setns", "EINVAL"]);
    }
    return Promise.resolve();
  });
});
