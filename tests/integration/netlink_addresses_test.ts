/**
 * Addresses, routes and neighbours, both families: what hull reads is what iproute2 shows, and what
 * hull sets is what iproute2 shows afterwards. In network namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import {
  formatCidr,
  formatIp,
  formatMac,
  parseCidr,
  parseIp,
  parseMac,
} from "../../src/config/ip_address.ts";
import {
  addAddress,
  type Address,
  addressFamily,
  AF_INET,
  AF_INET6,
  deleteAddress,
  listAddresses,
  newAddress,
} from "../../src/network/netlink/address.ts";
import { createLink, findLink, listLinks, setLinkUp } from "../../src/network/netlink/link.ts";
import {
  addNeighbour,
  deleteNeighbour,
  listNeighbours,
} from "../../src/network/netlink/neighbour.ts";
import { addRoute, deleteRoute, listRoutes, type Route } from "../../src/network/netlink/route.ts";
import type { RouteSocket } from "../../src/network/netlink/socket.ts";
import { netlinkTest as test, refusalOf } from "../fixtures/netlink.ts";
import type { TestNetwork } from "../fixtures/network.ts";

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

interface ShownRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
  readonly protocol?: string;
  readonly scope?: string;
  readonly type?: string;
}

interface ShownNeighbour {
  readonly dst: string;
  readonly dev: string;
  readonly lladdr?: string;
  readonly state: readonly string[];
}

/** Makes a link that is up; gives its index. */
function makeLink(socket: RouteSocket, name = "br0"): number {
  createLink(socket, { name, kind: "bridge" });
  const index = findLink(socket, name)?.index ?? 0;
  setLinkUp(socket, index, true);
  return index;
}

function addressOf(index: number, text: string): Address {
  const cidr = parseCidr(text);
  assert(cidr !== undefined, text);
  return newAddress(index, cidr);
}

function ip(text: string): Uint8Array<ArrayBuffer> {
  return parseIp(text)?.bytes ?? new Uint8Array();
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

/** Compares the main table with what iproute2 shows. */
function assertRoutesShown(socket: RouteSocket, network: TestNetwork): void {
  const links = listLinks(socket);
  for (const [option, family] of [["-4", AF_INET], ["-6", AF_INET6]] as const) {
    const words = listRoutes(socket, family).map((route) => ({
      to: destinationOf(route),
      gateway: route.gateway && formatIp(route.gateway),
      source: route.source && formatIp(route.source),
      link: links.find(({ index }) => index === route.index)?.name,
      metric: route.metric,
    }));
    const shown = network.shown<ShownRoute>(option, "route", "show", "table", "main");
    const unicast = shown.filter(({ type }) => type === "unicast");
    assertEquals(
      words,
      unicast.map(({ dst, gateway, prefsrc, dev, metric }) => ({
        to: dst,
        gateway,
        source: prefsrc,
        link: dev,
        metric,
      })),
    );
  }
}

function destinationOf({ family, destination, prefixLength }: Route): string {
  if (destination === undefined) return "default";
  const isHost = prefixLength === destination.length * 8;
  const cidr = { family: family === AF_INET ? 4 : 6, bytes: destination, prefixLength } as const;
  return isHost ? formatIp(destination) : formatCidr(cidr);
}

test("routes are read as iproute2 shows them", (socket, network) => {
  makeLink(socket);
  network.ip("addr", "add", "198.51.100.7/24", "dev", "br0");
  network.ip("addr", "add", "2001:db8::7/64", "nodad", "dev", "br0");
  const added = [
    "default via 198.51.100.1",
    "default via 198.51.100.2 metric 9",
    "10.1.0.0/16 via 198.51.100.3 src 198.51.100.7",
    "10.2.0.1 dev br0",
    "10.3.0.0/16 dev br0 table 77",
    "unreachable 10.4.0.0/16",
    "default via 2001:db8::1",
    "2001:db8:1::/48 via 2001:db8::2 metric 5 src 2001:db8::7",
    "2001:db8:2::1 dev br0",
    "2001:db8:3::/64 dev br0 table 77",
  ];
  for (const words of added) {
    network.ip(words.includes("2001") ? "-6" : "-4", "route", "add", ...words.split(" "));
  }
  assertRoutesShown(socket, network);
  assertEquals(
    listRoutes(socket).length,
    listRoutes(socket, AF_INET).length + listRoutes(socket, AF_INET6).length,
  );
});

function routeTo(text: string, more: Partial<Route>): Route {
  const cidr = parseCidr(text);
  assert(cidr !== undefined, text);
  const { bytes, prefixLength, family } = cidr;
  return { family: addressFamily(family), destination: bytes, prefixLength, ...more };
}

test("routes are added and removed", (socket, network) => {
  const index = makeLink(socket);
  addAddress(socket, addressOf(index, "198.51.100.7/24"));
  addAddress(socket, addressOf(index, "2001:db8::7/64"));
  const [v4, v6] = [ip("198.51.100.1"), ip("2001:db8::1")];
  const routes: readonly (readonly [Route, Partial<ShownRoute>])[] = [
    [{ family: AF_INET, prefixLength: 0, gateway: v4 }, {
      dst: "default",
      gateway: "198.51.100.1",
      dev: "br0",
      protocol: "boot",
      scope: "global",
    }],
    [{ family: AF_INET, prefixLength: 0, gateway: v4, metric: 7, index }, {
      dst: "default",
      metric: 7,
    }],
    [routeTo("10.1.0.0/16", { index }), { dst: "10.1.0.0/16", dev: "br0", scope: "link" }],
    [routeTo("10.2.0.0/16", { gateway: v4, source: ip("198.51.100.7"), metric: 3 }), {
      dst: "10.2.0.0/16",
      gateway: "198.51.100.1",
      prefsrc: "198.51.100.7",
      metric: 3,
    }],
    [routeTo("10.3.0.1/32", { gateway: v4 }), { dst: "10.3.0.1", gateway: "198.51.100.1" }],
    [{ family: AF_INET6, prefixLength: 0, gateway: v6 }, {
      dst: "default",
      gateway: "2001:db8::1",
      dev: "br0",
      protocol: "boot",
      metric: 1024,
    }],
    [routeTo("2001:db8:1::/48", { index }), { dst: "2001:db8:1::/48", dev: "br0", metric: 1024 }],
    [routeTo("2001:db8:2::/64", { gateway: v6, source: ip("2001:db8::7"), metric: 4 }), {
      dst: "2001:db8:2::/64",
      gateway: "2001:db8::1",
      prefsrc: "2001:db8::7",
      metric: 4,
    }],
  ];
  const shownNow = (family: number) =>
    network.shown<ShownRoute>(family === AF_INET ? "-4" : "-6", "route", "show", "table", "main");
  for (const [route, expected] of routes) {
    const before = shownNow(route.family).map((row) => JSON.stringify(row));
    addRoute(socket, route);
    const come = shownNow(route.family).filter((row) => !before.includes(JSON.stringify(row)));
    assertEquals(come.length, 1);
    assertEquals({ ...come[0], ...expected }, come[0]);
  }
  assertRoutesShown(socket, network);
  for (const [route] of routes.toReversed()) {
    const before = shownNow(route.family).length;
    deleteRoute(socket, route);
    assertEquals(shownNow(route.family).length, before - 1);
  }
  assertRoutesShown(socket, network);
});

test("a route that can't be is refused in the kernel's words", (socket, network) => {
  const index = makeLink(socket);
  addAddress(socket, addressOf(index, "198.51.100.7/24"));
  addAddress(socket, addressOf(index, "2001:db8::7/64"));
  const [v4, v6] = [ip("198.51.100.1"), ip("2001:db8::1")];
  addRoute(socket, routeTo("10.1.0.0/16", { gateway: v4 }));
  addRoute(socket, routeTo("2001:db8:1::/48", { gateway: v6 }));
  const before = [AF_INET, AF_INET6].map((family) => listRoutes(socket, family));
  const add = (text: string, more: Partial<Route>) =>
    refusalOf(() => addRoute(socket, routeTo(text, more)));
  const away = { gateway: ip("192.0.2.1") };
  assertEquals(add("10.2.0.0/16", away), "ENETUNREACH: Nexthop has invalid gateway");
  assertEquals(add("10.2.0.0/16", { ...away, index }), "ENETUNREACH: Nexthop has invalid gateway");
  const away6 = add("2001:db8:2::/48", { gateway: ip("2001:db8:99::1") });
  assertEquals(away6.split(":")[0], "EHOSTUNREACH");
  assertEquals(add("10.1.0.0/16", { gateway: v4 }), "EEXIST: file exists");
  assertEquals(add("2001:db8:1::/48", { gateway: v6 }), "EEXIST: file exists");
  assertEquals(
    add("10.2.0.1/16", { gateway: v4 }),
    "EINVAL: Invalid prefix for given prefix length",
  );
  const source = { gateway: v4, source: ip("198.51.100.9") };
  assertEquals(add("10.2.0.0/16", source), "EINVAL: Invalid prefsrc address");
  const source6 = { gateway: v6, source: ip("2001:db8::9") };
  assertEquals(add("2001:db8:2::/48", source6), "EINVAL: Invalid source address");
  for (const text of ["10.2.0.0/16", "2001:db8:2::/48"]) {
    assertEquals(add(text, { index: 999 }), "ENODEV: no such device");
    assertEquals(add(text, {}), "ENODEV: no such device");
    assertEquals(
      refusalOf(() => deleteRoute(socket, routeTo(text, {}))),
      "ESRCH: no such process",
    );
  }
  assertEquals([AF_INET, AF_INET6].map((family) => listRoutes(socket, family)), before);
  setLinkUp(socket, index, false);
  assertEquals(add("10.2.0.0/16", { index }), "ENETDOWN: Device for nexthop is not up");
  assertEquals(network.shown<ShownRoute>("-4", "route"), [], "they went with the link");
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
