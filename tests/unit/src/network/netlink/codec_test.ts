/** Links, addresses and routes: what is said is what is read. */

import { isSame } from "../../../../../ffi/c/memory.ts";
import { assertEquals } from "@std/assert";
import { newcomer } from "../../../../../src/network/net_devices.ts";
import {
  type Address,
  AF_INET,
  AF_INET6,
  decodeAddress,
  encodeAddress,
  newAddress,
} from "../../../../../src/network/netlink/address.ts";
import {
  decodeLink,
  IFLA_MTU,
  linkStructure,
  settingAttributes,
} from "../../../../../src/network/netlink/link_message.ts";
import {
  type Attribute,
  Attributes,
  decodeAttributes,
  encodeAttributes,
  encodeBody,
  numberAttribute,
  textAttribute,
} from "../../../../../src/network/netlink/message.ts";
import { newLinkAttributes } from "../../../../../src/network/netlink/new_link.ts";
import { decodeRoute, encodeRoute, type Route } from "../../../../../src/network/netlink/route.ts";
import { parseCidr } from "../../../../../src/config/ip_address.ts";
import { forSeeds, type Random } from "../../../../fixtures/random.ts";

function randomName(random: Random): string {
  return Array.from({ length: 1 + random.below(15) }, () => random.of("a", "é", "0", ".", "-", "%"))
    .join("");
}

function randomAddress(random: Random): Address {
  const family = random.of(AF_INET, AF_INET6);
  const size = family === AF_INET ? 4 : 16;
  const local = random.bytes(size);
  const peer = random.maybe(() => random.bytes(size));
  return {
    family,
    index: random.below(2 ** 31),
    prefixLength: random.below(size * 8 + 1),
    scope: random.below(256),
    flags: random.of(0, 0x02, 0x10, 0x100, 0x200, 0x302),
    local,
    peer: peer !== undefined && isSame(peer, local) ? undefined : peer,
    broadcast: random.maybe(() => random.bytes(4)),
    label: random.maybe(() => randomName(random)),
    metric: random.maybe(() => random.below(2 ** 32)),
    protocol: random.maybe(() => random.bytes(1)),
  };
}

Deno.test("addresses are read as they are said", () => {
  forSeeds(1000, (random) => {
    const address = randomAddress(random);
    assertEquals(decodeAddress({ body: encodeAddress(address) }), address);
  });
});

Deno.test("an address keeps the flags that its maker chose, and no others", () => {
  const cidr = parseCidr("2001:db8::1/64");
  const address = cidr && { ...newAddress(1, cidr), flags: 0xffff_ffff };
  assertEquals(address && decodeAddress({ body: encodeAddress(address) }).flags, 0x712);
});

Deno.test("an address for a link has what its CIDR asks for", () => {
  const cases: readonly (readonly [string, string | undefined, number, number])[] = [
    ["198.51.100.7/24", "198.51.100.255", 0, 0],
    ["198.51.100.7/25", "198.51.100.127", 0, 0],
    ["198.51.100.7/12", "198.63.255.255", 0, 0],
    ["198.51.100.7/30", "198.51.100.7", 0, 0],
    ["198.51.100.7/31", undefined, 0, 0],
    ["198.51.100.7/32", undefined, 0, 0],
    ["127.0.0.2/8", undefined, 254, 0],
    ["2001:db8::7/64", undefined, 0, 2],
  ];
  for (const [text, broadcast, scope, flags] of cases) {
    const cidr = parseCidr(text);
    const made = cidr && newAddress(9, cidr);
    assertEquals([made?.broadcast?.join("."), made?.scope, made?.flags], [broadcast, scope, flags]);
    assertEquals([made?.index, made?.local, made?.prefixLength], [
      9,
      cidr?.bytes,
      cidr?.prefixLength,
    ]);
  }
});

Deno.test("routes are read as they are said", () => {
  forSeeds(1000, (random) => {
    const family = random.of(AF_INET, AF_INET6);
    const size = family === AF_INET ? 4 : 16;
    const route: Route = {
      family,
      destination: random.maybe(() => random.bytes(size)),
      prefixLength: random.below(size * 8 + 1),
      gateway: random.maybe(() => random.bytes(size)),
      source: random.maybe(() => random.bytes(size)),
      index: random.maybe(() => random.below(2 ** 31)),
      metric: random.maybe(() => random.below(2 ** 32)),
    };
    const body = encodeRoute(route);
    assertEquals(decodeRoute({ body }), route);
    const isByLink = family === AF_INET && route.gateway === undefined;
    assertEquals([...body.subarray(4, 8)], [254, 3, isByLink ? 253 : 0, 1]);
  });
});

Deno.test("links are read as the kernel says them", () => {
  forSeeds(1000, (random) => {
    const flags = random.below(2 ** 32);
    const index = 1 + random.below(2 ** 31 - 1);
    const [name, kind] = [randomName(random), random.maybe(() => randomName(random))];
    const mode = random.maybe(() => random.below(2));
    const parent = random.maybe(() => random.below(2 ** 31));
    const parentNamespaceId = random.maybe(() => random.below(2 ** 31));
    const master = random.maybe(() => random.below(2 ** 31));
    const group = random.below(2 ** 31);
    const [mtu, txQueueLen] = [random.below(2 ** 32), random.below(2 ** 32)];
    const address = random.bytes(random.of(0, 6, 20));
    const port: Attribute[] = mode === undefined ? [] : [
      { type: 4, value: new TextEncoder().encode(random.of("bridge", "bridge\0")) },
      { type: 5, value: [{ type: 4, value: new Uint8Array([mode]) }] },
    ];
    const attributes: Attribute[] = [
      textAttribute(3, name),
      ...settingAttributes({ mtu, txQueueLen, address, master, group }),
      ...(parent === undefined ? [] : [numberAttribute(5, parent)]),
      ...(parentNamespaceId === undefined ? [] : [numberAttribute(37, parentNamespaceId)]),
      { type: 18, value: [...(kind === undefined ? [] : [textAttribute(1, kind)]), ...port] },
      { type: 4000, value: random.bytes(random.below(30)) }, // of a later kernel
    ];
    const body = encodeBody(linkStructure({ index, flags, mask: 0 }), attributes);
    assertEquals(decodeLink({ body }), {
      index,
      name,
      isUp: (flags & 1) !== 0,
      mtu,
      txQueueLen,
      address,
      kind,
      master,
      parent,
      parentNamespaceId,
      group,
      isHairpin: mode === undefined ? undefined : mode === 1,
    });
  });
});

Deno.test("hairpin is a bridge's word alone", () => {
  const bond = encodeBody(linkStructure(), [{
    type: 18,
    value: [textAttribute(4, "bond"), {
      type: 5,
      value: [{ type: 4, value: new Uint8Array([1]) }],
    }],
  }]);
  assertEquals(decodeLink({ body: bond }).isHairpin, undefined);
});

Deno.test("a setting that isn't given isn't said, and zero is", () => {
  assertEquals(settingAttributes({}), []);
  assertEquals(settingAttributes({ mtu: undefined, master: undefined }), []);
  const [only] = settingAttributes({ mtu: 0 });
  assertEquals(only, { type: IFLA_MTU, value: new Uint8Array(4) });
  assertEquals(settingAttributes({ mtu: 0, txQueueLen: 0, master: 0 }).length, 3);
});

Deno.test("each kind of link is said in the kernel's words", () => {
  const said = (link: Parameters<typeof newLinkAttributes>[0]) => {
    const info = new Attributes(encodeAttributes(newLinkAttributes(link))).nested(18);
    return [info.text(1), info.bytes(2) && decodeAttributes(info.bytes(2) ?? new Uint8Array())];
  };
  assertEquals(said({ name: "x", kind: "dummy" }), ["dummy", undefined]);
  assertEquals(said({ name: "x", kind: "bridge" }), ["bridge", undefined]);
  assertEquals(said({ name: "x", kind: "macvlan", parent: 1 }), ["macvlan", undefined]);
  for (
    const [mode, number] of [["private", 1], ["vepa", 2], ["bridge", 4], ["passthru", 8]] as const
  ) {
    const value = new Uint8Array([number, 0, 0, 0]);
    assertEquals(said({ name: "x", kind: "macvlan", parent: 1, mode })[1], [{ type: 1, value }]);
  }
  for (const [mode, number] of [["l2", 0], ["l3", 1], ["l3s", 2]] as const) {
    const value = new Uint8Array([number, 0]);
    assertEquals(said({ name: "x", kind: "ipvlan", parent: 1, mode }), ["ipvlan", [
      { type: 1, value },
    ]]);
  }
});

Deno.test("a newcomer is known by its kind and its whole hardware address", () => {
  const link = decodeLink({ body: encodeBody(linkStructure({ index: 5 })) });
  const mac = new Uint8Array([2, 0, 0, 0, 0, 1]);
  const moved = { ...link, kind: "veth", address: mac };
  const there = [
    { ...moved, index: 1 },
    { ...moved, index: 2, kind: "dummy" },
    { ...moved, index: 3, address: new Uint8Array() },
    { ...moved, index: 4, address: mac.subarray(0, 4) },
    { ...moved, index: 5, address: new Uint8Array([...mac, 0]) },
  ];
  assertEquals(newcomer(there, new Set([1]), moved), undefined);
  const it = { ...moved, index: 9 };
  assertEquals(newcomer([...there, it], new Set([1]), moved), it);
});
