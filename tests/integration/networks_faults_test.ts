/**
 * Containers' interfaces that can't be made, and what is left when somebody is killed meanwhile:
 * nothing, or nothing after the next call.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bridgeLockPath } from "../../src/network/links/bridge.ts";
import { LockFile } from "../../src/network/links/lock_file.ts";
import type { Network, Route } from "../../src/config/types/network.ts";
import { type Draft, joinNamespace, scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ANNOTATED, type NetContainerOptions, networkBundle } from "../fixtures/net_container.ts";
import { addressesOf, hasVeth, TestNetwork } from "../fixtures/network.ts";
import { hasStrace } from "../fixtures/strace.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const ID = "hull-netfault";
const missing = hasVeth() ? undefined : "veth network devices";

/** What the tests make: the host's namespace, and a pod's, which lives on. */
interface Networks {
  readonly host: TestNetwork;
  readonly pod: TestNetwork;
}

function test(name: string, body: (networks: Networks) => Promise<void>, without = missing): void {
  testWhere(without, name, () =>
    leavesNothing(ID, async () => {
      await using host = await TestNetwork.make();
      await using pod = await TestNetwork.make();
      host.addDevice("net0");
      // with an address that is set: else it has one of what is on it
      host.ip("link", "add", "br0", "address", "02:00:5e:10:00:01", "type", "bridge");
      await body({ host, pod });
    }));
}

/** What iproute2 knows of both, but for what changes by itself: carriers, the kernel's addresses. */
function inventory({ host, pod }: Networks): object {
  return [host, pod].map((network) => ({
    links: network.links().map((link) => ({
      name: link.ifname,
      isUp: link.flags.includes("UP"),
      mtu: link.mtu,
      address: link.address,
      addresses: addressesOf(link).filter((address) => !address.startsWith("fe80:")),
    })),
    routes: network.ip("route", "list", "table", "main"),
  }));
}

const PAIR: Network = { type: "veth", bridge: "br0", address: "198.51.100.2/24" };
/** One that is made, with a bridge, before the one that can't be. */
const FIRST: Network = { type: "veth", bridge: "made0", createBridge: true, name: "first" };

/** What is asked for, and what hull must say, with the field's pointer behind the annotation. */
interface Refusal {
  readonly network?: Network;
  readonly route?: Route;
  readonly says: string;
  readonly field: string;
  readonly prepare?: (networks: Networks) => void;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "a bridge that is missing": {
    network: { ...PAIR, bridge: "br7" },
    says: "there is no bridge br7",
    field: "networks/2/bridge",
  },
  "a bridge that is none": {
    network: { ...PAIR, bridge: "net0", createBridge: true },
    says: "the interface net0 is no bridge",
    field: "networks/2/bridge",
  },
  "a name that is taken on the host": {
    network: { ...PAIR, hostInterfaceName: "net0" },
    says: "the host has an interface net0 already: RTM_NEWLINK(net0): EEXIST",
    field: "networks/2/hostInterfaceName",
  },
  "a name that is taken inside": {
    network: { ...PAIR, name: "taken" },
    says: "cannot name the interface taken",
    field: "networks/2/name",
    prepare: ({ pod }) => pod.ip("link", "add", "taken", "type", "bridge"),
  },
  "a parent that is missing": {
    network: { type: "macvlan", parent: "eth7" },
    says: "there is no interface eth7 to share",
    field: "networks/2/parent",
  },
  "a gateway that nothing leads to": {
    route: { destination: "203.0.113.0/24", gateway: "192.0.2.1" },
    says: "cannot add the route to 203.0.113.0/24",
    field: "routes/1",
  },
  "a route over an interface that is not there": {
    route: { destination: "203.0.113.0/24", interfaceName: "eth7" },
    says: "the container has no interface eth7",
    field: "routes/1/interfaceName",
  },
  "an address without bits": {
    network: { ...PAIR, address: "198.51.100.2" },
    says: "must be an address with its network's bits",
    field: "networks/2/address",
  },
  "a multicast hardware address": {
    network: { ...PAIR, macAddress: "01:00:5e:00:00:01" },
    says: "must not be a multicast address",
    field: "networks/2/macAddress",
  },
};

/** Has hull fail in a namespace that lives on; gives what it says. */
async function refused(networks: Networks, options: NetContainerOptions): Promise<string> {
  using root = scratchFolder();
  using bundle = networkBundle({
    ...options,
    change: (config) => {
      joinNamespace(config, "network", networks.pod.path);
      options.change?.(config);
    },
  });
  const before = inventory(networks);
  const { code, stderr } = await networks.host.hull(
    root.path,
    "create",
    ANNOTATED,
    "-b",
    bundle.folder,
    ID,
  );
  assertEquals(code, 1, stderr);
  assertEquals(inventory(networks), before);
  assertEquals([...Deno.readDirSync(root.path)], [], "nothing may stay in the root");
  return stderr;
}

test("an image's annotations make nothing, and a warning says so", async (networks) => {
  const { host } = networks;
  const before = inventory(networks);
  using bundle = networkBundle({ networks: [FIRST], routes: [{ gateway: "198.51.100.1" }] });
  for (const init of ["direct", "reexec"]) {
    using root = scratchFolder();
    const words = ["create", "--init", init, "-b", bundle.folder, ID];
    const { code, stderr } = await host.hull(root.path, ...words);
    assertEquals(code, 0, stderr);
    for (const name of ["networks", "routes"]) {
      assertStringIncludes(stderr, `config /annotations/org.hull.${name}: is ignored`);
    }
    const now = inventory(networks);
    assertEquals(await host.hull(root.path, "delete", "--force", ID), DONE);
    assertEquals(now, before);
  }
});

test("what can't be made is told with its field, and nothing is left", async (networks) => {
  const over: Route = { destination: "192.0.2.128/25", interfaceName: "first" };
  networks.pod.ip("link", "set", "lo", "down");
  for (const [what, { network, route, says, field, prepare }] of Object.entries(REFUSALS)) {
    prepare?.(networks);
    const text = await refused(networks, {
      networks: [{ type: "loopback" }, FIRST, ...(network === undefined ? [] : [network])],
      routes: [over, ...(route === undefined ? [] : [route])],
    });
    assertStringIncludes(text, says, what);
    assertStringIncludes(text, `/annotations/org.hull.${field}`, what);
  }
});

test("a start that fails later leaves no interface", async (networks) => {
  const text = await refused(networks, {
    networks: [FIRST, PAIR, { type: "macvlan", parent: "net0", name: "mac0" }],
    change: (config) => {
      config.mounts.push({
        destination: "/x",
        type: "bind",
        source: "/nowhere",
        options: ["bind"],
      });
    },
  });
  assertStringIncludes(text, "/nowhere");
});

test("a container killed between create and initialize leaves nothing", async (networks) => {
  const { host } = networks;
  using root = scratchFolder();
  using bundle = networkBundle({ networks: [FIRST, PAIR] });
  const before = inventory(networks);
  const path = bridgeLockPath(String(Deno.statSync(host.path).ino));
  const lock = await LockFile.take(path, "the test's", 1000);
  const { child, ended } = host.begin(root.path, ["create", ANNOTATED, "-b", bundle.folder, ID]);
  let init: number | undefined;
  await until(() => (init = childrenOf(child.pid)[0]) !== undefined);
  await until(() => holdsOpen(child.pid, path)); // it waits for the lock: init waits for it
  Deno.kill(init as number, "SIGKILL");
  lock[Symbol.dispose]();
  const { code, stderr } = await ended;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "init ended before the container was ready: SIGKILL");
  assertEquals(inventory(networks), before);
  assertEquals([...Deno.readDirSync(root.path)], []);
});

function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).split(" ")
  ).filter((text) => text !== "").map(Number);
}

/** Whether a process has a file open. */
function holdsOpen(pid: number, path: string): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].some(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`) === path;
    } catch {
      return false; // closed meanwhile
    }
  });
}

for (const next of ["create", "delete"] as const) {
  test(`after hull was killed, ${next} cleans up`, async (networks) => {
    const { host, pod } = networks;
    using root = scratchFolder();
    const networksOf: Network[] = [FIRST, { type: "macvlan", parent: "net0", name: "mac0" }];
    const change = (config: Draft) => joinNamespace(config, "network", pod.path);
    using hooked = networkBundle({
      networks: networksOf,
      change: (config) => {
        change(config);
        config.hooks = { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "2"] }] };
      },
    });
    const before = inventory(networks);
    const { child, ended } = host.begin(root.path, ["create", ANNOTATED, "-b", hooked.folder, ID]);
    await until(() => pod.link("mac0")?.flags.includes("UP") ?? false);
    await until(() => childrenOf(child.pid).length > 1); // the hook: all interfaces are made
    child.kill("SIGKILL");
    await ended;
    assert(host.link("made0") !== undefined && pod.link("first") !== undefined, "what is left");
    using bundle = networkBundle({ networks: networksOf, change });
    if (next === "create") {
      assertEquals(await host.hull(root.path, "create", ANNOTATED, "-b", bundle.folder, ID), DONE);
      const count = host.links().filter(({ ifname }) => ifname.startsWith("veth")).length;
      assertEquals(count, 1, "the new one's alone");
    }
    assertEquals(await host.hull(root.path, "delete", "--force", ID), DONE);
    assertEquals(inventory(networks), before);
  });
}

const DONE = { code: 0, stdout: "", stderr: "" };

/** Which request hull is killed before, and what is there by then. */
const KILLS: Readonly<Record<number, string>> = {
  3: "the bridge is made, but not up",
  6: "the pair is made, but not plugged in",
  10: "the end on the host is done, the one inside is not",
  13: "the one inside has its name",
};

test("hull killed at any request leaves nothing after the next call", async (networks) => {
  const { host, pod } = networks;
  using bundle = networkBundle({
    networks: [FIRST],
    change: (config) => joinNamespace(config, "network", pod.path),
  });
  for (const [request, what] of Object.entries(KILLS)) {
    using root = scratchFolder();
    const before = inventory(networks);
    const rule = `sendto:signal=KILL:when=${request}`;
    const strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=sendto"];
    const args = ["create", ANNOTATED, "-b", bundle.folder, ID];
    const { code } = await host.begin(root.path, args, [...strace, "-e", `inject=${rule}`]).ended;
    assertEquals(code, 137, what);
    assert(host.link("made0") !== undefined, `${what}: the bridge at least`);
    assertEquals(pod.links().length, Number(request) >= 6 ? 2 : 1, what);
    assertEquals(pod.link("first") !== undefined, Number(request) >= 13, what);
    assertEquals(await host.hull(root.path, "delete", "--force", ID), DONE, what);
    assertEquals(inventory(networks), before, what);
  }
}, missing ?? (hasStrace() ? undefined : "strace"));
