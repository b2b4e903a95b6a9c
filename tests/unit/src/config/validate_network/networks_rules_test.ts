import { assertEquals } from "@std/assert";
import { checkConfig } from "../../../../../src/config/validate/validate.ts";
import {
  checkNetworks,
  type GivenNetworks,
} from "../../../../../src/config/validate_network/networks.ts";
import { faultsFrom, goodConfig, type Json } from "../faults.ts";
import { without } from "../rules.ts";

/** The faults of what is given, by a program if not by annotations, as `POINTER MESSAGE`. */
function faultsOf(given: unknown, config: Json = goodConfig()): string[] {
  return faultsFrom(() =>
    checkConfig(config, (report, document) => {
      checkNetworks(report, document, given as GivenNetworks);
    })
  ).map(({ pointer, message }) => `${pointer} ${message}`);
}

const VETH = { type: "veth", bridge: "br0", address: "198.51.100.2/24" };

/** One property of a pair, or of another kind, and what is said of it. */
const BAD: readonly [fields: Json, says: string][] = [
  [{ type: "token-ring" }, "/type must be one of loopback, veth, macvlan, ipvlan"],
  [{ type: undefined }, "/type is required"],
  [{ bridge: undefined }, "/bridge is required: the bridge"],
  [{ bridge: "a/b" }, "/bridge is not an interface name"],
  [{ name: "sixteen-bytes-00" }, "/name is not an interface name"],
  [{ name: "a b" }, "/name is not an interface name"],
  [{ name: "" }, "/name is not an interface name"],
  [{ name: "eth%d" }, '/name must be a name as it is, without "%"'],
  [{ name: "lo" }, "/name is the loopback interface's"],
  [{ hostInterfaceName: "a/b" }, "/hostInterfaceName is not an interface name"],
  [{ adress: "198.51.100.2/24" }, "/adress is no property of a network"],
  [{ address: "198.51.100.2" }, "/address must be an address with its network's bits"],
  [{ address: "198.51.100.2/33" }, "/address must be an address with its network's bits"],
  [{ address: "198.51.100.02/24" }, "/address must be an address with its network's bits"],
  [{ address: "2001:db8::2/64" }, "/address must be an IPv4 address, not IPv6"],
  [{ ipv6Address: "198.51.100.2/24" }, "/ipv6Address must be an IPv6 address, not IPv4"],
  [{ gateway: "203.0.113.1" }, "/gateway is not in the network of address"],
  [{ gateway: "198.51.100.2" }, "/gateway is the interface's own address"],
  [{ gateway: "2001:db8::1" }, "/gateway must be an IPv4 address"],
  [{ gateway: "198.51.100.1/24" }, "/gateway must be an IP address"],
  [{ ipv6Gateway: "2001:db8::1" }, "/ipv6Gateway needs ipv6Address"],
  [{ address: undefined, gateway: "198.51.100.1" }, "/gateway needs address"],
  [{ macAddress: "03:00:00:00:00:01" }, "/macAddress must not be a multicast address"],
  [{ macAddress: "00:00:00:00:00:00" }, "/macAddress must not be all zeros"],
  [{ macAddress: "02:00:00:00:01" }, "/macAddress must be a hardware address"],
  [{ mtu: 67 }, "/mtu must be 0 or at least 68"],
  [{ mtu: 1279, ipv6Address: "2001:db8::2/64" }, "/mtu must be 0 or at least 1280, as IPv6 needs"],
  [{ mtu: 65_536 }, "/mtu must be an integer from 0 to 65535"],
  [{ txQueueLen: -1 }, "/txQueueLen must be an integer from 0"],
  [{ hairpinMode: "yes" }, "/hairpinMode must be true or false"],
  [{ parent: "eth0" }, "/parent is not for veth, but for macvlan and ipvlan"],
  [{ type: "macvlan", bridge: undefined }, "/parent is required: the interface of the host"],
  [{ type: "macvlan", parent: "eth0" }, "/bridge is not for macvlan, but for veth"],
  [
    { type: "macvlan", bridge: undefined, parent: "eth0", mode: "l2" },
    "/mode must be one of bridge, private, vepa, passthru",
  ],
  [
    { type: "ipvlan", bridge: undefined, parent: "eth0", mode: "vepa" },
    "/mode must be one of l2, l3, l3s",
  ],
  [
    { type: "ipvlan", bridge: undefined, parent: "eth0", macAddress: "02:00:00:00:00:01" },
    "/macAddress is not for ipvlan, but for veth and macvlan",
  ],
];

Deno.test("a network: what is refused, and where", async (t) => {
  for (const [fields, says] of BAD) {
    await t.step(`${JSON.stringify(fields)}: ${says}`, () => {
      const [fault = "", ...more] = faultsOf({ networks: [{ ...VETH, ...fields }] });
      assertEquals(more, []);
      assertEquals(fault.slice(0, `/networks/0${says}`.length), `/networks/0${says}`);
    });
  }
});

Deno.test("a network: what is allowed", () => {
  const good: Json[] = [
    VETH,
    { type: "veth", bridge: "br0" },
    { ...VETH, mtu: 0, txQueueLen: 0 },
    { ...VETH, mtu: 68, gateway: "198.51.100.1" },
    { ...VETH, ipv6Address: "2001:db8::2/64", ipv6Gateway: "fe80::1", mtu: 1280 },
    { type: "macvlan", parent: "eth0", mode: "passthru", macAddress: "02:00:00:00:00:01" },
    { type: "ipvlan", parent: "eth0", mode: "l3s" },
  ];
  for (const network of good) assertEquals(faultsOf({ networks: [network] }), []);
  assertEquals(faultsOf({ networks: [], routes: [] }, without("network")), []);
});

Deno.test("what belongs to a pair has no effect on loopback, which is told", () => {
  const { warnings } = checkConfig(goodConfig(), (report, document) => {
    const networks = [{ type: "loopback", address: "127.0.0.1/8" }] as const;
    checkNetworks(report, document, { networks });
  });
  assertEquals(warnings.map(({ pointer }) => pointer), ["/networks/0/address"]);
});

Deno.test("names and default routes are there once", () => {
  const one = {
    ...{ ...VETH, name: "eth0", hostInterfaceName: "h0", gateway: "198.51.100.1" },
    ...{ ipv6Address: "2001:db8::2/64", ipv6Gateway: "2001:db8::1" },
  };
  const loopback = { type: "loopback" };
  assertEquals(faultsOf({ networks: [loopback, one, one, loopback] }), [
    "/networks/2/name is the name of two: see /networks/1/name",
    "/networks/2/hostInterfaceName is the name on the host of two: see /networks/1/hostInterfaceName",
    "/networks/2/gateway is the default IPv4 route of two: see /networks/1/gateway",
    "/networks/2/ipv6Gateway is the default IPv6 route of two: see /networks/1/ipv6Gateway",
    "/networks/3 is the loopback interface of two: see /networks/0",
  ]);
});

const BAD_ROUTES: readonly [route: unknown, says: string][] = [
  [{}, " needs one of destination, source and gateway"],
  [{ interfaceName: "eth0" }, " needs one of destination, source and gateway"],
  [{ destination: "203.0.113.0/24" }, " needs a gateway or an interfaceName"],
  [{ destination: "203.0.113.0", gateway: "198.51.100.1" }, "/destination must be a network"],
  [{ destination: "203.0.113.7/24", gateway: "198.51.100.1" }, "/destination has bits behind"],
  [{ destination: "2001:db8::/32", gateway: "198.51.100.1" }, "/gateway is IPv4, but"],
  [{ source: "2001:db8::2", gateway: "198.51.100.1" }, "/gateway is IPv4, but"],
  [{ gateway: "198.51.100.1/24" }, "/gateway must be an IP address without bits"],
  [{ gateway: "198.51.100.1", interfaceName: "a/b" }, "/interfaceName is not an interface name"],
  [{ gateway: "198.51.100.1", metric: 5 }, "/metric is no property of a route"],
  ["default", ' must be an object, not "default"'],
];

Deno.test("a route: what is refused, and where", async (t) => {
  for (const [route, says] of BAD_ROUTES) {
    await t.step(`${JSON.stringify(route)}: ${says}`, () => {
      const [fault = "", ...more] = faultsOf({ routes: [route] });
      assertEquals(more, []);
      assertEquals(fault.slice(0, `/routes/0${says}`.length), `/routes/0${says}`);
    });
  }
});

Deno.test("a route: what is allowed", () => {
  const routes = [
    { destination: "203.0.113.0/24", gateway: "198.51.100.1", source: "198.51.100.2" },
    { destination: "0.0.0.0/0", interfaceName: "eth0" },
    { gateway: "fe80::1", interfaceName: "eth0" },
    { source: "198.51.100.2", interfaceName: "eth0" },
  ];
  assertEquals(faultsOf({ routes }), []);
});

Deno.test("annotations are JSON with the same rules; a program's lists win over them", () => {
  const config = (networks: string): Json => ({
    ...goodConfig(),
    annotations: { "org.hull.networks": networks, "org.hull.routes": '[{"gateway":"x"}]' },
  });
  const networksFromAnnotations = true;
  const given = { networksFromAnnotations };
  assertEquals(faultsOf(given, config('[{"type":"veth"},{"type":"x"}]')), [
    "/annotations/org.hull.networks/0/bridge is required: the bridge that the host's end joins",
    "/annotations/org.hull.networks/1/type must be one of " +
    'loopback, veth, macvlan, ipvlan, not "x"',
    '/annotations/org.hull.routes/0/gateway must be an IP address without bits, not "x"',
  ]);
  const [fault] = faultsOf({ ...given, routes: [] }, config("[{]"));
  assertEquals(fault?.startsWith("/annotations/org.hull.networks is not JSON: "), true, fault);
  assertEquals(faultsOf({ ...given, networks: [VETH], routes: [] }, config("[{]")), []);
  assertEquals(faultsOf({}, config("[{]")), [], "an image's are nobody's wish");
  assertEquals(faultsOf({ ...given, routes: [] }, config('{"type":"veth"}')), [
    "/annotations/org.hull.networks must be an array, not an object",
  ]);
});

Deno.test("faults of the config and of its networks are told together", () => {
  const config = { ...without("network"), root: {} };
  assertEquals(faultsOf({ networks: [VETH], routes: [{ gateway: "198.51.100.1" }] }, config), [
    "/root/path is required",
    "/networks needs a network namespace in linux.namespaces",
    "/routes needs a network namespace in linux.namespaces",
  ]);
});
