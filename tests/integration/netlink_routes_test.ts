/**
 * Routes of both families: what hull reads is what iproute2 shows, and what hull sets is what iproute2
 * shows afterwards. In network namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import { formatCidr, formatIp, parseCidr } from "../../src/config/ip_address.ts";
import { addAddress, addressFamily, AF_INET, AF_INET6 } from "../../src/network/netlink/address.ts";
import { listLinks, setLinkUp } from "../../src/network/netlink/link.ts";
import { addRoute, deleteRoute, listRoutes, type Route } from "../../src/network/netlink/route.ts";
import type { RouteSocket } from "../../src/network/netlink/socket.ts";
import { netlinkTest as test, refusalOf } from "../fixtures/netlink.ts";
import type { TestNetwork } from "../fixtures/network.ts";
import { addressOf, ip, makeLink } from "../fixtures/link_addresses.ts";

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
