/**
 * A hostile container on a bridge of hull's own: it is taken for nobody else, and leads nobody's
 * packets to itself.
 */

import { assertEquals } from "@std/assert";
import {
  ask,
  type BridgeHost,
  bridgeTest,
  inNamespace,
  isListening,
  serve,
} from "../fixtures/bridge_host.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import {
  ARP,
  arp,
  emptyIpv6,
  frame,
  icmpv6,
  IPV4,
  IPV6,
  neighborAdvertisement,
  routerAdvertisement,
  seenMeanwhile,
  sendFrames,
  udp,
  VLAN,
} from "../fixtures/frames.ts";
import { until } from "../fixtures/until.ts";

const ID = "hull-guard";
const [ONE, TWO] = [`${ID}-1`, `${ID}-2`];
const BRIDGE = ["--network", "bridge"];
const WAIT = ["--", "sleep", "300"];
const ALL = "33:33:00:00:00:01";

type Bytes = Uint8Array<ArrayBuffer>;

function test(name: string, body: (host: BridgeHost, init: string) => Promise<void>): void {
  for (const init of ["direct", "reexec"]) {
    bridgeTest(ID, `${name} (${init})`, (host) => body(host, init));
  }
}

/** One end of the wire. */
interface Station {
  readonly path: string;
  readonly name: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly linkLocal: string;
}

function stationAt(path: string, name: string): Station {
  const [link] = JSON.parse(inNamespace(path, "ip", "-j", "addr", "show", "dev", name)) as {
    readonly address: string;
    readonly addr_info: readonly { family: string; scope: string; local: string }[];
  }[];
  const { address: mac = "", addr_info: list = [] } = link ?? {};
  const find = (family: string, scope: string) =>
    list.find((each) => each.family === family && each.scope === scope)?.local ?? "";
  const [ipv4, ipv6] = [find("inet", "global"), find("inet6", "global")];
  return { path, name, mac, ipv4, ipv6, linkLocal: find("inet6", "link") };
}

/** Two containers and the bridge, when all have their addresses. */
async function stations(host: BridgeHost, init: string): Promise<Station[]> {
  for (const id of [ONE, TWO]) await host.detach("--init", init, ...BRIDGE, id, ...WAIT);
  const all = () => [
    stationAt(host.namespaceOf(ONE), "eth0"),
    stationAt(host.namespaceOf(TWO), "eth0"),
    stationAt(host.network.path, "hull0"),
  ];
  await until(() => all().every(({ linkLocal }) => linkLocal !== ""));
  return all();
}

async function remove(host: BridgeHost): Promise<void> {
  for (const id of [ONE, TWO]) await host.must("delete", "--force", id);
}

/** All that the first station sends to another: what it may, and what it may not. */
function frames(own: Station, to: Station, gate: Station, other: Station) {
  const send = (type: number, body: Bytes, word = "") => frame(to.mac, own.mac, type, body, word);
  const packet = (word: string, from: string) => udp(from, to.ipv4, 7, `<${word}>`);
  const ipv4 = (word: string, from: string) => send(IPV4, packet(word, from));
  const ipv6 = (word: string, from: string) => send(IPV6, emptyIpv6(from, to.ipv6, word));
  const claim = (word: string, address: string) =>
    send(IPV6, neighborAdvertisement(own.ipv6, to.ipv6, address, word));
  const ra = (word: string) => routerAdvertisement(own.linkLocal, word);
  const inVlan = Uint8Array.from([0, 0, 0x86, 0xdd, ...ra("router with a tag")]);
  const inLlc = Uint8Array.from([0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd, ...ra("router wrapped")]);
  const redirect = icmpv6(own.linkLocal, to.ipv6, `89 00 0000 ${"00".repeat(36)}`, "redirect");
  return {
    good: [
      ipv4("packet", own.ipv4),
      send(ARP, arp(own.mac, own.ipv4, to.ipv4), "arp"),
      ipv6("ipv6", own.ipv6),
      ipv6("ipv6 of the link", own.linkLocal),
      claim("neighbour", own.ipv6),
    ],
    bad: [
      frame(to.mac, other.mac, IPV4, packet("another hardware address", own.ipv4)),
      frame(to.mac, "02:00:00:00:00:07", IPV4, packet("an invented one", own.ipv4)),
      ipv4("the gate", gate.ipv4),
      ipv4("the neighbour", other.ipv4),
      ipv4("loopback", "127.0.0.2"),
      ipv4("foreign", "192.0.2.7"),
      send(ARP, arp(own.mac, gate.ipv4, to.ipv4), "arp for the gate"),
      send(ARP, arp(other.mac, own.ipv4, to.ipv4), "arp for another"),
      ipv6("ipv6 of the gate", gate.ipv6),
      ipv6("ipv6 of the gate on the link", gate.linkLocal),
      ipv6("foreign ipv6", "2001:db8::7"),
      claim("neighbour for the gate", gate.ipv6),
      send(IPV6, ra("router")),
      frame(ALL, own.mac, IPV6, ra("router for all")),
      send(IPV6, redirect),
      send(VLAN, inVlan),
      send(inLlc.length, inLlc),
      send(0x88b5, new Uint8Array(50), "what nobody knows"),
    ],
    end: ipv4("end", own.ipv4),
  };
}

test("a container sends as itself alone", async (host, init) => {
  const [one, two, gate] = await stations(host, init) as [Station, Station, Station];
  for (const [to, other] of [[two, two], [gate, two]] as const) {
    const { good, bad, end } = frames(one, to, gate, other);
    const seen = await seenMeanwhile(to.path, to.name, () => {
      sendFrames(one.path, one.name, [...good, ...bad, end]);
    });
    assertEquals(bad.length, 18);
    const wanted = ["packet", "arp", "ipv6", "ipv6 of the link", "neighbour"];
    assertEquals(seen, wanted, `to ${to.name} ${to.ipv4}`);
  }
  await remove(host);
});

/** Behind which port a bridge looks for a hardware address. */
function portOf(host: BridgeHost, mac: string): string | undefined {
  const rows = JSON.parse(host.run("bridge", "-j", "fdb", "show", "br", "hull0")) as {
    readonly mac: string;
    readonly ifname: string;
  }[];
  return rows.find((row) => row.mac === mac)?.ifname;
}

test("no frame teaches the bridge another's hardware address", async (host, init) => {
  const [one, two, gate] = await stations(host, init) as [Station, Station, Station];
  inNamespace(two.path, "busybox", "ping", "-c", "1", "-W", "5", gate.ipv4);
  const port = portOf(host, two.mac);
  const invented = "02:00:00:00:00:07";
  const bad = [two.mac, invented].flatMap((mac) =>
    // Groups that a bridge keeps for itself, and what looks like its own.
    ["01:80:c2:00:00:00", "01:80:c2:00:00:0e", "01:80:c2:00:00:02", gate.mac, ALL]
      .map((to) => frame(to, mac, 0x88cc, new Uint8Array(50)))
  );
  sendFrames(one.path, one.name, bad);
  inNamespace(one.path, "busybox", "ping", "-c", "1", "-W", "5", gate.ipv4);
  assertEquals([portOf(host, two.mac), portOf(host, invented)], [port, undefined]);
  await remove(host);
});

/** The routes and addresses that a namespace has from routers. */
function advised(path: string): string {
  const routes = inNamespace(path, "ip", "-6", "route", "show", "proto", "ra");
  const addresses = inNamespace(path, "ip", "-6", "addr", "show", "to", "2001:db8:bad::/48");
  return `${routes}${addresses}`.trim();
}

test("a container's router advertisements are heard by nobody", async (host, init) => {
  const [one, two, gate] = await stations(host, init) as [Station, Station, Station];
  const setting = (path: string, name: string, word: string) =>
    inNamespace(path, "cat", `/proc/sys/net/ipv6/conf/${name}/${word}`).trim();
  const ports = host.network.links().map(({ ifname }) => ifname)
    .filter((name) => name.startsWith("veth"));
  assertEquals(ports.length, 2);
  for (const word of ["accept_ra", "autoconf", "accept_redirects"]) {
    const at = [one, two, gate, ...ports.map((name) => ({ path: host.network.path, name }))];
    assertEquals(at.map(({ path, name }) => setting(path, name, word)), at.map(() => "0"), word);
  }
  // Not even by who would hear them, but for the rules.
  for (const { path, name } of [two, gate]) {
    const lines = ["accept_ra", "autoconf"].map((word) => `echo 2 > ${name}/${word}`);
    inNamespace(path, "sh", "-ec", `cd /proc/sys/net/ipv6/conf; ${lines.join("; ")}`);
  }
  await using _server = await serve(host.network.path, 7001, "host");
  const ra = frame(ALL, one.mac, IPV6, routerAdvertisement(one.linkLocal, "router"));
  sendFrames(one.path, one.name, [ra, ra]);
  assertEquals(ask(one.path, gate.ipv4, 7001), "host", "what came before was taken");
  assertEquals([advised(two.path), advised(gate.path)], ["", ""]);
  await remove(host);
});

test("on a bridge that was made for a container alone no router is heard", async (host, init) => {
  const network = { type: "veth", bridge: "made0", createBridge: true };
  using bundle = makeBundle("sleep 300", (config) => {
    config.annotations = { "org.hull.networks": JSON.stringify([network]) };
  });
  const flags = ["--init", init, "--networks-from-annotations", "-b", bundle.folder];
  for (const id of [ONE, TWO]) await host.detach(...flags, id);
  const at = (id: string) => stationAt(host.namespaceOf(id), "eth0");
  await until(() => [ONE, TWO].every((id) => at(id).linkLocal !== ""));
  const [one, two] = [at(ONE), at(TWO)];
  const ra = frame(ALL, one.mac, IPV6, routerAdvertisement(one.linkLocal, "router"));
  const end = frame("ff:ff:ff:ff:ff:ff", one.mac, 0x88b5, new Uint8Array(50), "end");
  for (const { path, name } of [two, { path: host.network.path, name: "made0" }]) {
    const seen = await seenMeanwhile(path, name, () => sendFrames(one.path, "eth0", [ra, end]));
    assertEquals(seen, ["router"], "it comes, and is not heard");
    assertEquals(advised(path), "");
  }
  await remove(host);
});

/** Says who sends what: one line a datagram. */
const SERVICE = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(Proto => "udp", LocalPort => 7005) or die;
$| = 1;
print "ready\\n";
for (;;) {
  $server->recv(my $said, 99);
  print $server->peerhost, " $said\\n";
  last if $said eq "end";
}`;

test("no packet comes from the host's loopback or from elsewhere", async (host, init) => {
  await host.detach("--init", init, ...BRIDGE, "-p", "8080:80", ONE, ...WAIT);
  const own = stationAt(host.namespaceOf(ONE), "eth0");
  const gate = stationAt(host.network.path, "hull0");
  host.run("nft", "delete", "table", "bridge", "hull_hull0"); // as where the kernel has none
  const service = new Deno.Command("nsenter", {
    args: [`--net=${host.network.path}`, "timeout", "20", "perl", "-e", SERVICE],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const chunk of service.stdout.pipeThrough(new TextDecoderStream())) {
    if (text === "") {
      const send = (word: string, from: string) =>
        frame(gate.mac, own.mac, IPV4, udp(from, gate.ipv4, 7005, word));
      const sources = ["127.0.0.2", "127.0.0.1", "192.0.2.7", "0.0.0.0"];
      const bad = sources.map((ip) => send("bad", ip));
      sendFrames(own.path, own.name, [...bad, send("good", own.ipv4), send("end", own.ipv4)]);
    }
    text += chunk;
  }
  await service.status;
  assertEquals(text.split("\n").slice(1, -1), [`${own.ipv4} good`, `${own.ipv4} end`]);
  await host.must("delete", "--force", ONE);
});

test("what a container may send still reaches all", async (host, init) => {
  const words = ["busybox", "nc", "-ll", "-p", "80", "-e", "echo", "one"];
  await host.detach("--init", init, ...BRIDGE, "-p", "8080:80", ONE, "--", ...words);
  await host.detach("--init", init, ...BRIDGE, TWO, ...WAIT);
  await until(() => isListening(host.namespaceOf(ONE), 80), 20);
  const { ipv4, ipv6 } = host.addressesOf(ONE);
  for (const address of [ipv4, ipv6]) assertEquals(ask(host.namespaceOf(TWO), address, 80), "one");
  assertEquals(ask(host.namespaceOf(ONE), "10.88.0.1", 8080), "one", "by its own published port");
  await remove(host);
});
