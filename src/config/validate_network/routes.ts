/**
 * Checks of the routes that a container is given.
 *
 * @module
 */

import { type Cidr, type IpAddress, maskByte, parseCidr, parseIp } from "../ip_address.ts";
import type { Route } from "../types/network.ts";
import type { Field } from "../fields/field.ts";
import { checkInterfaceName } from "../sections/network.ts";

const PROPERTIES: Readonly<Record<keyof Route, true>> = {
  destination: true,
  source: true,
  gateway: true,
  interfaceName: true,
};

/** A list of routes. */
export function checkRoutes(routes: Field): void {
  for (const route of routes.items()) if (route.isObject()) checkRoute(route);
}

function checkRoute(route: Field): void {
  for (const [name, field] of route.entries()) {
    if (!Object.hasOwn(PROPERTIES, name)) field.fault("is no property of a route");
  }
  const [destination, source, gateway] = ["destination", "source", "gateway"].map((name) =>
    route.get(name)
  ) as [Field, Field, Field];
  const link = route.get("interfaceName");
  checkInterfaceName(link, link.string());
  if (![destination, source, gateway].some(({ exists }) => exists)) {
    route.fault("needs one of destination, source and gateway");
  } else if (!gateway.exists && !link.exists) {
    route.fault("needs a gateway or an interfaceName, to say where packets go");
  }
  checkFamilies([
    [destination, readDestination(destination)],
    [source, readAddress(source)],
    [gateway, readAddress(gateway)],
  ]);
}

function readDestination(field: Field): Cidr | undefined {
  const text = field.string();
  if (text === undefined) return undefined;
  const cidr = parseCidr(text);
  if (cidr === undefined) return field.mismatch("a network such as 203.0.113.0/24");
  // the kernel refuses it without a word that one could understand
  if (hasHostBits(cidr)) field.fault(`has bits behind the network's ${cidr.prefixLength}: ${text}`);
  return cidr;
}

function readAddress(field: Field): IpAddress | undefined {
  const text = field.string();
  if (text === undefined) return undefined;
  return parseIp(text) ?? field.mismatch("an IP address without bits");
}

function checkFamilies(parts: readonly [Field, IpAddress | undefined][]): void {
  const known = parts.flatMap(([field, ip]) => ip === undefined ? [] : [{ field, ip }]);
  const [first, ...others] = known;
  for (const { field, ip } of others) {
    if (ip.family === first?.ip.family) continue;
    field.fault(`is IPv${ip.family}, but ${first?.field.pointer} is IPv${first?.ip.family}`);
  }
}

function hasHostBits({ bytes, prefixLength }: Cidr): boolean {
  return bytes.some((byte, k) => (byte & ~maskByte(prefixLength, k)) !== 0);
}
