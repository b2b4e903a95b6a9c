/**
 * Initializes an interface of any kind, once it is in the container's namespace.
 *
 * @module
 */

import { ENODEV } from "../../../ffi/c/errno.ts";
import { parseCidr, parseIp, parseMac } from "../../config/ip_address.ts";
import type { NamedNetwork } from "../../config/types/network.ts";
import { makeDeafIn } from "../links/deaf_interface.ts";
import { attempt, codeOf, networkFailure, type Subject } from "../links/failure.ts";
import { addAddress, addressFamily, newAddress } from "../netlink/address.ts";
import { changeLink, findLink } from "../netlink/link.ts";
import { addRoute } from "../netlink/route.ts";
import { NetlinkError, type RouteSocket } from "../netlink/socket.ts";
import type { Created, Place } from "./strategy.ts";

/** A size that is given: 0 is the kernel's own choice. */
export function given(size: number | undefined): number | undefined {
  return size === 0 ? undefined : size;
}

/**
 * Initializes an interface: name, hardware address, addresses, MTU, up, default routes, in
 * libcontainer's order.
 *
 * @throws {ContainerError} `SystemError`
 */
export function initializeInterface(
  network: NamedNetwork,
  pointer: string,
  { inside, isDeaf }: Created,
  { there, namespace }: Pick<Place, "there" | "namespace">,
): void {
  const { name } = network;
  const about = (field: string): Subject => ({ path: name, pointer: `${pointer}/${field}` });
  const index = attempt(`the container's interface ${name} is gone`, about("name"), () => {
    const link = findLink(there, inside);
    if (link === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
    changeLink(there, link.index, { isUp: false }); // an interface that is up can't get a name or address
    return link.index;
  });
  rename(network, about("name"), index, there);
  const { macAddress, mtu } = network;
  if (macAddress !== undefined) {
    attempt(`cannot set the hardware address ${macAddress}`, about("macAddress"), () => {
      changeLink(there, index, { address: parseMac(macAddress) });
    });
  }
  for (const field of ["address", "ipv6Address"] as const) {
    const text = network[field];
    if (text !== undefined) give(text, about(field), index, there);
  }
  if (given(mtu) !== undefined) {
    attempt(`cannot set the MTU ${mtu}`, about("mtu"), () => changeLink(there, index, { mtu }));
  }
  if (isDeaf) makeDeafIn(namespace, name);
  attempt(`cannot bring ${name} up`, { path: name, pointer }, () => {
    changeLink(there, index, { isUp: true });
  });
  for (const field of ["gateway", "ipv6Gateway"] as const) {
    const text = network[field];
    if (text !== undefined) routeBy(text, about(field), index, there);
  }
}

function rename({ name }: NamedNetwork, subject: Subject, index: number, there: RouteSocket): void {
  try {
    changeLink(there, index, { name });
  } catch (error) {
    const hint = codeOf(error) === "EEXIST"
      ? "the container's network namespace has an interface of that name"
      : undefined;
    throw networkFailure(`cannot name the interface ${name}`, error, { ...subject, hint });
  }
}

function give(text: string, subject: Subject, index: number, there: RouteSocket): void {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new TypeError(`not an address: ${text}`);
  attempt(`cannot give the address ${text}`, subject, () => {
    addAddress(there, newAddress(index, cidr));
  });
}

function routeBy(text: string, subject: Subject, index: number, there: RouteSocket): void {
  const gateway = parseIp(text);
  if (gateway === undefined) throw new TypeError(`not an address: ${text}`);
  attempt(`cannot make ${text} the default gateway`, subject, () => {
    const family = addressFamily(gateway.family);
    addRoute(there, { family, prefixLength: 0, gateway: gateway.bytes, index });
  });
}
