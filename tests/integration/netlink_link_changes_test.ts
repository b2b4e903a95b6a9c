/**
 * Links are changed as they are asked to be, and what can't be is refused in the kernel's words. In
 * network namespaces of the test's own; needs root.
 */

import { assert, assertEquals } from "@std/assert";
import { open } from "../../ffi/files/file.ts";
import { formatMac } from "../../src/config/ip_address.ts";
import {
  changeLink,
  createLink,
  deleteLink,
  findLink,
  type LinkChange,
  listLinks,
  setHairpin,
  setLinkUp,
} from "../../src/network/netlink/link.ts";
import { missingKind, netlinkTest as test, refusalOf, socketIn } from "../fixtures/netlink.ts";
import { shownAt } from "../fixtures/network.ts";
import { Random } from "../fixtures/random.ts";
import {
  asShown,
  indexOf,
  inWords,
  MAC,
  macOf,
  OTHER_MAC,
  shown,
  type ShownLink,
  type Words,
} from "../fixtures/shown_links.ts";

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
      // stable kernels since 6.12 refuse the longest ones
      txQueueLen: random.maybe(() => random.below(10_000)),
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
