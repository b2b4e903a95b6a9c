/**
 * Containers on bridges that hull makes: who reaches whom, and that all of it goes with the last.
 * The host, and the peer outside, are network namespaces of the test's own.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  ask,
  type BridgeHost,
  bridgeTest,
  HOST_ADDRESS,
  HOST_IPV6,
  inNamespace,
  isListening,
  PEER_ADDRESS,
  serve,
} from "../fixtures/bridge_host.ts";
import { exists } from "../fixtures/exists.ts";
import { until } from "../fixtures/until.ts";

// What a run that was killed left must not be in the way.
const ID = `hull-bridge-${Deno.pid}`;
const [ONE, TWO, THREE] = [`${ID}-1`, `${ID}-2`, `${ID}-3`];
const BRIDGE = ["--network", "bridge"];
const WAIT = ["--", "sleep", "300"];

function test(name: string, body: (host: BridgeHost) => Promise<void>): void {
  bridgeTest(ID, name, body);
}

/** Starts a container that serves port 80 with a word. */
async function server(host: BridgeHost, id: string, word: string, ...flags: string[]) {
  const command = ["busybox", "nc", "-ll", "-p", "80", "-e", "echo", word];
  await host.detach(...flags, id, "--", ...command);
  await until(() => isListening(host.namespaceOf(id), 80), 20);
}

async function remove(host: BridgeHost, ...ids: string[]): Promise<void> {
  for (const id of ids) await host.must("delete", "--force", id);
}

test("a container has an address, a route, its name and the host's resolver", async (host) => {
  const script = "ip -o addr show dev eth0; ip -o link show dev lo; ip route; ip -6 route; " +
    "cat /etc/hosts /etc/resolv.conf; cat /proc/sys/net/ipv4/ip_forward";
  const said = await host.must("run", ...BRIDGE, ONE, "--", "sh", "-c", script);
  assertMatch(said, /inet 10\.88\.0\.2\/16 /);
  assertMatch(said, /inet6 fd[\da-f:]+::a58:2\/64 scope global/);
  assertMatch(said, /lo: <LOOPBACK,UP/);
  assertMatch(said, /^default via 10\.88\.0\.1 dev eth0/m);
  assertEquals(said.match(/^default/gm)?.length, 1, "IPv6 leads out where the host forwards it");
  assertMatch(said, new RegExp(`^10\\.88\\.0\\.2\t${ONE}$`, "m"));
  assertMatch(said, new RegExp(`^fd[\\da-f:]+::a58:2\t${ONE}$`, "m"));
  const resolvers = Deno.readTextFileSync("/etc/resolv.conf").split("\n")
    .filter((line) => line.startsWith("nameserver") && !/\s(127\.|::1)/.test(line));
  for (const line of resolvers) assertStringIncludes(said, line);
});

test("containers, the host and, through NAT, a peer outside are reached", async (host) => {
  const { network } = host;
  await server(host, ONE, "one", ...BRIDGE);
  await host.detach(...BRIDGE, TWO, ...WAIT);
  const [one, two] = [host.addressesOf(ONE), host.addressesOf(TWO)];
  const inside = host.namespaceOf(TWO);
  for (const address of [one.ipv4, one.ipv6]) {
    assertEquals(ask(inside, address, 80), "one");
    assertEquals(ask(network.path, address, 80), "one");
  }
  await using _gate = await serve(network.path, 7001, "host");
  assertEquals(ask(inside, "10.88.0.1", 7001), "host");
  assertEquals(ask(inside, HOST_ADDRESS, 7001), "host");
  await using _peer = await serve(network.farPath, 7002, "peer");
  assertEquals(ask(inside, PEER_ADDRESS, 7002), "peer"); // which knows no way to 10.88.0.2
  host.outside("ip", "route", "add", "10.88.0.0/16", "via", HOST_ADDRESS);
  for (const address of [one.ipv4, two.ipv4]) {
    assertEquals(ask(network.farPath, address, 80), "", "what is not published is not reached");
  }
  assertEquals(ask(network.farPath, "10.88.0.1", 7001), "host", "the way there is open");
  await remove(host, ONE);
  assertEquals(ask(inside, PEER_ADDRESS, 7002), "peer", "all stays for who is left");
  await remove(host, TWO);
});

test("published ports are reached from outside, from the host and from containers", async (host) => {
  const { network } = host;
  await server(host, ONE, "one", ...BRIDGE, "-p", "8080:80", "--publish", "127.0.0.1:8081:80/tcp");
  await host.detach(...BRIDGE, TWO, ...WAIT);
  const [one, two] = [host.namespaceOf(ONE), host.namespaceOf(TWO)];
  const { ipv6 } = host.addressesOf(ONE);
  assertEquals(ask(network.farPath, HOST_ADDRESS, 8080), "one");
  for (const address of ["127.0.0.1", HOST_ADDRESS, "10.88.0.1", HOST_IPV6]) {
    assertEquals(ask(network.path, address, 8080), "one", address);
  }
  assertEquals(ask(two, HOST_ADDRESS, 8080), "one", "another container");
  const gate = ipv6.replace(/::.*/, "::1");
  // The host does not forward IPv6: only where bridges have their packets filtered do they go back.
  const goesBack = exists("/proc/sys/net/bridge/bridge-nf-call-ip6tables");
  assertEquals(ask(two, gate, 8080), goesBack ? "one" : "", "another container by IPv6");
  assertEquals(ask(one, HOST_ADDRESS, 8080), "one", "the container itself");
  assertEquals(ask(two, ipv6, 80), "one");
  assertEquals(ask(network.path, "127.0.0.1", 8081), "one", "on the host alone");
  assertEquals(ask(network.farPath, HOST_ADDRESS, 8081), "");
  assertEquals(ask(network.path, HOST_ADDRESS, 8081), "");
  await remove(host, ONE);
  assertEquals(ask(network.farPath, HOST_ADDRESS, 8080), "", "its ports go with it");
  assertEquals(host.run("nft", "list", "ruleset").match(/dport/g), null);
  await remove(host, TWO);
});

test("nobody outside reaches what is published on the host's loopback", async (host) => {
  const { network } = host;
  await server(host, ONE, "one", ...BRIDGE, "-p", "127.0.0.1:8081:80");
  // A peer on the same wire that sends to 127.0.0.1 by the host's hardware address.
  loopbackLeadsTo(network.farPath, "far-net0", HOST_ADDRESS);
  assertEquals(ask(network.farPath, "127.0.0.1", 8081), "");
  assertEquals(ask(network.path, "127.0.0.1", 8081), "one");
  await remove(host, ONE);
});

test("a container does not reach what listens on the host's loopback alone", async (host) => {
  const { network } = host;
  await server(host, ONE, "one", ...BRIDGE, "-p", "8080:80");
  await using _private = await serve(network.path, 7003, "private", "127.0.0.1");
  const inside = host.namespaceOf(ONE);
  loopbackLeadsTo(inside, "eth0", "10.88.0.1");
  assertEquals(ask(inside, "127.0.0.1", 7003), "");
  assertEquals(ask(network.path, "127.0.0.1", 7003), "private");
  await remove(host, ONE);
});

/** Makes a namespace send 127.0.0.1 over the wire, as one does who attacks. */
function loopbackLeadsTo(path: string, device: string, gateway: string): void {
  inNamespace(
    path,
    "sh",
    "-ec",
    `
    ip addr del 127.0.0.1/8 dev lo
    ip route add 127.0.0.1 via ${gateway} dev ${device} table main`,
  );
  // what /proc/sys/net shows is of the reader's namespace; the container's /proc/sys is read-only
  inNamespace(path, "sh", "-ec", `echo 1 > /proc/sys/net/ipv4/conf/${device}/route_localnet`);
}

/** Answers one datagram. */
const UDP_SERVER = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die;
$server->recv(my $said, 99);
$server->send("got:$said");`;

test("UDP is published", async (host) => {
  await host.detach(...BRIDGE, "-p", "5353:53/udp", ONE, "--", "perl", "-e", UDP_SERVER);
  const inside = host.namespaceOf(ONE);
  await until(() => inNamespace(inside, "cat", "/proc/net/udp").includes(":0035 "), 20);
  const script = `exec 3<>/dev/udp/${HOST_ADDRESS}/5353; echo hello >&3; timeout 5 head -c 10 <&3`;
  assertEquals(host.outside("bash", "-c", script), "got:hello\n");
  await remove(host, ONE);
});

test("networks of two bridges are apart, each with addresses of its own", async (host) => {
  await server(host, ONE, "one", ...BRIDGE);
  await server(host, TWO, "two", "--network", "bridge=web1", "-p", "8082:80");
  const [one, two] = [host.addressesOf(ONE), host.addressesOf(TWO)];
  assertEquals([one.ipv4, two.ipv4], ["10.88.0.2", "10.89.0.2"]);
  assertEquals(ask(host.namespaceOf(ONE), two.ipv4, 80), "");
  assertEquals(ask(host.namespaceOf(TWO), one.ipv4, 80), "");
  assertEquals(ask(host.namespaceOf(ONE), "10.88.0.1", 8082), "two", "but for what is published");
  await remove(host, TWO);
  assertEquals(host.network.link("web1"), undefined);
  assert(host.network.link("hull0") !== undefined);
  await remove(host, ONE);
});

test("the forwarding of packets is set back by hull alone, and where nobody uses it", async (host) => {
  const setting = "/proc/sys/net/ipv4/ip_forward";
  const run = async () => {
    await host.must("run", ...BRIDGE, ONE, "--", "true");
    return host.run("cat", setting).trim();
  };
  assertEquals(await run(), "0");
  const rules = "add table ip other; add chain ip other f { type filter hook forward priority 0; }";
  host.run("nft", rules);
  assertEquals(await run(), "1", "another's rules for it are there");
  host.run("nft", "delete", "table", "ip", "other");
  assertEquals(await run(), "1", "it was on");
  host.run("sh", "-c", `echo 0 > ${setting}`);
});

test("settings that go with the forwarding are put back too", async (host) => {
  const set = (name: string, value: string) =>
    host.run("sh", "-c", `echo ${value} > /proc/sys/net/ipv4/conf/${name}`);
  const look = () =>
    host.run("sh", "-c", "cd /proc/sys/net; grep -r '' ipv4/conf ipv6/conf || true");
  set("all/accept_redirects", "0");
  set("net0/forwarding", "1");
  const before = look();
  await host.detach(...BRIDGE, ONE, ...WAIT);
  assertEquals(host.run("cat", "/proc/sys/net/ipv4/ip_forward"), "1\n");
  set("net0/log_martians", "1"); // another's change is its own
  await host.must("delete", "--force", ONE);
  set("net0/log_martians", "0");
  assertEquals(look(), before);
  set("all/accept_redirects", "1");
  set("net0/forwarding", "0");
});

test("with IPv6 forwarded by the host, it leads out and in", async (host) => {
  const setting = "/proc/sys/net/ipv6/conf/all/forwarding";
  host.run("sh", "-c", `echo 1 > ${setting}`);
  await server(host, ONE, "one", ...BRIDGE, "-p", "8080:80", "-p", `[${HOST_IPV6}]:8081:80`);
  await using _peer = await serve(host.network.farPath, 7002, "peer");
  assertEquals(ask(host.namespaceOf(ONE), "2001:db8:9::9", 7002), "peer");
  assertEquals(ask(host.network.farPath, HOST_IPV6, 8080), "one");
  assertEquals(ask(host.network.farPath, HOST_IPV6, 8081), "one");
  assertEquals(ask(host.network.farPath, HOST_ADDRESS, 8081), "");
  await remove(host, ONE);
  host.run("sh", "-c", `echo 0 > ${setting}`);
});

test("of many started at once each has an address of its own", async (host) => {
  const count = 12;
  const ids = Array.from({ length: count }, (_, k) => `${THREE}-${k}`);
  await Promise.all(ids.map((id) => host.detach(...BRIDGE, id, ...WAIT)));
  const addresses = ids.map((id) => host.addressesOf(id).ipv4);
  assertEquals(new Set(addresses).size, count);
  const inside = ids.map((id) => inNamespace(host.namespaceOf(id), "ip", "-4", "-o", "addr"));
  ids.forEach((_, k) => assertStringIncludes(inside[k] ?? "", `inet ${addresses[k]}/16`));
  await Promise.all(ids.map((id) => remove(host, id)));
});

test("loopback, none and host are what they say", async (host) => {
  const look = ["--", "ip", "-br", "link"];
  const none = await host.must("run", "--network", "none", ONE, ...look);
  assertMatch(none, /^lo +DOWN[^\n]*\n$/);
  const reexec = await host.must("run", "--init", "reexec", "--network", "none", ONE, ...look);
  assertEquals(reexec, none);
  const loopback = await host.must("run", "--network", "loopback", ONE, ...look);
  assertMatch(loopback, /^lo +UNKNOWN[^\n]*\n$/);
  const own = await host.must(
    "run",
    "--network",
    "host",
    ONE,
    "--",
    "sh",
    "-c",
    "ip -br link; cat /etc/resolv.conf",
  );
  assertStringIncludes(own, "net0");
  assertStringIncludes(own, Deno.readTextFileSync("/etc/resolv.conf"));
  assertEquals((await host.must("plan", "--network", "none")).includes("SIOCSIFFLAGS"), false);
  assertEquals((await host.must("plan", "--network", "bridge")).includes("SIOCSIFFLAGS"), true);
});
