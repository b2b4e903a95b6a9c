import { assert, assertEquals } from "@std/assert";
import {
  type Cidr,
  contains,
  formatCidr,
  parseCidr,
  parseIp,
} from "../../../../../src/config/ip_address.ts";
import {
  type BridgeRecord,
  freeAddress,
  freeSubnet,
  gatewayOf,
  hardwareAddressOf,
  ipv6Beside,
  type Lease,
  overlap,
  randomIpv6Subnet,
} from "../../../../../src/network/hull_bridge/records.ts";

const CREATOR = { pid: 1, startTime: 1, bootId: "" };

function lease(address: string): Lease {
  return { id: address, owner: 1, creator: CREATOR, address, ports: [] };
}

function record(subnet: string, last: string, ...taken: string[]): BridgeRecord {
  return { hardwareAddress: "", subnet, last, leases: taken.map(lease) };
}

function cidr(text: string): Cidr {
  return parseCidr(text) as Cidr;
}

Deno.test("addresses go round, and those that are taken are left out", () => {
  assertEquals(gatewayOf("10.88.0.0/16"), "10.88.0.1");
  assertEquals(freeAddress(record("10.88.0.0/16", "10.88.0.1")), "10.88.0.2");
  assertEquals(freeAddress(record("10.88.0.0/16", "10.88.0.255")), "10.88.1.0");
  assertEquals(freeAddress(record("10.88.0.0/29", "10.88.0.6")), "10.88.0.2");
  assertEquals(freeAddress(record("10.88.0.0/29", "10.88.0.6", "10.88.0.2")), "10.88.0.3");
  const full = ["10.88.0.2", "10.88.0.3", "10.88.0.4", "10.88.0.5", "10.88.0.6"];
  assertEquals(freeAddress(record("10.88.0.0/29", "10.88.0.4", ...full)), undefined);
  for (const [k, address] of full.entries()) {
    const others = full.toSpliced(k, 1);
    for (const last of full) {
      assertEquals(freeAddress(record("10.88.0.0/29", last, ...others)), address);
    }
  }
});

Deno.test("a network is given out to the last address, each once", () => {
  let now = record("192.168.7.0/24", "192.168.7.1");
  const seen = new Set<string>();
  for (let k = 0; k < 253; k++) {
    const address = freeAddress(now);
    if (address === undefined) throw new Error(`${k} addresses`);
    seen.add(address);
    now = { ...now, last: address, leases: [...now.leases, lease(address)] };
  }
  assertEquals([seen.size, freeAddress(now)], [253, undefined]);
  for (const not of ["192.168.7.0", "192.168.7.1", "192.168.7.255"]) assert(!seen.has(not));
});

Deno.test("networks that overlap are found, and free ones chosen", () => {
  assert(overlap(cidr("10.0.0.0/8"), cidr("10.88.0.0/16")));
  assert(overlap(cidr("10.88.7.9/32"), cidr("10.88.0.0/16")));
  assert(!overlap(cidr("10.88.0.0/16"), cidr("10.89.0.0/16")));
  assert(!overlap(cidr("fd00::/8"), cidr("10.88.0.0/16")));
  assertEquals(formatCidr(freeSubnet([]) as Cidr), "10.88.0.0/16");
  assertEquals(formatCidr(freeSubnet([cidr("10.0.0.0/8")]) as Cidr), "172.16.0.0/16");
  const all = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17"].map(cidr);
  assertEquals(formatCidr(freeSubnet(all) as Cidr), "192.168.128.0/24");
  assertEquals(freeSubnet([...all, cidr("192.168.0.0/16")]), undefined);
});

Deno.test("what is made of an address is one of its kind", () => {
  assertEquals(hardwareAddressOf("10.88.0.2"), "02:68:0a:58:00:02");
  const subnet = randomIpv6Subnet();
  assert(subnet.startsWith("fd") && subnet.endsWith("/64"));
  const address = parseIp(ipv6Beside("10.88.0.2", subnet));
  assert(address !== undefined && contains(cidr(subnet), address));
});
