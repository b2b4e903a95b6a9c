/**
 * A bridge of hull's own in the kernel: made, recognized, and removed.
 *
 * @module
 */

import {
  type Cidr,
  formatCidr,
  formatIp,
  formatMac,
  parseCidr,
  parseMac,
} from "../../config/ip_address.ts";
import { ContainerError } from "../../errors.ts";
import { HULL_BRIDGE_GROUP } from "../links/bridge.ts";
import { makeDeaf } from "../links/deaf_interface.ts";
import { attempt } from "../links/failure.ts";
import { addAddress, listAddresses, newAddress } from "../netlink/address.ts";
import { createLink, deleteLink, findLink, type Link, setLinkUp } from "../netlink/link.ts";
import { listRoutes } from "../netlink/route.ts";
import { isRefusal, type RouteSocket } from "../netlink/socket.ts";
import {
  type BridgeRecord,
  type BridgeRecords,
  freeSubnet,
  gatewayOf,
  onNetwork,
  overlap,
  randomIpv6Subnet,
} from "./records.ts";
import { hasIpv6 } from "../links/sysctls.ts";

/**
 * Makes the record of a new bridge; the bridge itself is not made yet.
 *
 * @param subnet the addresses that were asked for
 * @throws {ContainerError} `SystemError` if the name or the addresses are taken
 */
export function newRecord(
  here: RouteSocket,
  name: string,
  subnet: Cidr | undefined,
  records: BridgeRecords,
): BridgeRecord {
  if (attempt("cannot look for the bridge", { path: name }, () => findLink(here, name))) {
    throw nameTaken(name);
  }
  const used = networksInUse(here, records);
  const chosen = subnet ?? freeSubnet(used);
  if (chosen === undefined) {
    throw subnetTaken("every network that hull chooses from overlaps the host's", "name one");
  }
  const other = used.find((each) => overlap(each, chosen));
  if (other !== undefined) {
    const what = `the network ${formatCidr(chosen)} overlaps ${formatCidr(other)}`;
    throw subnetTaken(`${what}, which the host has`, "choose another, or leave it out");
  }
  const text = formatCidr(chosen);
  const hardware = crypto.getRandomValues(new Uint8Array(6));
  hardware[0] = ((hardware[0] ?? 0) & 0xfe) | 2; // for one, and chosen locally
  return {
    hardwareAddress: formatMac(hardware),
    subnet: text,
    ...(hasIpv6() ? { ipv6Subnet: randomIpv6Subnet() } : {}),
    last: gatewayOf(text),
    leases: [],
  };
}

/**
 * The networks of the host's addresses and routes, without the default route, and of hull's
 * records.
 */
function networksInUse(here: RouteSocket, { bridges }: BridgeRecords): Cidr[] {
  const [addresses, routes] = attempt(
    "cannot list the host's networks",
    {},
    () => [listAddresses(here), listRoutes(here)] as const,
  );
  const cidr = (bytes: Uint8Array<ArrayBuffer>, prefixLength: number): Cidr => ({
    family: bytes.length === 4 ? 4 : 6,
    bytes,
    prefixLength,
  });
  return [
    ...addresses.map(({ local, prefixLength }) => cidr(local, prefixLength)),
    ...routes.flatMap(({ destination, prefixLength }) =>
      destination === undefined || prefixLength === 0 ? [] : [cidr(destination, prefixLength)]
    ),
    ...Object.values(bridges).map(({ subnet }) => parseCidr(subnet) as Cidr),
  ];
}

/**
 * Makes the bridge of a record, or the part of it that is missing.
 *
 * @throws {ContainerError} `SystemError`
 */
export function ensureBridge(here: RouteSocket, name: string, record: BridgeRecord): void {
  const subject = { path: name, pointer: "/network" };
  const found = attempt(`cannot look for the bridge ${name}`, subject, () => findLink(here, name));
  if (found !== undefined && !isOwn(found, record)) throw nameTaken(name);
  const { subnet, ipv6Subnet } = record;
  const wanted = [subnet, ...(ipv6Subnet === undefined ? [] : [ipv6Subnet])];
  if (found?.isUp && hasAll(here, found.index, wanted)) return;
  attempt(`cannot make the bridge ${name}`, subject, () => {
    if (found === undefined) {
      const address = parseMac(record.hardwareAddress);
      const group = HULL_BRIDGE_GROUP;
      createLink(here, { name, kind: "bridge", learnsLess: true, address, group });
    }
    const { index, isUp } = findLink(here, name) as Link;
    if (!isUp) makeDeaf(name, true);
    for (const network of wanted) {
      addIfMissing(here, index, parseCidr(onNetwork(bridgeAddress(network), network)) as Cidr);
    }
    setLinkUp(here, index, true);
  });
}

/** The address that the bridge has in a network: the first. */
export function bridgeAddress(network: string): string {
  if (!network.includes(":")) return gatewayOf(network);
  const bytes = Uint8Array.from((parseCidr(network) as Cidr).bytes);
  bytes[15] = 1;
  return formatIp(bytes);
}

/** Removes the bridge of a record. A bridge that is not hull's stays. */
export function removeBridge(here: RouteSocket, name: string, record: BridgeRecord): void {
  attempt(`cannot remove the bridge ${name}`, { path: name }, () => {
    const link = findLink(here, name);
    if (link === undefined || !isOwn(link, record)) return;
    try {
      deleteLink(here, link.index);
    } catch (error) {
      if (!isRefusal(error, "ENODEV")) throw error;
    }
  });
}

/** Whether the bridge of a record is there. */
export function hasBridge(here: RouteSocket, name: string, record: BridgeRecord): boolean {
  const find = () => findLink(here, name);
  const link = attempt(`cannot look for the bridge ${name}`, { path: name }, find);
  return link !== undefined && isOwn(link, record);
}

function isOwn({ kind, group, address }: Link, record: BridgeRecord): boolean {
  return kind === "bridge" && group === HULL_BRIDGE_GROUP &&
    formatMac(address) === record.hardwareAddress;
}

function hasAll(here: RouteSocket, index: number, networks: readonly string[]): boolean {
  const there = listAddresses(here, index).map(({ local }) => formatIp(local));
  return networks.every((network) => there.includes(bridgeAddress(network)));
}

function addIfMissing(here: RouteSocket, index: number, cidr: Cidr): void {
  try {
    addAddress(here, newAddress(index, cidr));
  } catch (error) {
    if (!isRefusal(error, "EEXIST")) throw error;
  }
}

function nameTaken(name: string): ContainerError {
  return new ContainerError("SystemError", `the host has an interface ${name} already`, {
    step: "network",
    errno: "EEXIST",
    path: name,
    pointer: "/network/bridge",
    hint: "it is not of this root folder's containers: choose another name for the bridge",
  });
}

function subnetTaken(summary: string, hint: string): ContainerError {
  return new ContainerError("SystemError", summary, {
    step: "network",
    errno: "EEXIST",
    pointer: "/network/subnet",
    hint,
  });
}
