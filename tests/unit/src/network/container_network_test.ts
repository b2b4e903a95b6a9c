import { assert, assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { BRIDGE_GROUP } from "../../../../src/network/links/bridge.ts";
import { planNetwork } from "../../../../src/network/container_network.ts";
import { interfaceStats } from "../../../../src/network/interface_stats.ts";
import { randomName, withFreeName } from "../../../../src/network/links/random_name.ts";
import { NetlinkError } from "../../../../src/network/netlink/socket.ts";
import type { Network } from "../../../../src/config/types/network.ts";

const EEXIST = 17;

function plan(items: readonly Network[]) {
  const routes = { pointer: "/routes", items: [] };
  return planNetwork({ networks: { pointer: "/networks", items }, routes });
}

Deno.test("names that were left out are the first that are free", () => {
  const veth = { type: "veth", bridge: "br0" } as const;
  const items = [veth, { ...veth, name: "eth1" }, { type: "loopback" } as const, veth];
  assertEquals(plan(items)?.networks.items.map(({ name }) => name), ["eth0", "eth1", "lo", "eth2"]);
  assertEquals(plan([]), undefined);
});

Deno.test("a container's group is large, positive, its own and not the bridges'", () => {
  const owners = Array.from({ length: 200 }, () => plan([{ type: "loopback" }])?.owner ?? 0);
  assert(owners.every((owner) => owner >= 2 ** 28 && owner < 2 ** 31 && owner !== BRIDGE_GROUP));
  assert(new Set(owners).size > 190);
});

Deno.test("a name that is taken is chosen anew ten times at most, a given one never", () => {
  const taken = new NetlinkError("RTM_NEWLINK", EEXIST);
  const names = new Set<string>();
  const make = (free: number) => () => {
    names.add(randomName("veth"));
    if (names.size < free) throw taken;
    return names.size;
  };
  assertEquals(withFreeName(make(3)), 3);
  names.clear();
  assertThrows(() => withFreeName(make(99)), NetlinkError, "EEXIST");
  assertEquals(names.size, 10);
  names.clear();
  assertThrows(() => withFreeName(make(99), () => true), NetlinkError);
  assertEquals(names.size, 1);
});

Deno.test("an interface's counters are its other end's, in sysfs and in the list", () => {
  const sys = Deno.makeTempDirSync({ prefix: "hull-test-" });
  try {
    const folder = `${sys}/class/net/veth0/statistics`;
    Deno.mkdirSync(folder, { recursive: true });
    ["bytes", "packets", "errors", "dropped"].forEach((name, k) => {
      Deno.writeTextFileSync(`${folder}/rx_${name}`, `${k + 1}\n`);
      Deno.writeTextFileSync(`${folder}/tx_${name}`, `${k + 11}\n`);
    });
    assertEquals(interfaceStats("veth0", sys), {
      ...{ name: "veth0", rxBytes: 11, rxPackets: 12, rxErrors: 13, rxDropped: 14 },
      ...{ txBytes: 1, txPackets: 2, txErrors: 3, txDropped: 4 },
    });
    // lo receives what it sends, so its two sides are the same, in this list as everywhere
    const lo = interfaceStats("lo", sys);
    assert(lo !== undefined && lo.rxBytes === lo.txBytes && lo.rxPackets === lo.txPackets);
    assertEquals(interfaceStats("nowhere", sys), undefined);
  } finally {
    Deno.removeSync(sys, { recursive: true });
  }
});

Deno.test("an unknown type of network is an error that says so", async () => {
  const { strategyOf } = await import("../../../../src/network/kinds/strategies.ts");
  const error = assertThrows(() => strategyOf("__proto__"), ContainerError);
  assertEquals([error.code, error.summary], ["ConfigInvalid", 'unknown network type "__proto__"']);
});
