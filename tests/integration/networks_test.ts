/**
 * Containers' own interfaces: what goes through them, and what iproute2 says of them inside and
 * outside. The host's end too is in a network namespace of the test's own.
 */

import { assert, assertEquals } from "@std/assert";
import type { Network } from "../../src/config/types/network.ts";
import { joinNamespace, run, scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { NetContainer, type NetContainerOptions } from "../fixtures/net_container.ts";
import { addressesOf, hasKind, hasVeth, type ShownLink, TestNetwork } from "../fixtures/network.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const ID = "hull-networks";
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
const PROGRAM = fromFileUrl(new URL("../fixtures/network_library.ts", import.meta.url));

const missing = hasVeth() ? undefined : "veth network devices";

function test(
  name: string,
  body: (network: TestNetwork) => Promise<void>,
  without = missing,
): void {
  testWhere(
    without,
    name,
    () =>
      leavesNothing(ID, async () => {
        await using network = await TestNetwork.make();
        await body(network);
        const names = network.links().map(({ ifname }) => ifname);
        assertEquals(names.filter((name) => !KEPT.has(name)), [], "interfaces on the host");
      }),
  );
}

/** What the tests themselves make on the host. */
const KEPT = new Set(["lo", "br0", "net0"]);

/** A bridge on the host, with addresses of its own. */
function addBridge(network: TestNetwork, name = "br0"): void {
  network.ip("link", "add", name, "type", "bridge");
  network.ip("addr", "add", "198.51.100.1/24", "dev", name);
  network.ip("addr", "add", "2001:db8::1/64", "dev", name, "nodad");
  network.ip("link", "set", name, "up");
}

function onBridge(number: number, more: Partial<Network> = {}): Network {
  return {
    type: "veth",
    bridge: "br0",
    address: `198.51.100.${number}/24`,
    ipv6Address: `2001:db8::${number}/64`,
    ...more,
  };
}

const PORT = "7007";
/** Gives back what it gets, with a word of its own. */
const SERVER = `nc -ll -p ${PORT} -e sed s/^/back:/`;

async function start(network: TestNetwork, name: string, options: NetContainerOptions) {
  return await NetContainer.run(network, `${ID}-${name}`, options);
}

/** Sends a line over TCP and reads the answer, from the namespace of a path. */
function ask(path: string, address: string): string {
  const line = `echo hello | timeout 5 busybox nc -w 3 ${address} ${PORT}`;
  return run("nsenter", `--net=${path}`, "sh", "-c", line).trim();
}

function isListening(path: string): boolean {
  const wanted = Number(PORT).toString(16).toUpperCase();
  const lines = ["tcp", "tcp6"].map((file) =>
    run("nsenter", `--net=${path}`, "cat", `/proc/net/${file}`)
  );
  return lines.join("\n").split("\n").some((line) => line.includes(`:${wanted} `));
}

test("two containers and the host reach each other, IPv4 and IPv6", async (network) => {
  addBridge(network);
  await using one = await start(network, "one", { networks: [onBridge(2)] });
  await using two = await start(network, "two", { networks: [onBridge(3)], script: SERVER });
  for (const address of ["198.51.100.3", "198.51.100.1", "2001:db8::3", "2001:db8::1"]) {
    const { code, stdout } = await one.exec("ping", "-c", "1", "-W", "3", address);
    assertEquals(code, 0, `${address}: ${stdout}`);
  }
  for (const address of ["198.51.100.2", "2001:db8::3"]) {
    run("nsenter", `--net=${network.path}`, "busybox", "ping", "-c", "1", "-W", "3", address);
  }
  await until(() => isListening(two.path));
  for (const address of ["198.51.100.3", "2001:db8::3"]) {
    assertEquals(ask(one.path, address), "back:hello");
    assertEquals(ask(network.path, address), "back:hello");
  }
  const words = [`--net=${network.path}`, "busybox", ...SERVER.split(" ")];
  const server = new Deno.Command("nsenter", { args: words, stdout: "null" }).spawn();
  try {
    await until(() => isListening(network.path));
    for (const address of ["198.51.100.1", "2001:db8::1"]) {
      assertEquals(ask(one.path, address), "back:hello");
    }
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
});

/** A link of `ip -d -j link`, as far as the tests ask. */
interface Detailed extends ShownLink {
  readonly txqlen: number;
  readonly master?: string;
  readonly linkinfo?: { readonly info_slave_data?: { readonly hairpin: boolean } };
}

/** A route of `ip -j route`. */
interface ShownRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev: string;
  readonly prefsrc?: string;
  readonly protocol?: string;
}

test("an interface is what the config says, inside and outside", async (network) => {
  addBridge(network);
  await using one = await start(network, "one", {
    networks: [
      { type: "loopback" },
      onBridge(2, {
        name: "lan0",
        hostInterfaceName: "host0",
        macAddress: "02:00:5e:10:00:02",
        mtu: 1342,
        txQueueLen: 77,
        hairpinMode: true,
        gateway: "198.51.100.1",
        ipv6Gateway: "fe80::1",
      }),
      { type: "veth", bridge: "br0", mtu: 0, txQueueLen: 0 },
    ],
    routes: [
      { destination: "203.0.113.0/24", gateway: "198.51.100.9", source: "198.51.100.2" },
      { destination: "192.0.2.0/24", interfaceName: "lan0" },
      { destination: "2001:db8:7::/64", gateway: "2001:db8::9", interfaceName: "lan0" },
    ],
  });
  const [lo, lan, plain] = one.links();
  assert(lo?.flags.includes("UP"), "the loopback interface is up");
  assertEquals([lan?.ifname, lan?.mtu, lan?.address], ["lan0", 1342, "02:00:5e:10:00:02"]);
  assertEquals(addressesOf(lan).filter((address) => !address.startsWith("fe80:")), [
    "198.51.100.2/24 global",
    "2001:db8::2/64 global",
  ]);
  assert(lan?.flags.includes("UP") && lan.flags.includes("LOWER_UP"), `${lan?.flags}`);
  assertEquals([plain?.ifname, plain?.mtu], ["eth0", 1500]);
  const details = one.ip<Detailed[]>("-d", "link");
  assertEquals(details.find(({ ifname }) => ifname === "lan0")?.txqlen, 77);
  assertEquals(details.find(({ ifname }) => ifname === "eth0")?.txqlen, 1000);

  const outside = JSON.parse(network.ip("-j", "-d", "link")) as Detailed[];
  const host = outside.find(({ ifname }) => ifname === "host0");
  assertEquals([host?.mtu, host?.txqlen, host?.master], [1342, 77, "br0"]);
  assertEquals(host?.linkinfo?.info_slave_data?.hairpin, true);
  const other = outside.find(({ ifname }) => /^veth[0-9a-f]{7}$/.test(ifname));
  assertEquals([other?.master, other?.linkinfo?.info_slave_data?.hairpin], ["br0", false]);

  const routes = (family: string) =>
    one.ip<ShownRoute[]>(family, "route").filter(({ protocol }) => protocol !== "kernel")
      .map(({ dst, gateway, dev, prefsrc }) => [dst, gateway, dev, prefsrc].join(" ").trim())
      .sort();
  assertEquals(routes("-4"), [
    "192.0.2.0/24  lan0",
    "203.0.113.0/24 198.51.100.9 lan0 198.51.100.2",
    "default 198.51.100.1 lan0",
  ]);
  assertEquals(routes("-6"), ["2001:db8:7::/64 2001:db8::9 lan0", "default fe80::1 lan0"]);
});

test("events count what the container received and sent", async (network) => {
  addBridge(network);
  await using one = await start(network, "one", { networks: [onBridge(2)] });
  const bytes = ["-c", "3", "-i", "0.2", "-s", "1000", "198.51.100.2"];
  run("nsenter", `--net=${network.path}`, "busybox", "ping", ...bytes);
  const inside = () => {
    const text = run("nsenter", `--net=${one.path}`, "cat", "/proc/net/dev");
    const values = /eth0:(.*)/.exec(text)?.[1]?.trim().split(/\s+/).map(Number) ?? [];
    return [values[0], values[1], values[8], values[9]];
  };
  // The kernel's own packets, such as its search for routers, may come between two looks.
  await until(() => {
    const before = inside();
    const [stats] = JSON.parse(one.hull("events", "--stats")).data.network_interfaces;
    const { RxBytes, RxPackets, TxBytes, TxPackets } = stats;
    assert(/^veth/.test(stats.Name) && RxBytes > 3000 && TxBytes > 3000, JSON.stringify(stats));
    return JSON.stringify(before) === JSON.stringify([RxBytes, RxPackets, TxBytes, TxPackets]);
  });
});

test("a bridge is made when asked for, and goes with its last container", async (network) => {
  const networks = [onBridge(2, { bridge: "made0", createBridge: true })];
  const bridge = () => network.link("made0");
  {
    await using one = await start(network, "one", { networks });
    const address = bridge()?.address;
    await using two = await start(network, "two", {
      networks: [onBridge(3, { bridge: "made0", createBridge: true })],
    });
    assertEquals((await two.exec("ping", "-c", "1", "-W", "3", "198.51.100.2")).code, 0);
    assertEquals(bridge()?.address, address, "its address does not change with what is on it");
    one.hull("delete", "--force");
    assert(bridge()?.flags.includes("UP"), "another container is on it");
  }
  assertEquals(bridge(), undefined);
  network.ip("link", "add", "br0", "type", "bridge");
  await (await start(network, "one", {
    networks: [onBridge(2, { createBridge: true })],
  }))[Symbol.asyncDispose]();
  assert(network.link("br0") !== undefined, "one that hull did not make stays");
});

for (const [type, mode] of [["macvlan", "bridge"], ["ipvlan", "l2"], ["ipvlan", "l3s"]] as const) {
  test(`two containers reach each other by ${type} in mode ${mode}`, async (network) => {
    network.addDevice("net0");
    const networkOf = (number: number): Network => ({
      type,
      mode,
      parent: "net0",
      address: `198.51.100.${number}/24`,
      ipv6Address: `2001:db8::${number}/64`,
      mtu: 1400,
      ...(type === "macvlan" ? { macAddress: `02:00:5e:10:00:0${number}` } : {}),
    });
    await using one = await start(network, "one", { networks: [networkOf(2)] });
    await using two = await start(network, "two", { networks: [networkOf(3)] });
    const { code, stdout } = await one.exec("ping", "-c", "1", "-W", "3", "198.51.100.3");
    assertEquals(code, 0, stdout);
    assertEquals((await two.exec("ping", "-c", "1", "-W", "3", "2001:db8::2")).code, 0);
    const link = one.links().find(({ ifname }) => ifname === "eth0");
    const mac = type === "macvlan" ? "02:00:5e:10:00:02" : network.link("net0")?.address;
    assertEquals([link?.mtu, link?.address], [1400, mac]);
    assertEquals(network.links().map(({ ifname }) => ifname), ["lo", "net0"]);
  }, missing ?? (hasKind(type) ? undefined : `${type} interfaces`));
}

test("interfaces, devices of the host and routes over both", async (network) => {
  addBridge(network);
  network.addDevice("net0", "203.0.113.7/24");
  await using one = await start(network, "one", {
    networks: [onBridge(2)],
    routes: [{ destination: "192.0.2.0/24", gateway: "203.0.113.1" }],
    change: (config) => config.linux.netDevices = { net0: { name: "eth%d" } },
  });
  assertEquals(one.links().map(({ ifname }) => ifname).sort(), ["eth0", "eth1", "lo"]);
  const [route] = one.ip<ShownRoute[]>("route", "show", "192.0.2.0/24");
  assertEquals([route?.dev, route?.gateway], ["eth1", "203.0.113.1"]);
});

test("a user namespace's network gets its interface", async (network) => {
  addBridge(network);
  await using one = await start(network, "one", {
    networks: [{ type: "loopback" }, onBridge(2)],
    change: (config) => {
      config.linux.namespaces?.push({ type: "user" });
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.uidMappings = map;
      config.linux.gidMappings = map;
    },
  });
  assertEquals((await one.exec("ping", "-c", "1", "-W", "3", "2001:db8::1")).code, 0);
});

test("a new network beside a joined pid namespace gets its interface", async (network) => {
  addBridge(network);
  await using first = await start(network, "first", { networks: [{ type: "loopback" }] });
  await using two = await start(network, "two", {
    networks: [onBridge(3)],
    change: (config) => joinNamespace(config, "pid", `/proc/${first.pid}/ns/pid`),
  });
  assertEquals((await two.exec("ping", "-c", "1", "-W", "3", "198.51.100.1")).code, 0);
});

test("a namespace that lives on keeps nothing of a deleted container", async (network) => {
  addBridge(network);
  network.addDevice("net0");
  await using pod = await TestNetwork.make();
  const one = await start(network, "one", {
    networks: [
      onBridge(2),
      { type: "macvlan", parent: "net0", name: "mac0" },
    ],
    change: (config) => joinNamespace(config, "network", pod.path),
  });
  assertEquals(pod.links().map(({ ifname }) => ifname).sort(), ["eth0", "lo", "mac0"]);
  await one[Symbol.asyncDispose]();
  assertEquals(pod.links().map(({ ifname }) => ifname), ["lo"]);
  assertEquals(network.links().map(({ ifname }) => ifname), ["lo", "br0", "net0"]);
});

test("a program takes a container off its bridge and plugs it in again", async (network) => {
  addBridge(network);
  using root = scratchFolder();
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", "--no-lock", "--config", CONFIG];
  const words = [...deno, PROGRAM, root.path, `${ID}-library`, "br0"];
  const args = [`--net=${network.path}`, ...words];
  const { stdout, stderr } = await new Deno.Command("nsenter", { args }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  assertEquals(decoder.decode(stdout).trim().split("\n").map((line) => JSON.parse(line)), [
    { master: "br0", hairpin: true },
    {},
    { master: "br0", hairpin: true },
  ]);
});
