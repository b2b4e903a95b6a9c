/**
 * Links of every kind are read as iproute2 shows them, and made as they are asked for. In network
 * namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import { open } from "../../ffi/files/file.ts";
import { formatMac } from "../../src/config/ip_address.ts";
import { createLink, deleteLink, findLink } from "../../src/network/netlink/link.ts";
import type { RouteSocket } from "../../src/network/netlink/socket.ts";
import { missingKind, netlinkTest as test, socketIn } from "../fixtures/netlink.ts";
import type { TestNetwork } from "../fixtures/network.ts";
import { assertAllShown, indexOf, MAC, macOf, OTHER_MAC, shown } from "../fixtures/shown_links.ts";

test("links of every sort are read as iproute2 shows them", (socket, network) => {
  network.ip("link", "add", "br0", "type", "bridge");
  network.ip("link", "add", "v0", "mtu", "1399", "txqueuelen", "77", "type", "veth", "peer", "v1");
  network.ip("link", "set", "v0", "master", "br0", "address", MAC, "up");
  network.ip("link", "set", "v0", "type", "bridge_slave", "hairpin", "on");
  network.ip("link", "add", "v2", "type", "veth", "peer", "v3");
  network.ip("link", "set", "v2", "master", "br0");
  network.ip("link", "set", "v3", "txqueuelen", "0");
  network.addDevice("out"); // its other end is in another namespace
  assertAllShown(socket, network.path);
  const hairpins = ["v0", "v2", "v3"].map((name) => findLink(socket, name)?.isHairpin);
  assertEquals(hairpins, [true, false, undefined]);
  assert(findLink(socket, "out")?.parentNamespaceId !== undefined);
});

/** Makes links of a kind with all settings, and checks each. */
function assertMade(
  socket: RouteSocket,
  network: TestNetwork,
  make: (name: string) => Parameters<typeof createLink>[1],
): void {
  const settings = [
    {},
    { mtu: 1287 },
    { txQueueLen: 17 },
    { txQueueLen: 0 },
    { address: macOf(MAC) },
    { mtu: 1301, txQueueLen: 3, address: macOf(OTHER_MAC) },
  ];
  for (const setting of settings) {
    createLink(socket, { ...make("made"), ...setting });
    const link = shown(network.path, "made");
    assertEquals(link.linkinfo?.info_kind, make("made").kind);
    assertEquals(link.flags.includes("UP"), false);
    if (setting.mtu !== undefined) assertEquals(link.mtu, setting.mtu);
    if (setting.txQueueLen !== undefined) assertEquals(link.txqlen ?? 0, setting.txQueueLen);
    if (setting.address !== undefined) assertEquals(link.address, formatMac(setting.address));
    deleteLink(socket, link.ifindex);
    assertEquals(findLink(socket, "made"), undefined);
  }
}

test("bridges are made with their settings", (socket, network) => {
  assertMade(socket, network, (name) => ({ name, kind: "bridge" }));
});

test("dummies are made with their settings", (socket, network) => {
  assertMade(socket, network, (name) => ({ name, kind: "dummy" }));
}, missingKind("dummy"));

test("pairs are made with their settings, each end with its own", (socket, network) => {
  assertMade(socket, network, (name) => ({ name, kind: "veth", peer: { name: "peer" } }));
  createLink(socket, { name: "br0", kind: "bridge" });
  createLink(socket, {
    name: "v0",
    kind: "veth",
    mtu: 1300,
    txQueueLen: 5,
    address: macOf(MAC),
    master: indexOf(socket, "br0"),
    peer: { name: "v1", mtu: 1400, txQueueLen: 6, address: macOf(OTHER_MAC) },
  });
  const near = shown(network.path, "v0");
  assertEquals([near.mtu, near.txqlen, near.address, near.master], [1300, 5, MAC, "br0"]);
  const far = shown(network.path, "v1");
  assertEquals([far.mtu, far.txqlen, far.address, far.master], [1400, 6, OTHER_MAC, undefined]);
  assertEquals([near.link, far.link], ["v1", "v0"]);
  deleteLink(socket, far.ifindex);
  assertEquals(findLink(socket, "v0"), undefined, "the other end goes with it");
});

test("macvlans are made with their settings, in every mode", (socket, network) => {
  createLink(socket, { name: "p0", kind: "veth", peer: { name: "p1" } });
  const parent = indexOf(socket, "p0");
  assertMade(socket, network, (name) => ({ name, kind: "macvlan", parent }));
  for (const mode of [undefined, "private", "vepa", "bridge", "passthru"] as const) {
    createLink(socket, { name: "made", kind: "macvlan", parent, mode });
    const { ifindex, link, linkinfo } = shown(network.path, "made");
    assertEquals([link, linkinfo?.info_data?.mode], ["p0", mode ?? "vepa"]);
    deleteLink(socket, ifindex);
  }
}, missingKind("macvlan"));

test("ipvlans are made with their settings, in every mode", (socket, network) => {
  createLink(socket, { name: "p0", kind: "veth", peer: { name: "p1" } });
  const parent = indexOf(socket, "p0");
  for (const mode of [undefined, "l2", "l3", "l3s"] as const) {
    createLink(socket, { name: "made", kind: "ipvlan", parent, mode, mtu: 1234, txQueueLen: 9 });
    const { ifindex, link, linkinfo, mtu, txqlen } = shown(network.path, "made");
    assertEquals([link, linkinfo?.info_data?.mode, mtu, txqlen], ["p0", mode ?? "l3", 1234, 9]);
    assertAllShown(socket, network.path);
    deleteLink(socket, ifindex);
  }
}, missingKind("ipvlan"));

test("links are made in another namespace, with settings that hold there", (socket, network) => {
  using far = open(network.farPath);
  using there = socketIn(network.farPath);
  createLink(there, { name: "br0", kind: "bridge" });
  const settings = { mtu: 1280, txQueueLen: 8, address: macOf(MAC) };
  createLink(socket, { name: "in0", kind: "veth", peer: { name: "out0", namespace: far } });
  createLink(socket, {
    ...settings,
    name: "in1",
    kind: "veth",
    namespace: far,
    master: indexOf(there, "br0"),
    peer: { name: "out1", txQueueLen: 9 },
  });
  createLink(socket, { ...settings, name: "in2", kind: "bridge", namespace: far });
  assertEquals(shown(network.farPath, "out0").linkinfo?.info_kind, "veth");
  assertEquals(shown(network.path, "out1").txqlen, 9);
  assertEquals(shown(network.farPath, "in1").master, "br0");
  for (const name of ["in1", "in2"]) {
    const link = shown(network.farPath, name);
    assertEquals([link.mtu, link.txqlen, link.address], [1280, 8, MAC]);
  }
  assertAllShown(socket, network.path);
  assertAllShown(there, network.farPath);
});

test("a macvlan is made in another namespace, on a link of this one", (socket, network) => {
  using far = open(network.farPath);
  createLink(socket, { name: "p0", kind: "veth", peer: { name: "p1" } });
  const parent = indexOf(socket, "p0");
  createLink(socket, { name: "eth0", kind: "macvlan", mode: "bridge", parent, namespace: far });
  const { link_index, linkinfo } = shown(network.farPath, "eth0");
  assertEquals([link_index, linkinfo?.info_data?.mode], [parent, "bridge"]);
  assertEquals(findLink(socket, "eth0"), undefined);
}, missingKind("macvlan"));

test("an ipvlan is made in another namespace, on a link of this one", (socket, network) => {
  using far = open(network.farPath);
  createLink(socket, { name: "p0", kind: "veth", peer: { name: "p1" } });
  const parent = indexOf(socket, "p0");
  createLink(socket, { name: "eth0", kind: "ipvlan", mode: "l2", parent, namespace: far });
  assertEquals(shown(network.farPath, "eth0").link_index, parent);
}, missingKind("ipvlan"));
