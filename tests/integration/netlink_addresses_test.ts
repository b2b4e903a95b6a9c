/**
 * Addresses and neighbours, both families: what hull reads is what iproute2 shows, and what hull sets
 * is what iproute2 shows afterwards. In network namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import { formatIp, formatMac, parseMac } from "../../src/config/ip_address.ts";
import {
  addAddress,
  AF_INET,
  AF_INET6,
  deleteAddress,
  listAddresses,
} from "../../src/network/netlink/address.ts";
import { findLink } from "../../src/network/netlink/link.ts";
import {
  addNeighbour,
  deleteNeighbour,
  listNeighbours,
} from "../../src/network/netlink/neighbour.ts";
import type { RouteSocket } from "../../src/network/netlink/socket.ts";
import { netlinkTest as test, refusalOf } from "../fixtures/netlink.ts";
import type { TestNetwork } from "../fixtures/network.ts";
import { addressOf, ip, makeLink } from "../fixtures/link_addresses.ts";

interface ShownAddress {
  readonly family: "inet" | "inet6";
  readonly local: string;
  readonly address?: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly broadcast?: string;
  readonly label?: string;
  readonly metric?: number;
  readonly nodad?: boolean;
  readonly tentative?: boolean;
}

interface ShownNeighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state: readonly string[];
}

function shownAddresses(network: TestNetwork, name: string): ShownAddress[] {
  const rows = network.shown<{ ifname: string; addr_info: ShownAddress[] }>("addr");
  // The kernel makes the link-local one itself.
  const all = rows.find(({ ifname }) => ifname === name)?.addr_info ?? [];
  return all.filter(({ local }) => !local.startsWith("fe80:"));
}

const SCOPES: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254 };

/** Compares the addresses of a link with what iproute2 shows. */
function assertAddressesShown(socket: RouteSocket, network: TestNetwork, index: number): void {
  const name = findLink(socket, index)?.name ?? "";
  const read = listAddresses(socket, index).filter(({ local }) => local[0] !== 0xfe);
  const words = read.map(({ family, local, peer, prefixLength, scope, broadcast, ...more }) => ({
    family,
    local: formatIp(local),
    peer: peer && formatIp(peer),
    prefixLength,
    scope,
    broadcast: broadcast && formatIp(broadcast),
    label: more.label,
    metric: more.metric,
    isNoDad: (more.flags & 2) !== 0,
  }));
  const expected = shownAddresses(network, name).map((one) => ({
    family: one.family === "inet" ? AF_INET : AF_INET6,
    local: one.local,
    peer: one.address,
    prefixLength: one.prefixlen,
    scope: SCOPES[one.scope],
    broadcast: one.broadcast,
    label: one.label,
    metric: one.metric,
    isNoDad: one.nodad === true,
  }));
  const byLocal = (a: { local: string }, b: { local: string }) => a.local < b.local ? -1 : 1;
  assertEquals(words.sort(byLocal), expected.sort(byLocal));
}

test("addresses are read as iproute2 shows them", (socket, network) => {
  const index = makeLink(socket);
  const added = [
    "198.51.100.7/24 broadcast 198.51.100.255",
    "198.51.100.8/24 label br0:x",
    "203.0.113.9 peer 203.0.113.1/32",
    "192.0.2.1/32 scope link metric 7",
    "2001:db8::7/64 nodad",
    "2001:db8::8/64 metric 9",
    "2001:db8::9 peer 2001:db8:1::9/128",
    "::ffff:192.0.2.9/96",
  ];
  for (const words of added) network.ip("addr", "add", ...words.split(" "), "dev", "br0");
  assertEquals(shownAddresses(network, "br0").length, added.length);
  assertAddressesShown(socket, network, index);
  assertAddressesShown(socket, network, 1);
  assert(listAddresses(socket).length > listAddresses(socket, index).length, "all links'");
});

test("addresses of a CIDR are given and taken", (socket, network) => {
  const index = makeLink(socket);
  const texts = [
    "198.51.100.7/24",
    "203.0.113.9/32",
    "192.0.2.0/31",
    "10.1.2.3/8",
    "2001:db8::7/64",
    "2001:db8:1::/128",
    "::ffff:192.0.2.9/96",
  ];
  for (const [k, text] of texts.entries()) {
    addAddress(socket, addressOf(index, text));
    const shown = shownAddresses(network, "br0");
    assertEquals(shown.length, k + 1);
    const found = shown.find(({ local, prefixlen }) => `${local}/${prefixlen}` === text);
    assertEquals(found?.scope, "global", text);
    assertEquals(found?.tentative, undefined, "it is usable at once");
  }
  const broadcasts = shownAddresses(network, "br0").map(({ broadcast }) => broadcast);
  assertEquals(broadcasts.filter((text) => text !== undefined).sort(), [
    "10.255.255.255",
    "198.51.100.255",
  ]);
  assertAddressesShown(socket, network, index);
  addAddress(socket, addressOf(1, "127.0.0.2/8"));
  assertEquals(shownAddresses(network, "lo").at(1)?.scope, "host");
  for (const text of texts) {
    deleteAddress(socket, addressOf(index, text));
    const left = shownAddresses(network, "br0").map(({ local, prefixlen }) =>
      `${local}/${prefixlen}`
    );
    assertEquals(left.includes(text), false, text);
  }
  assertEquals(shownAddresses(network, "br0"), []);
});

test("an address that can't be is refused in the kernel's words", (socket) => {
  const index = makeLink(socket);
  for (const text of ["198.51.100.7/24", "2001:db8::7/64"]) {
    addAddress(socket, addressOf(index, text));
  }
  const add = (text: string, on = index) =>
    refusalOf(() => addAddress(socket, addressOf(on, text)));
  const remove = (text: string) => refusalOf(() => deleteAddress(socket, addressOf(index, text)));
  const seen = {
    again: [add("198.51.100.7/24"), add("2001:db8::7/64")],
    nowhere: [add("198.51.100.7/24", 999), add("2001:db8::7/64", 999)],
    multicast: add("ff02::1:2/64"),
    absent: [remove("198.51.100.8/24"), remove("198.51.100.7/25"), remove("2001:db8::8/64")],
  };
  const begins = (text: string, code: string, word: RegExp) =>
    assert(text.startsWith(`${code}: `) && word.test(text), text);
  for (const text of seen.again) begins(text, "EEXIST", /address already assigned/i);
  for (const text of seen.nowhere) begins(text, "ENODEV", /./);
  begins(seen.multicast, "EADDRNOTAVAIL", /multicast/);
  for (const text of seen.absent) begins(text, "EADDRNOTAVAIL", /address not found/i);
});

test("neighbours are read, added and forgotten", (socket, network) => {
  const index = makeLink(socket);
  addAddress(socket, addressOf(index, "198.51.100.7/24"));
  const mac = parseMac("02:00:5e:00:53:01") ?? new Uint8Array();
  network.ip("neigh", "add", "198.51.100.1", "lladdr", "02:00:5e:00:53:07", "dev", "br0");
  network.ip(
    "neigh",
    "add",
    "198.51.100.2",
    "lladdr",
    formatMac(mac),
    "nud",
    "stale",
    "dev",
    "br0",
  );
  const added = [
    { family: AF_INET, index, destination: ip("198.51.100.9"), address: mac },
    { family: AF_INET6, index, destination: ip("2001:db8::9"), address: mac },
  ];
  for (const neighbour of added) addNeighbour(socket, neighbour);
  const shown = () =>
    network.shown<ShownNeighbour>("neigh").map(({ dst, dev, lladdr, state }) =>
      [dst, dev, lladdr, state.includes("PERMANENT")].join(" ")
    ).sort();
  const read = () =>
    listNeighbours(socket).map((one) => {
      const link = findLink(socket, one.index)?.name;
      const address = one.address && formatMac(one.address);
      return [formatIp(one.destination), link, address, one.isPermanent].join(" ");
    }).sort();
  assertEquals(shown(), [
    "198.51.100.1 br0 02:00:5e:00:53:07 true",
    "198.51.100.2 br0 02:00:5e:00:53:01 false",
    "198.51.100.9 br0 02:00:5e:00:53:01 true",
    "2001:db8::9 br0 02:00:5e:00:53:01 true",
  ]);
  assertEquals(read(), shown());
  for (const neighbour of added) {
    assertEquals(refusalOf(() => addNeighbour(socket, neighbour)), "EEXIST: file exists");
    deleteNeighbour(socket, neighbour);
    assertEquals(refusalOf(() => deleteNeighbour(socket, neighbour)).split(":")[0], "ENOENT");
  }
  assertEquals(shown().length, 2);
  assertEquals(read(), shown());
  const short = {
    family: AF_INET,
    index,
    destination: ip("198.51.100.9"),
    address: mac.subarray(1),
  };
  assertEquals(refusalOf(() => addNeighbour(socket, short)).split(":")[0], "EINVAL");
});
