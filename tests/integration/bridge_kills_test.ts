/**
 * Who has an address on a bridge of hull's own when programs are killed, wait for locks, or come many
 * at once: nothing is left after the next call.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type BridgeHost, bridgeTest, type Taking, taking } from "../fixtures/bridge_host.ts";
import { hasStrace } from "../fixtures/strace.ts";
import { SLOWNESS, until } from "../fixtures/until.ts";

// What a run that was killed left must not be in the way.
const ID = `hull-brkill-${Deno.pid}`;
const [ONE, TWO] = [`${ID}-1`, `${ID}-2`];
const BRIDGE = ["--network", "bridge"];
/** Each waits ten seconds at most for those before it, on a slow host as well. */
const AT_ONCE = SLOWNESS === 1 ? 50 : 5;

function test(name: string, body: (host: BridgeHost) => Promise<void>, missing?: string): void {
  bridgeTest(ID, name, body, missing);
}

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
  for (const [name, step] of DELETE_CALLS) {
    for (let when = step;; when += step) {
      await host.detach(...BRIDGE, "-p", "8080:80", ONE, "--", "sleep", "300");
      // Of the first thread alone: not of nft.
      const strace = ["strace", "-qq", "-o", "/dev/null", "-e", `trace=${name}`];
      const rule = `inject=${name}:signal=KILL:when=${when}`;
      const args = ["delete", "--force", ONE];
      const call = () => host.network.begin(host.root, args, [...strace, "-e", rule]).ended;
      let { code, stderr } = await call();
      // On a slow host the process may end later than delete waits for it; that says so.
      for (let k = 1; k < SLOWNESS && stderr.includes("delete again then"); k++) {
        ({ code, stderr } = await call());
      }
      if (code !== 0) await host.hull("delete", "--force", ONE);
      await host.must("run", ...BRIDGE, TWO, "--", "true");
      assertEquals(look(), before, `${name} ${when}`);
      assertEquals(host.network.link("hull0"), undefined, `${name} ${when}`);
      assertEquals(host.run("nft", "list", "tables"), "", `${name} ${when}`);
      if (code === 0) break; // it makes no more of them
      assertEquals(code, 137, `${name} ${when}: ${stderr}`);
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
  const all: Taking[] = [];
  while (all.length < 50) {
    const programs = Array.from(
      { length: AT_ONCE },
      (_, k) => taking(host, `${ONE}-${all.length + k}`),
    );
    all.push(...await Promise.all(programs));
  }
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
