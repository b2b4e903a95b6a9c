/**
 * Checks of the interfaces and routes that a container is given, by a program or by the annotations
 * of config.json.
 *
 * @module
 */

import { isSame } from "../../../ffi/c/memory.ts";
import { type Cidr, contains, parseCidr, parseIp, parseMac } from "../ip_address.ts";
import {
  IPVLAN_MODES,
  MACVLAN_MODES,
  type Network,
  NETWORK_TYPES,
  NETWORKS_ANNOTATION,
  type NetworkType,
  type PlacedList,
  type Route,
  ROUTES_ANNOTATION,
} from "../types/network.ts";
import { Field, MAX_UINT32, type Report } from "../fields/field.ts";
import { namespaceSet } from "../validate/namespaces.ts";
import { checkInterfaceName } from "../sections/network.ts";
import { checkRoutes } from "./routes.ts";
import { cleanCopy } from "../fields/strings.ts";

/** What a program gives. It takes precedence over the annotations. */
export interface GivenNetworks {
  readonly networks?: readonly Network[] | undefined;
  readonly routes?: readonly Route[] | undefined;
  /** Whether the annotations count for lists that are not given. */
  readonly networksFromAnnotations?: boolean | undefined;
}

/** Lists that passed the check. */
export interface CheckedNetworks {
  readonly networks: PlacedList<Network>;
  readonly routes: PlacedList<Route>;
}

/** The kernel's smallest for IPv4 (ETH_MIN_MTU) and for IPv6 (IPV6_MIN_MTU), and IP's largest. */
const MTU = { least: 68, leastIpv6: 1280, most: 65_535 } as const;

const ANY: readonly NetworkType[] = ["veth", "macvlan", "ipvlan"];
/** Which kinds have a property. */
const PROPERTIES: Readonly<Record<Exclude<keyof Network, "type">, readonly NetworkType[]>> = {
  name: ANY,
  bridge: ["veth"],
  createBridge: ["veth"],
  macAddress: ["veth", "macvlan"],
  address: ANY,
  gateway: ANY,
  ipv6Address: ANY,
  ipv6Gateway: ANY,
  mtu: ANY,
  txQueueLen: ANY,
  hostInterfaceName: ["veth"],
  hairpinMode: ["veth"],
  parent: ["macvlan", "ipvlan"],
  mode: ["macvlan", "ipvlan"],
};

/**
 * Checks both lists, and that the container has a network namespace for them. What is returned is
 * good if the report has no fault.
 *
 * @param document the whole config
 */
export function checkNetworks(
  report: Report,
  document: Field,
  given: GivenNetworks,
): CheckedNetworks {
  const networks = givenList(report, document, "networks", given);
  const routes = givenList(report, document, "routes", given);
  const seen = new Seen();
  for (const item of networks.items()) checkNetwork(item, seen);
  checkRoutes(routes);
  const lists = [networks, routes].filter((list) => list.items().length > 0);
  if (!namespaceSet(document.get("linux")).has("network")) {
    for (const list of lists) list.fault("needs a network namespace in linux.namespaces");
  }
  return {
    networks: { pointer: networks.pointer, items: (networks.value ?? []) as Network[] },
    routes: { pointer: routes.pointer, items: (routes.value ?? []) as Route[] },
  };
}

const ANNOTATIONS = { networks: NETWORKS_ANNOTATION, routes: ROUTES_ANNOTATION } as const;

/** The list that counts: the program's, or else the annotation's if that is allowed. */
function givenList(
  report: Report,
  document: Field,
  what: "networks" | "routes",
  given: GivenNetworks,
): Field {
  if (given[what] !== undefined || given.networksFromAnnotations !== true) {
    return new Field(report, `/${what}`, cleanCopy(given[what], report, `/${what}`));
  }
  const annotation = document.get("annotations").get(ANNOTATIONS[what]);
  const { pointer, value: text } = annotation;
  if (typeof text !== "string") return new Field(report, pointer, undefined); // told elsewhere
  try {
    return new Field(report, pointer, cleanCopy(JSON.parse(text) as unknown, report, pointer));
  } catch (error) {
    annotation.fault(`is not JSON: ${(error as Error).message}`);
    return new Field(report, pointer, undefined);
  }
}

/** Names or places that may appear only once. */
class Seen {
  readonly #places = new Map<string, string>();

  /** Notes a fault if a thing of a kind was there before. */
  check(field: Field, kind: string, thing: unknown): void {
    if (thing === undefined) return;
    const key = `${kind} ${JSON.stringify(thing)}`;
    const first = this.#places.get(key);
    if (first !== undefined) field.fault(`is the ${kind} of two: see ${first}`);
    else this.#places.set(key, field.pointer);
  }
}

function checkNetwork(network: Field, seen: Seen): void {
  if (!network.isObject()) return;
  const type = network.need("type").oneOf(NETWORK_TYPES);
  if (type === "loopback") seen.check(network, "loopback interface", "lo");
  checkProperties(network, type);
  if (type === "loopback") return; // what else is given has no effect
  checkNames(network, type, seen);
  checkMac(network.get("macAddress"));
  checkAddress(network, { address: "address", gateway: "gateway", family: 4 }, seen);
  checkAddress(network, { address: "ipv6Address", gateway: "ipv6Gateway", family: 6 }, seen);
  checkSizes(network);
  for (const name of ["createBridge", "hairpinMode"]) network.get(name).boolean();
  if (type === "macvlan") network.get("mode").oneOf(MACVLAN_MODES);
  if (type === "ipvlan") network.get("mode").oneOf(IPVLAN_MODES);
}

/**
 * An unknown property is an error here, since the format is hull's own: it can only be a mistake.
 */
function checkProperties(network: Field, type: NetworkType | undefined): void {
  for (const [name, field] of network.entries()) {
    if (name === "type") continue;
    const kinds = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name as "name"] : undefined;
    if (kinds === undefined) field.fault("is no property of a network");
    else if (type === "loopback") field.warn("has no effect: loopback only brings lo up");
    else if (type !== undefined && !kinds.includes(type)) {
      field.fault(`is not for ${type}, but for ${kinds.join(" and ")}`);
    }
  }
}

function checkNames(network: Field, type: NetworkType | undefined, seen: Seen): void {
  for (const name of ["name", "hostInterfaceName", "bridge", "parent"]) {
    checkFixedName(network.get(name));
  }
  const name = network.get("name");
  if (name.value === "lo") name.fault("is the loopback interface's");
  seen.check(name, "name", name.value);
  const host = network.get("hostInterfaceName");
  seen.check(host, "name on the host", host.value);
  if (type === "veth") network.need("bridge", "is required: the bridge that the host's end joins");
  if (type === "macvlan" || type === "ipvlan") {
    network.need("parent", "is required: the interface of the host that is shared");
  }
}

/**
 * The kernel replaces a `%d` in a name by a number, so the interface would not have the name that
 * was given.
 */
function checkFixedName(field: Field): void {
  const name = field.string();
  if (name?.includes("%")) field.fault(`must be a name as it is, without "%": ${name}`);
  checkInterfaceName(field, name);
}

function checkMac(field: Field): void {
  const text = field.string();
  if (text === undefined) return;
  const bytes = parseMac(text);
  if (bytes === undefined) {
    field.mismatch("a hardware address such as 02:42:ac:11:00:02");
  } else if (((bytes[0] ?? 0) & 1) !== 0) {
    field.fault(`must not be a multicast address: ${text}`);
  } else if (bytes.every((byte) => byte === 0)) {
    field.fault("must not be all zeros");
  }
}

/** The names of an address's and of its gateway's property. */
interface AddressNames {
  readonly address: string;
  readonly gateway: string;
  readonly family: 4 | 6;
}

function checkAddress(network: Field, { address, gateway, family }: AddressNames, seen: Seen) {
  const field = network.get(address);
  const text = field.string();
  const cidr = text === undefined ? undefined : parseCidr(text);
  if (text !== undefined && cidr === undefined) {
    field.mismatch(`an address with its network's bits, such as ${EXAMPLES[family]}`);
  } else if (cidr !== undefined && cidr.family !== family) {
    field.fault(`must be an IPv${family} address, not IPv${cidr.family}`);
  }
  checkGateway(network.get(gateway), { of: address, cidr, isThere: field.exists, family }, seen);
}

const EXAMPLES = { 4: "198.51.100.2/24", 6: "2001:db8::2/64" } as const;

/** What is known of the address that a gateway belongs to. */
interface Reach {
  readonly of: string;
  readonly cidr: Cidr | undefined;
  readonly isThere: boolean;
  readonly family: 4 | 6;
}

function checkGateway(field: Field, { of, cidr, isThere, family }: Reach, seen: Seen): void {
  const text = field.string();
  if (text === undefined) return;
  seen.check(field, `default IPv${family} route`, "");
  if (!isThere) return field.fault(`needs ${of}, by which it is reached`);
  const gateway = parseIp(text);
  if (gateway === undefined) return void field.mismatch("an IP address");
  if (gateway.family !== family) return field.fault(`must be an IPv${family} address: ${text}`);
  if (cidr === undefined || cidr.family !== family || isLinkLocal(gateway.bytes)) return;
  if (!contains(cidr, gateway)) field.fault(`is not in the network of ${of}: ${text}`);
  else if (isSame(gateway.bytes, cidr.bytes)) field.fault(`is the interface's own ${of}: ${text}`);
}

/** fe80::/10, which every link has. */
function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function checkSizes(network: Field): void {
  const mtu = network.get("mtu");
  const size = mtu.integer(0, MTU.most);
  const hasIpv6 = network.get("ipv6Address").exists;
  const least = hasIpv6 ? MTU.leastIpv6 : MTU.least;
  if (size !== undefined && size !== 0 && size < least) {
    mtu.fault(`must be 0 or at least ${least}${hasIpv6 ? ", as IPv6 needs" : ""}: ${size}`);
  }
  network.get("txQueueLen").integer(0, MAX_UINT32);
}
