/**
 * `linux.netDevices`: devices that a container takes with it, in network namespaces of the test's
 * own. What is inside, iproute2 says.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, joinNamespace, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { addressesOf, hasVeth, linksAt, type ShownLink, TestNetwork } from "../fixtures/network.ts";
import { testWhere } from "../fixtures/test_where.ts";

type Devices = NonNullable<Draft["linux"]["netDevices"]>;

const ID = "hull-netdev";
const missing = hasVeth() ? undefined : "veth network devices";

/** Creates a container with devices; `look` sees the links inside. */
async function withContainer(
  network: TestNetwork,
  netDevices: Devices,
  look: (links: readonly ShownLink[], pid: number) => void | Promise<void>,
  change: (config: Draft) => void = () => {},
): Promise<void> {
  using root = scratchFolder();
  using bundle = makeBundle("true", (config) => {
    config.linux.netDevices = netDevices;
    change(config);
  });
  own(bundle.folder, bundle.config.linux?.uidMappings !== undefined);
  const { code, stderr } = await network.hull(root.path, "create", "-b", bundle.folder, ID);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const state = JSON.parse(Deno.readTextFileSync(`${root.path}/${ID}/state.json`));
  const pid = state.init.pid as number;
  try {
    await look(linksAt(`/proc/${pid}/ns/net`), pid);
  } finally {
    const ended = await network.hull(root.path, "delete", "--force", ID);
    assertEquals(ended, { code: 0, stdout: "", stderr: "" });
  }
}

/** Has a container fail; gives what hull says. */
async function refused(
  network: TestNetwork,
  netDevices: Devices,
  change: (config: Draft) => void = () => {},
): Promise<string> {
  using root = scratchFolder();
  using bundle = makeBundle("true", (config) => {
    config.linux.netDevices = netDevices;
    change(config);
  });
  const { code, stderr } = await network.hull(root.path, "create", "-b", bundle.folder, ID);
  assertEquals(code, 1, stderr);
  assertEquals([...Deno.readDirSync(root.path)], [], "nothing may stay in the root");
  return stderr;
}

function own(folder: string, mapped: boolean): void {
  if (!mapped) return;
  Deno.chmodSync(folder, 0o755);
  run("chown", "-R", "100000:100000", `${folder}/rootfs`);
}

function linkNamed(links: readonly ShownLink[], name: string): ShownLink | undefined {
  return links.find(({ ifname }) => ifname === name);
}

function names(links: readonly ShownLink[]): string[] {
  return links.map(({ ifname }) => ifname).sort();
}

const KERNELS_OWN = /^fe80:/; // the link-local address that comes with UP

function test(name: string, body: (network: TestNetwork) => Promise<void>): void {
  testWhere(missing, name, () =>
    leavesNothing(ID, async () => {
      await using network = await TestNetwork.make();
      await body(network);
    }));
}

test("a device keeps its name, MTU, MAC and global addresses, and is up", async (network) => {
  network.addDevice(
    "net0",
    "198.51.100.7/24 broadcast 198.51.100.255",
    "198.51.100.8/24 label net0:x",
    "203.0.113.9 peer 203.0.113.1/32",
    "2001:db8::7/64 nodad",
    "2001:db8:1::7/64",
    "169.254.7.7/16 scope link",
    "fe80::77/64",
    "2001:db8:2::7/64 valid_lft 900 preferred_lft 900",
  );
  network.ip("link", "set", "net0", "mtu", "1401", "address", "02:00:5e:00:53:01");
  const before = network.link("net0");
  await withContainer(network, { net0: {} }, (links) => {
    const link = linkNamed(links, "net0");
    assertEquals(names(links), ["lo", "net0"]);
    assertEquals([link?.mtu, link?.address], [1401, "02:00:5e:00:53:01"]);
    assert(link?.flags.includes("UP") && link.flags.includes("LOWER_UP"), `${link?.flags}`);
    const addresses = addressesOf(link).filter((address) => !KERNELS_OWN.test(address));
    assertEquals(addresses, [
      "198.51.100.7/24 global",
      "198.51.100.8/24 global",
      "2001:db8:1::7/64 global",
      "2001:db8::7/64 global",
      "203.0.113.9/32 global",
    ]);
    assert(!addressesOf(link).includes("fe80::77/64 link"), "an address of the link's scope");
    // All that iproute2 knows of them is as before.
    for (const info of (link?.addr_info ?? []).filter(({ scope }) => scope === "global")) {
      const old = before?.addr_info.find(({ local }) => local === info.local);
      assertEquals(withoutTentative(info), withoutTentative(old));
    }
    assertEquals(network.link("net0"), undefined);
  });
  // The kernel removes a virtual device with its namespace.
  assertEquals(names(network.links()), ["lo"]);
});

function withoutTentative(info: object | undefined): object {
  return Object.fromEntries(Object.entries(info ?? {}).filter(([key]) => key !== "tentative"));
}

test("devices get new names, given or from a template", async (network) => {
  network.addDevice("one", "198.51.100.1/24", "198.51.100.2/24 label one:web");
  network.addDevice("two", "2001:db8::2/64");
  network.addDevice("three");
  network.ip("link", "add", "ve0", "type", "veth", "peer", "name", "ve1");
  network.ip("link", "set", "ve0", "up");
  const devices = {
    one: { name: "wan0" },
    two: { name: "eth%d" },
    three: { name: "eth%d" },
    ve1: { name: "lan0" },
  };
  await withContainer(network, devices, (links) => {
    assertEquals(names(links), ["eth0", "eth1", "lan0", "lo", "wan0"]);
    assert(links.every(({ flags }) => flags.includes("UP")));
    const labels = linkNamed(links, "wan0")?.addr_info.map(({ label }) => label);
    assertEquals(labels?.filter((label) => label !== undefined), ["wan0", "wan0:web"]);
    const both = ["eth0", "eth1"].flatMap((name) => addressesOf(linkNamed(links, name)));
    assert(both.includes("2001:db8::2/64 global"), `${both}`);
    assertEquals(names(network.links()), ["lo", "ve0"]);
    assert(network.link("ve0")?.flags.includes("LOWER_UP"), "the pair has its carrier");
  });
});

test("a sysctl of the config finds the device", async (network) => {
  network.addDevice("net0");
  await withContainer(network, { net0: { name: "lan0" } }, (_links, pid) => {
    const file = "/proc/sys/net/ipv4/conf/lan0/tag";
    assertEquals(run("nsenter", `--net=/proc/${pid}/ns/net`, "cat", file).trim(), "7");
  }, (config) => {
    config.linux.sysctl = { "net.ipv4.conf.lan0.tag": "7" };
  });
});

test("a device that is down comes up inside", async (network) => {
  network.addDevice("net0", "198.51.100.1/24");
  network.ip("link", "set", "net0", "down");
  await withContainer(network, { net0: {} }, (links) => {
    assert(linkNamed(links, "net0")?.flags.includes("UP"));
    assert(addressesOf(linkNamed(links, "net0")).includes("198.51.100.1/24 global"));
  });
});

test("a device goes into a namespace that is joined by path", async (network) => {
  network.addDevice("net0", "198.51.100.1/24");
  await using other = await TestNetwork.make();
  other.addDevice("there");
  await withContainer(network, { net0: { name: "lan0" } }, (links) => {
    assertEquals(names(links), ["lan0", "lo", "there"]);
    assertEquals(names(other.links()), ["lan0", "lo", "there"]);
  }, (config) => joinNamespace(config, "network", other.path));
});

test("a device goes into a new namespace beside a joined pid namespace", async (network) => {
  network.addDevice("net0", "198.51.100.1/24");
  const holder = new Deno.Command("unshare", {
    args: ["--pid", "--fork", "--kill-child", "sleep", "600"],
  }).spawn();
  try {
    const pid = await childOf(holder.pid);
    await withContainer(network, { net0: { name: "lan0" } }, (links) => {
      assertEquals(names(links), ["lan0", "lo"]);
      assert(addressesOf(linkNamed(links, "lan0")).includes("198.51.100.1/24 global"));
    }, (config) => joinNamespace(config, "pid", `/proc/${pid}/ns/pid`));
    network.addDevice("net1");
    const text = await refused(
      network,
      { net1: {}, nowhere: {} },
      (config) => joinNamespace(config, "pid", `/proc/${pid}/ns/pid`),
    );
    assertStringIncludes(text, "/linux/netDevices/nowhere");
    assert(network.link("net1")?.flags.includes("UP"), "net1 is back");
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
  }
});

async function childOf(pid: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
    if (children !== "") return Number(children);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("unshare has no child");
}

test("a device goes into a user namespace's network", async (network) => {
  network.addDevice("net0", "198.51.100.1/24");
  await withContainer(network, { net0: {} }, (links) => {
    assertEquals(names(links), ["lo", "net0"]);
    assert(addressesOf(linkNamed(links, "net0")).includes("198.51.100.1/24 global"));
  }, (config) => {
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
});

test("a missing device stops the start, and the others are as they were", async (network) => {
  network.addDevice("net0", "198.51.100.1/24", "2001:db8::1/64");
  network.ip("link", "set", "net0", "mtu", "1300");
  const before = network.link("net0");
  const text = await refused(network, { net0: { name: "eth0" }, nowhere: {} });
  assertStringIncludes(text, "cannot move the network device nowhere into the container");
  assertStringIncludes(text, "RTM_GETLINK(nowhere): ENODEV");
  assertStringIncludes(text, "[step network] [config /linux/netDevices/nowhere]");
  await assertComesBack(network, before);
});

test("a name that is taken stops the start, and the devices are as they were", async (network) => {
  network.addDevice("net0", "198.51.100.1/24", "2001:db8::1/64");
  network.addDevice("net1", "198.51.101.1/24");
  network.ip("link", "set", "net1", "down");
  await using other = await TestNetwork.make();
  other.addDevice("taken");
  const before = [network.link("net0"), network.link("net1")];
  const text = await refused(
    network,
    { net0: { name: "lan0" }, net1: { name: "taken" } },
    (config) => joinNamespace(config, "network", other.path),
  );
  assertStringIncludes(text, "RTM_NEWLINK(net1): EEXIST");
  assertStringIncludes(text, "[step network] [config /linux/netDevices/net1]");
  await assertComesBack(network, before[0]);
  await assertComesBack(network, before[1]);
  assertEquals(names(other.links()), ["lo", "taken"]);
});

test("a start that fails later gives the devices back", async (network) => {
  network.addDevice("net0", "198.51.100.1/24", "2001:db8::1/64");
  const before = network.link("net0");
  const text = await refused(network, { net0: { name: "eth0" } }, (config) => {
    config.mounts.push({ destination: "/data", source: "/nowhere/at/all", options: ["bind"] });
  });
  assertStringIncludes(text, "/nowhere/at/all");
  await assertComesBack(network, before);
});

test("a device that can't leave is refused in the kernel's words", async (network) => {
  const text = await refused(network, { lo: { name: "lo1" } });
  assertStringIncludes(text, "RTM_NEWLINK(lo): EINVAL");
  assertStringIncludes(text, "[config /linux/netDevices/lo]");
  assert(network.link("lo")?.flags.includes("UP"), "it is up again");
});

/** A link is as it was, once the kernel has noticed its carrier and made its own address. */
async function assertComesBack(network: TestNetwork, before: ShownLink | undefined): Promise<void> {
  const plain = (shown: ShownLink | undefined) => ({
    ifname: shown?.ifname,
    flags: shown?.flags,
    mtu: shown?.mtu,
    address: shown?.address,
    addresses: addressesOf(shown),
  });
  const now = () => plain(network.link(before?.ifname ?? ""));
  for (let tries = 0; tries < 40; tries++) {
    if (JSON.stringify(now()) === JSON.stringify(plain(before))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(now(), plain(before));
}
