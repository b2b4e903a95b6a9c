/**
 * Links of every kind: what hull reads is what iproute2 shows, and what hull sets is what iproute2
 * shows afterwards. In network namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import { open } from "../../ffi/files/file.ts";
import { formatMac, parseMac } from "../../src/config/ip_address.ts";
import {
  changeLink,
  createLink,
  deleteLink,
  findLink,
  type Link,
  type LinkChange,
  listLinks,
  setHairpin,
  setLinkUp,
} from "../../src/network/netlink/link.ts";
import type { RouteSocket } from "../../src/network/netlink/socket.ts";
import { missingKind, netlinkTest as test, refusalOf, socketIn } from "../fixtures/netlink.ts";
import type { TestNetwork } from "../fixtures/network.ts";
import { shownAt } from "../fixtures/network.ts";
import { Random } from "../fixtures/random.ts";

/** A link as `ip -j -d link` shows it, as far as hull knows of it. */
interface ShownLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly txqlen?: number;
  readonly address?: string;
  readonly master?: string;
  readonly link?: string;
  readonly link_index?: number;
  readonly link_netnsid?: number;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly mode?: string };
    readonly info_slave_data?: { readonly hairpin?: boolean };
  };
}

const MAC = "02:00:5e:00:53:01";
const OTHER_MAC = "02:00:5e:00:53:02";

function macOf(text: string): Uint8Array<ArrayBuffer> {
  return parseMac(text) ?? new Uint8Array();
}

function shown(path: string, name: string): ShownLink {
  const found = shownAt<ShownLink>(path, "link").find(({ ifname }) => ifname === name);
  assert(found !== undefined, `${name} is not there`);
  return found;
}

function indexOf(socket: RouteSocket, name: string): number {
  const link = findLink(socket, name);
  assert(link !== undefined, `${name} is not there`);
  return link.index;
}

/** A link with the names that its numbers stand for. */
interface Words {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly mtu: number;
  readonly txQueueLen: number;
  readonly address: string;
  readonly kind: string | undefined;
  readonly master: string | undefined;
  readonly parent: string | number | undefined;
  readonly parentNamespaceId: number | undefined;
  readonly isHairpin: boolean | undefined;
}

/** hull's view. */
function inWords(link: Link, all: readonly Link[]): Words {
  const nameOf = (index: number | undefined) => all.find((one) => one.index === index)?.name;
  const isHere = link.parentNamespaceId === undefined;
  return {
    index: link.index,
    name: link.name,
    isUp: link.isUp,
    mtu: link.mtu,
    txQueueLen: link.txQueueLen,
    address: formatMac(link.address),
    kind: link.kind,
    master: nameOf(link.master),
    parent: isHere ? nameOf(link.parent) : link.parent,
    parentNamespaceId: link.parentNamespaceId,
    isHairpin: link.isHairpin,
  };
}

/** iproute2's view. */
function asShown(link: ShownLink): Words {
  return {
    index: link.ifindex,
    name: link.ifname,
    isUp: link.flags.includes("UP"),
    mtu: link.mtu,
    txQueueLen: link.txqlen ?? 0,
    address: link.address ?? "",
    kind: link.linkinfo?.info_kind,
    master: link.master,
    parent: link.link ?? link.link_index,
    parentNamespaceId: link.link_netnsid,
    isHairpin: link.linkinfo?.info_slave_data?.hairpin,
  };
}

/** Compares all links of the socket's namespace with what iproute2 shows of it. */
function assertAllShown(socket: RouteSocket, path: string): void {
  const links = listLinks(socket);
  assertEquals(
    links.map((link) => inWords(link, links)),
    shownAt<ShownLink>(path, "link").map(asShown),
  );
  for (const link of links) {
    assertEquals(findLink(socket, link.name), link);
    assertEquals(findLink(socket, link.index), link);
  }
}

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

test("each setting is changed alone, and all in one request", (socket, network) => {
  createLink(socket, { name: "br0", kind: "bridge" });
  createLink(socket, { name: "v0", kind: "veth", peer: { name: "v1" } });
  const [index, master] = [indexOf(socket, "v0"), indexOf(socket, "br0")];
  const now = () => shownAt<ShownLink>(network.path, "link").find((it) => it.ifindex === index);
  const before = now();
  const changes:
    readonly (readonly [LinkChange, { readonly [Key in keyof Words]?: Words[Key] }])[] = [
      [{ name: "w0" }, { name: "w0" }],
      [{ mtu: 1333 }, { mtu: 1333 }],
      [{ address: macOf(MAC) }, { address: MAC }],
      [{ txQueueLen: 0 }, { txQueueLen: 0 }],
      [{ txQueueLen: 500 }, { txQueueLen: 500 }],
      [{ master }, { master: "br0", isHairpin: false }],
      [{ master: 0 }, { master: undefined, isHairpin: undefined }],
      [{ isUp: true }, { isUp: true }],
      [{}, {}],
      [{ isUp: false }, { isUp: false }],
      [{ name: "eth%d" }, { name: "eth0" }],
      [
        { name: "x0", isUp: true, mtu: 1444, address: macOf(OTHER_MAC), txQueueLen: 4, master },
        {
          name: "x0",
          isUp: true,
          mtu: 1444,
          address: OTHER_MAC,
          txQueueLen: 4,
          master: "br0",
          isHairpin: false,
        },
      ],
    ];
  let expected = asShown(before as ShownLink);
  for (const [change, effect] of changes) {
    changeLink(socket, index, change);
    expected = { ...expected, ...effect };
    assertEquals(asShown(now() as ShownLink), expected, JSON.stringify(change));
    const links = listLinks(socket);
    const read = links.find((link) => link.index === index);
    assertEquals(read && inWords(read, links), expected);
  }
});

test("a series of changes by chance is read back after each", (socket, network) => {
  createLink(socket, { name: "br0", kind: "bridge" });
  createLink(socket, { name: "v0", kind: "veth", peer: { name: "v1" } });
  const [index, bridge] = [indexOf(socket, "v0"), indexOf(socket, "br0")];
  const seed = 5;
  const random = new Random(seed);
  for (let step = 0; step < 30; step++) {
    const address = random.bytes(6);
    address[0] = (address[0] ?? 0) & 0xfe | 2; // one that a link of one's own may have
    const change: LinkChange = {
      name: random.maybe(() => `n${random.below(2 ** 31)}`),
      mtu: random.maybe(() => 1280 + random.below(64_000)),
      txQueueLen: random.maybe(() => random.below(100_000)),
      address: random.maybe(() => address),
      master: random.maybe(() => random.of(0, bridge)),
      isUp: random.maybe(() => random.of(true, false)),
    };
    changeLink(socket, index, change);
    const link = shownAt<ShownLink>(network.path, "link").find(({ ifindex }) => ifindex === index);
    const { name, mtu, txQueueLen, master, isUp, address: mac } = asShown(link as ShownLink);
    const seen = { name, mtu, txQueueLen, address: mac, master: master ?? "", isUp };
    const said = {
      name: change.name ?? name,
      mtu: change.mtu ?? mtu,
      txQueueLen: change.txQueueLen ?? txQueueLen,
      address: change.address === undefined ? mac : formatMac(change.address),
      master: change.master === undefined ? master ?? "" : change.master === 0 ? "" : "br0",
      isUp: change.isUp ?? isUp,
    };
    assertEquals(seen, said, `seed ${seed}, step ${step}`);
    const links = listLinks(socket);
    const read = links.find((one) => one.index === index);
    assertEquals(read && inWords(read, links), asShown(link as ShownLink), `step ${step}`);
  }
});

test("a link goes to a namespace by its fd or by a process in it, and back", (socket, network) => {
  using far = open(network.farPath);
  using home = open(network.path);
  using there = socketIn(network.farPath);
  for (const namespace of [far, { pid: network.farPid }]) {
    createLink(socket, { name: "v0", kind: "veth", peer: { name: "v1" } });
    createLink(there, { name: "br0", kind: "bridge" });
    changeLink(socket, indexOf(socket, "v0"), {
      namespace,
      name: "eth%d",
      mtu: 1290,
      address: macOf(MAC),
      txQueueLen: 2,
      master: indexOf(there, "br0"),
      isUp: true,
    });
    assertEquals(findLink(socket, "v0"), undefined);
    const moved = shown(network.farPath, "eth0");
    assertEquals([moved.mtu, moved.address, moved.txqlen, moved.master], [1290, MAC, 2, "br0"]);
    assert(moved.flags.includes("UP"));
    assertEquals(findLink(there, "eth0")?.parent, indexOf(socket, "v1"));
    changeLink(there, moved.ifindex, { namespace: home });
    assertEquals(shown(network.path, "eth0").mtu, 1290);
    deleteLink(socket, indexOf(socket, "eth0"));
    deleteLink(there, indexOf(there, "br0"));
  }
});

test("a bridge's port is told to send packets back, and not to", (socket, network) => {
  createLink(socket, { name: "br0", kind: "bridge" });
  const master = indexOf(socket, "br0");
  createLink(socket, { name: "v0", kind: "veth", master, peer: { name: "v1" } });
  const index = indexOf(socket, "v0");
  for (const isOn of [true, false, true]) {
    setHairpin(socket, index, isOn);
    assertEquals(shown(network.path, "v0").linkinfo?.info_slave_data?.hairpin, isOn);
    assertEquals(findLink(socket, "v0")?.isHairpin, isOn);
  }
});

test("a name has up to 15 bytes", (socket, network) => {
  for (const name of ["a", "a".repeat(15), "é".repeat(7) + "x"]) {
    createLink(socket, { name, kind: "bridge" });
    assertEquals(findLink(socket, name)?.name, name);
    assertEquals(shown(network.path, name).ifname, name);
    deleteLink(socket, indexOf(socket, name));
  }
  const tooLong = "ERANGE: Attribute failed policy validation";
  createLink(socket, { name: "br0", kind: "bridge" });
  for (const name of ["a".repeat(16), "é".repeat(8), "a".repeat(1000)]) {
    assertEquals(refusalOf(() => createLink(socket, { name, kind: "bridge" })), tooLong);
    const pair = { name: "v0", kind: "veth", peer: { name } } as const;
    assertEquals(refusalOf(() => createLink(socket, pair)), tooLong);
    assertEquals(refusalOf(() => changeLink(socket, 2, { name })), tooLong);
    assertEquals(refusalOf(() => findLink(socket, name)), tooLong);
  }
  for (const name of ["", ".", "..", "a/b", "a b", "a:b"]) {
    assertEquals(
      refusalOf(() => createLink(socket, { name, kind: "bridge" })).slice(0, 6),
      "EINVAL",
    );
  }
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo", "br0"]);
});

test(
  "what a link can't be is refused in the kernel's words, and changes nothing",
  (socket, network) => {
    createLink(socket, { name: "br0", kind: "bridge" });
    createLink(socket, { name: "br1", kind: "bridge" });
    createLink(socket, { name: "v0", kind: "veth", peer: { name: "v1" } });
    const [bridge, other, v0] = ["br0", "br1", "v0"].map((name) => indexOf(socket, name)) as [
      number,
      number,
      number,
    ];
    const before = network.shown<ShownLink>("link").map(asShown);
    const change = (to: LinkChange) => refusalOf(() => changeLink(socket, v0, to));
    assertEquals(change({ mtu: 67 }), "EINVAL: mtu less than device minimum");
    assertEquals(change({ mtu: 70_000 }), "EINVAL: mtu greater than device maximum");
    assertEquals(change({ name: "v1" }), "EEXIST: file exists");
    assertEquals(change({ address: macOf("01:00:5e:00:00:01") }).split(":")[0], "EADDRNOTAVAIL");
    assertEquals(change({ address: new Uint8Array(5) }), "EINVAL: invalid argument");
    assertEquals(change({ master: 999 }), "EINVAL: invalid argument");
    assertEquals(change({ master: v0 }).split(":")[0], "EOPNOTSUPP");
    assertEquals(change({ namespace: { pid: 2 ** 30 } }), "ESRCH: no such process");
    assertEquals(
      refusalOf(() => changeLink(socket, bridge, { master: other })),
      "ELOOP: Can not enslave a bridge to a bridge",
    );
    assertEquals(refusalOf(() => setHairpin(socket, v0, true)).split(":")[0], "EOPNOTSUPP");
    assertEquals(refusalOf(() => setHairpin(socket, 999, true)).split(":")[0], "ENODEV");
    const far = { pid: network.farPid };
    assertEquals(refusalOf(() => changeLink(socket, 1, { namespace: far })).slice(0, 6), "EINVAL");
    const absent = "ENODEV: no such device";
    assertEquals(refusalOf(() => changeLink(socket, 999, { mtu: 1400 })), absent);
    assertEquals(refusalOf(() => setLinkUp(socket, 999, true)), absent);
    assertEquals(refusalOf(() => deleteLink(socket, 999)), absent);
    assertEquals(findLink(socket, 999), undefined);
    const taken = "EEXIST: file exists";
    assertEquals(refusalOf(() => createLink(socket, { name: "br0", kind: "bridge" })), taken);
    const pair = (name: string, peer: string, mtu?: number) => () =>
      createLink(socket, { name, kind: "veth", mtu, peer: { name: peer } });
    assertEquals(refusalOf(pair("v1", "v2")), taken);
    assertEquals(refusalOf(pair("v2", "v1")), taken);
    assertEquals(refusalOf(pair("v2", "v3", 67)), "EINVAL: invalid argument");
    assertEquals(network.shown<ShownLink>("link").map(asShown), before);
  },
);

test("a macvlan that can't be is refused", (socket) => {
  createLink(socket, { name: "p0", kind: "veth", peer: { name: "p1" } });
  const parent = indexOf(socket, "p0");
  const make = (on: number, more = {}) =>
    refusalOf(() => createLink(socket, { name: "m1", kind: "macvlan", parent: on, ...more }));
  assertEquals(make(999), "ENODEV: no such device");
  assertEquals(make(1), "EINVAL: invalid argument"); // the loopback device
  assertEquals(make(parent, { mtu: 9000 }), "EINVAL: invalid argument");
  createLink(socket, { name: "m0", kind: "macvlan", mode: "passthru", parent });
  assertEquals(make(parent), "EINVAL: invalid argument"); // its only one
  assertEquals(findLink(socket, "m1"), undefined);
}, missingKind("macvlan"));
