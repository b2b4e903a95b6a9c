/** Bridges of hull's own that can't be made as asked for: nothing is left. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { joinNamespace, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import {
  type BridgeHost,
  bridgeTest,
  HOST_ADDRESS,
  serve,
  taking,
} from "../fixtures/bridge_host.ts";
import { failureCode, HULL } from "../fixtures/cli.ts";

// What a run that was killed left must not be in the way.
const ID = `hull-brfault-${Deno.pid}`;
const [ONE, TWO] = [`${ID}-1`, `${ID}-2`];
const BRIDGE = ["--network", "bridge"];

function test(name: string, body: (host: BridgeHost) => Promise<void>, missing?: string): void {
  bridgeTest(ID, name, body, missing);
}

/** Calls hull for something that must fail; gives what it says. */
async function refused(host: BridgeHost, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.hull(...args);
  assertEquals({ code, stdout }, { code: failureCode(args), stdout: "" }, args.join(" "));
  return stderr;
}

test("without nft nothing is made, and the package is named", async (host) => {
  using empty = scratchFolder();
  const root = `${empty.path}/root`; // even the root folder is not
  const words = ["env", `PATH=${empty.path}`, ...HULL, "--root", root];
  const { code, stderr } = await host.program([...words, "run", ...BRIDGE, ONE, "--", "true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "nft command");
  assertStringIncludes(stderr, "apt-get install nftables");
  assertEquals([...Deno.readDirSync(empty.path)], []);
});

test("what nft refuses leaves nothing", async (host) => {
  using folder = scratchFolder();
  Deno.writeTextFileSync(
    `${folder.path}/nft`,
    "#!/bin/sh\necho 'Error: no such chain' >&2\nexit 1\n",
  );
  Deno.chmodSync(`${folder.path}/nft`, 0o755);
  const words = ["env", `PATH=${folder.path}:/usr/bin:/bin`, ...HULL, "--root", host.root];
  const { code, stderr } = await host.program([...words, "run", ...BRIDGE, ONE, "--", "true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "nft refuses the rules of hull0: Error: no such chain");
  host.assertClean();
});

test("networks that the host has are avoided, and refused if named", async (host) => {
  host.run("ip", "addr", "add", "10.88.7.1/24", "dev", "net0");
  host.run("ip", "route", "add", "10.89.128.0/17", "via", "203.0.113.9");
  host.run("ip", "route", "add", "10.90.1.2/32", "via", "203.0.113.9");
  const said = await host.must(
    "run",
    ...BRIDGE,
    ONE,
    "--",
    "ip",
    "-4",
    "-o",
    "addr",
    "show",
    "eth0",
  );
  assertStringIncludes(said, "inet 10.91.0.2/16");
  for (const subnet of ["10.88.0.0/16", "10.88.7.128/25", "10.90.1.0/29", "10.0.0.0/8"]) {
    const taken = await host.taker("create", host.root, ONE, JSON.stringify({ subnet }));
    assertEquals(taken.code, 1, subnet);
    assertStringIncludes(taken.stderr, `the network ${subnet} overlaps`);
    assertStringIncludes(taken.stderr, "/network/subnet");
  }
  const good = await host.taker(
    "create",
    host.root,
    ONE,
    '{"subnet":"10.92.0.0/30","bridge":"b9"}',
  );
  assertStringIncludes(good.stdout, '"bridge":"b9"');
  assertStringIncludes(good.stdout, '"address":"10.92.0.2/30"');
  host.run("ip", "route", "del", "10.89.128.0/17");
  host.run("ip", "route", "del", "10.90.1.2/32");
  host.run("ip", "addr", "del", "10.88.7.1/24", "dev", "net0");
});

test("a name that somebody else has is refused, and a network that is full", async (host) => {
  host.run("ip", "link", "add", "hull0", "type", "bridge");
  assertStringIncludes(
    await refused(host, "run", ...BRIDGE, ONE),
    "the host has an interface hull0",
  );
  host.run("ip", "link", "del", "hull0");
  await host.detach(...BRIDGE, ONE, "--", "sleep", "300");
  using other = scratchFolder();
  const words = [...HULL, "--root", other.path, "run", ...BRIDGE, TWO, "--", "true"];
  const { code, stderr } = await host.program(words);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "not of this root folder's containers");
  assertEquals([...Deno.readDirSync(other.path)], []);
  const subnet = await host.taker("create", host.root, TWO, '{"subnet":"10.99.0.0/16"}');
  assertStringIncludes(subnet.stderr, "the bridge hull0 has the network 10.88.0.0/16");
  await host.must("delete", "--force", ONE);
});

test("a full network is told", async (host) => {
  await using first = await taking(host, ONE, '{"subnet":"10.92.0.0/30"}');
  assertEquals(first.address, "10.92.0.2");
  const { code, stderr } = await host.taker("create", host.root, TWO, '"bridge"');
  assertEquals(code, 1);
  assertStringIncludes(stderr, "all addresses of 10.92.0.0/30 are taken");
  await first.kill();
  await host.must("delete", "--force", ONE);
});

test("a published port that somebody has is refused", async (host) => {
  await host.detach(
    ...BRIDGE,
    "-p",
    "8080:80",
    "-p",
    `${HOST_ADDRESS}:8081:80`,
    ONE,
    "--",
    "sleep",
    "300",
  );
  await using _listener = await serve(host.network.path, 7001, "host", "127.0.0.1");
  const cases: Readonly<Record<string, string>> = {
    "8080:81": `container ${ONE} has it`,
    "127.0.0.1:8080:81": `container ${ONE} has it`,
    "8081:81": `container ${ONE} has it`,
    "7001:80": "a program of the host listens on it at 127.0.0.1",
    "198.51.100.7:8082:80": "the host has no address 198.51.100.7",
  };
  for (const [port, why] of Object.entries(cases)) {
    const said = await refused(host, "run", ...BRIDGE, "-p", port, TWO, "--", "true");
    assertStringIncludes(said, `cannot publish ${port}/tcp: ${why}`);
    assertStringIncludes(said, "/network/publish/0");
  }
  const twice = await refused(host, "run", ...BRIDGE, "-p", "8085:1", "-p", "8085:2", TWO);
  assertStringIncludes(twice, "it is published twice");
  const free = ["8080:80/udp", "127.0.0.1:8081:80", `${HOST_ADDRESS}:7001:80`];
  const flags = free.flatMap((port) => ["-p", port]);
  await host.must("run", ...BRIDGE, ...flags, TWO, "--", "true");
  await host.must("delete", "--force", ONE);
});

/** What is asked of which bundle, and what contradicts. */
const CONTRADICTIONS: readonly (readonly [string, "host" | "new" | "joined", string])[] = [
  ["host", "new", "/linux/namespaces/"],
  ["bridge", "host", "/linux/namespaces: has no network namespace"],
  ["none", "host", "/linux/namespaces: has no network namespace"],
  ["bridge", "joined", "/path: joins"],
  ["loopback", "joined", "/path: joins"],
];

test("a bundle's namespaces are its own: what contradicts them is refused", async (host) => {
  for (const [kind, has, says] of CONTRADICTIONS) {
    using bundle = makeBundle("true", (config) => {
      if (has === "joined") joinNamespace(config, "network", host.network.farPath);
      if (has !== "host") return;
      const { namespaces = [] } = config.linux;
      config.linux.namespaces = namespaces.filter(({ type }) => type !== "network");
    });
    const said = await refused(host, "run", "--network", kind, "-b", bundle.folder, ONE);
    assertStringIncludes(said, `the network ${kind} contradicts the config`);
    assertStringIncludes(said, says);
  }
  using annotated = makeBundle("true", (config) => {
    config.annotations = { "org.hull.networks": "[]" };
  });
  const words = [...BRIDGE, "--networks-from-annotations", "-b", annotated.folder, ONE];
  const said = await refused(host, "run", ...words);
  assertStringIncludes(said, "/annotations/org.hull.networks: asks for other interfaces");
});

test("a bundle gets an address too", async (host) => {
  using bundle = makeBundle("ip -4 -o addr show dev eth0; ip route");
  const said = await host.must("run", ...BRIDGE, "-b", bundle.folder, ONE);
  assertStringIncludes(said, "inet 10.88.0.2/16");
  assertStringIncludes(said, "default via 10.88.0.1");
});
