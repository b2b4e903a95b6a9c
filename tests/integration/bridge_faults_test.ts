/**
 * Bridges of hull's own that can't be made as asked for, and what is left when hull is killed
 * meanwhile: nothing, or nothing after the next call.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { joinNamespace, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import {
  type BridgeHost,
  bridgeTest,
  HOST_ADDRESS,
  serve,
  takerWords,
} from "../fixtures/bridge_host.ts";
import { HULL } from "../fixtures/cli.ts";
import { until } from "../fixtures/until.ts";

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
  assertEquals({ code, stdout }, { code: 1, stdout: "" }, args.join(" "));
  return stderr;
}

test("without nft nothing is made, and the package is named", async (host) => {
  using empty = scratchFolder();
  const root = `${empty.path}/root`; // even the root folder is not
  const words = ["env", `PATH=${empty.path}`, ...HULL, "--root", root];
  const { code, stderr } = await host.program([...words, "run", ...BRIDGE, ONE, "--", "true"]);
  assertEquals(code, 1);
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
  assertEquals(code, 1);
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
  assertEquals(code, 1);
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

/** Opens for reading what hull could lock, and keeps locks of all that it could open. */
const LOCKER = `use Fcntl qw(:DEFAULT :flock);
my (@held, @paths);
for my $path (@ARGV) {
  my $file;
  next unless sysopen($file, $path, O_RDONLY) && flock($file, LOCK_EX | LOCK_NB);
  push @held, $file;
  push @paths, $path;
}
$| = 1;
print "@paths\\n";
sleep 300`;

test("an ordinary user's locks hold up nobody", async (host) => {
  Deno.chmodSync(host.root, 0o755);
  await host.detach(...BRIDGE, ONE, "--", "sleep", "300"); // the folders are there
  const key = Deno.statSync(host.network.path).ino;
  const inRoot = ["", "~networks", `~networks/${key}.json`, "~networks.lock", ONE];
  const paths = [
    "/proc/self/ns/net",
    `/run/hull-bridges-${key}.lock`,
    ...inRoot.map((name) => `${host.root}/${name}`),
    `${host.root}/${ONE}/state.json`,
  ];
  const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = new Deno.Command("nsenter", {
    args: [`--net=${host.network.path}`, ...user, "perl", "-e", LOCKER, ...paths],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    const { value } = await reader.read();
    const locked = new TextDecoder().decode(value).trim();
    assertEquals(locked, `/proc/self/ns/net ${host.root}/`, "nothing that hull locks");
    for (const init of ["direct", "reexec"]) {
      await host.must("run", "--init", init, ...BRIDGE, TWO, "--", "true");
    }
    await host.must("delete", "--force", ONE);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
  }
});

/** Before which system call hull is killed, and whether its container's network is made by then. */
const KILLS: readonly (readonly [call: string, when: number, isMade: boolean])[] = [
  ["/^rename", 1, false], // the lease is about to be written
  ["sendto", 6, false], // the bridge is about to be made
  ["sendto", 8, false], // it has no address
  ["/^mkdir", 4, false], // nft has made the rules
  ["/^rename", 2, false], // the container's state is about to be written
  ["sendto", 18, true], // its interface is about to get its name
];

test("hull killed at any point leaves nothing after the next call", async (host) => {
  for (const [call, when, isMade] of KILLS) {
    const what = `${call} ${when}`;
    const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`];
    const rule = `inject=${call}:signal=KILL:when=${when}`;
    const args = ["run", ...BRIDGE, "-p", "8080:80", ONE, "--", "true"];
    const { code } = await host.network.begin(host.root, args, [...strace, "-e", rule]).ended;
    assertEquals(code, 137, what);
    await host.must("run", ...BRIDGE, "-p", "8081:80", TWO, "--", "true");
    if (!isMade) {
      assertEquals(host.network.link("hull0"), undefined, what);
      assertEquals(host.run("nft", "list", "tables"), "", what);
    }
    await host.hull("delete", "--force", ONE); // its folder, if it came so far
    host.assertClean();
  }
}, hasStrace() ? undefined : "strace");

/** The calls at which hull delete is killed, one after another; every second openat2 only asks. */
const DELETE_CALLS: readonly (readonly [call: string, step: number])[] = [
  ["sendto", 1],
  ["openat2", 2],
  ["/^rename", 1],
];

test("hull delete killed at any point leaves nothing after the next call", async (host) => {
  const file = "/proc/sys/net/ipv4/conf/all/accept_redirects";
  const redirects = (value: string) => host.run("sh", "-c", `echo ${value} > ${file}`);
  const had = host.run("cat", file).trim(); // a new namespace has what the host has
  redirects("0"); // what the switch of the forwarding sets with it
  const look = () => host.run("sh", "-c", "cd /proc/sys/net; grep -r '' ipv4/ip_forward ipv4/conf");
  const before = look();
  for (const [call, step] of DELETE_CALLS) {
    for (let when = step;; when += step) {
      await host.detach(...BRIDGE, "-p", "8080:80", ONE, "--", "sleep", "300");
      // Of the first thread alone: not of nft.
      const strace = ["strace", "-qq", "-o", "/dev/null", "-e", `trace=${call}`];
      const rule = `inject=${call}:signal=KILL:when=${when}`;
      const args = ["delete", "--force", ONE];
      const { code } = await host.network.begin(host.root, args, [...strace, "-e", rule]).ended;
      if (code !== 0) await host.hull("delete", "--force", ONE);
      await host.must("run", ...BRIDGE, TWO, "--", "true");
      assertEquals(look(), before, `${call} ${when}`);
      assertEquals(host.network.link("hull0"), undefined, `${call} ${when}`);
      assertEquals(host.run("nft", "list", "tables"), "", `${call} ${when}`);
      if (code === 0) break; // it makes no more of them
      assertEquals(code, 137, `${call} ${when}`);
    }
  }
  redirects(had);
}, hasStrace() ? undefined : "strace");

test("hull run killed: its container keeps its address until it is deleted", async (host) => {
  const { child, ended } = host.network.begin(host.root, [
    "run",
    ...BRIDGE,
    ONE,
    "--",
    "sleep",
    "300",
  ]);
  await until(async () => (await host.hull("state", ONE)).stdout.includes('"running"'), 30);
  child.kill("SIGKILL");
  await ended;
  const said = await host.must(
    "run",
    ...BRIDGE,
    TWO,
    "--",
    "ip",
    "-4",
    "-o",
    "addr",
    "show",
    "eth0",
  );
  assertStringIncludes(said, "inet 10.88.0.3/16");
  assertEquals(host.addressesOf(ONE).ipv4, "10.88.0.2");
  assert(host.network.link("hull0") !== undefined, "the bridge is in use");
  await host.must("delete", "--force", ONE);
});

test("a container that is taken off its bridge keeps its address while it lives", async (host) => {
  await host.detach(...BRIDGE, ONE, "--", "sleep", "300"); // whose creator has ended
  const name = host.network.links().map(({ ifname }) => ifname)
    .find((each) => each.startsWith("veth")) ?? "";
  host.run("ip", "link", "set", name, "nomaster");
  await host.must("run", ...BRIDGE, TWO, "--", "true");
  assert(host.network.link("hull0") !== undefined, "the bridge is in use");
  await host.must("delete", "--force", ONE);
});

test("what was never started is given up with its creator", async (host) => {
  const created = await taking(host, ONE);
  await created.kill();
  await host.must("run", ...BRIDGE, TWO, "--", "true");
  assertEquals(host.network.link("hull0"), undefined, "nobody has an address");
  await host.must("delete", "--force", ONE);
});

test("50 programs at once take 50 addresses", async (host) => {
  const all = await Promise.all(Array.from({ length: 50 }, (_, k) => taking(host, `${ONE}-${k}`)));
  assertEquals(new Set(all.map(({ address }) => address)).size, 50);
  assert(all.every(({ address }) => address.startsWith("10.88.0.")));
  const [{ name = "" } = {}] = Deno.readDirSync(`${host.root}/~networks`);
  const { bridges } = JSON.parse(Deno.readTextFileSync(`${host.root}/~networks/${name}`));
  assertEquals(bridges.hull0.leases.length, 50, "each is kept while its program lives");
  await Promise.all(all.map((each) => each.kill()));
  await host.must("run", ...BRIDGE, TWO, "--", "true"); // takes back all of them
  assertEquals(host.network.link("hull0"), undefined);
  await host.must("delete", "--force", ONE); // and what they were making
});

/** A program that has an address, until it is killed. */
interface Taking extends AsyncDisposable {
  readonly id: string;
  readonly address: string;
  kill(): Promise<void>;
}

async function taking(host: BridgeHost, id: string, network = '"bridge"'): Promise<Taking> {
  const words = [`--net=${host.network.path}`, ...takerWords(["take", host.root, id, network])];
  const child = new Deno.Command("nsenter", { args: words, stdin: "piped", stdout: "piped" })
    .spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const [address = ""] = new TextDecoder().decode(value).split(" ");
  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await child.status;
    await reader.cancel();
    await child.stdin.abort();
  };
  return { id, address, kill, [Symbol.asyncDispose]: kill };
}

function hasStrace(): boolean {
  try {
    return new Deno.Command("strace", { args: ["-V"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
