/**
 * The routes of a container beside those of its interfaces' gateways: libcontainer's AddRoute.
 *
 * @module
 */

import { ENODEV } from "../../../ffi/c/errno.ts";
import { type Cidr, type IpAddress, parseCidr, parseIp } from "../../config/ip_address.ts";
import type { Route } from "../../config/types/network.ts";
import { attempt } from "../links/failure.ts";
import { addressFamily } from "../netlink/address.ts";
import { findLink } from "../netlink/link.ts";
import { addRoute, deleteRoute } from "../netlink/route.ts";
import { NetlinkError } from "../netlink/socket.ts";
import type { Place } from "./strategy.ts";

/**
 * Adds one. The kernel refuses a second of the same destination.
 *
 * @throws {ContainerError} `SystemError`
 */
export function addContainerRoute(
  { destination, source, gateway, interfaceName }: Route,
  pointer: string,
  { there, onUndo }: Pick<Place, "there" | "onUndo">,
): void {
  const index = interfaceName === undefined ? undefined : attempt(
    `the container has no interface ${interfaceName}`,
    { path: interfaceName, pointer: `${pointer}/interfaceName` },
    () => {
      const link = findLink(there, interfaceName);
      if (link === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
      return link.index;
    },
  );
  const to = read(parseCidr, destination);
  const from = read(parseIp, source);
  const by = read(parseIp, gateway);
  const path = destination ?? "default";
  attempt(`cannot add the route to ${path}`, { path, pointer, hint: HINT }, () => {
    const route = {
      family: addressFamily((to ?? by ?? from)?.family ?? 4),
      destination: to?.prefixLength === 0 ? undefined : to?.bytes,
      prefixLength: to?.prefixLength ?? 0,
      gateway: by?.bytes,
      source: from?.bytes,
      index,
    };
    addRoute(there, route);
    onUndo(() => deleteRoute(there, route));
  });
}

const HINT =
  "a gateway must be on a network of an interface that is up, a source one of its addresses";

function read<Ip extends IpAddress | Cidr>(
  parse: (text: string) => Ip | undefined,
  text: string | undefined,
): Ip | undefined {
  if (text === undefined) return undefined;
  const ip = parse(text);
  if (ip === undefined) throw new TypeError(`not an address: ${text}`);
  return ip;
}
