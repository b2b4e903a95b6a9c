/**
 * One lease: the part of a bridge's record that belongs to a container.
 *
 * @module
 */

import type { NamedNetwork } from "../../config/types/network.ts";
import type { CheckedBridge } from "../../config/validate_network/network_mode.ts";
import { ContainerError } from "../../errors.ts";
import { bridgeAddress } from "./link.ts";
import {
  type BridgeRecord,
  freeAddress,
  hardwareAddressOf,
  ipv6Beside,
  type Lease,
  onNetwork,
} from "./records.ts";
import { forwardsIpv6 } from "../links/sysctls.ts";

/** For whom an address is taken. */
export interface LeaseRequest extends Pick<Lease, "id" | "owner" | "creator"> {
  readonly network: CheckedBridge;
}

/** An address that was taken. */
export interface TakenLease {
  /** The interface that has it, as it is to be made. */
  readonly interface: NamedNetwork;
  /** The container's addresses, without the bits of their networks. */
  readonly addresses: readonly string[];
}

/**
 * A lease of a free address.
 *
 * @throws {ContainerError} `SystemError` if there is none, or none of the kind that a port needs
 */
export function newLease(
  { id, owner, creator, network: { ports } }: LeaseRequest,
  record: BridgeRecord,
  name: string,
): Lease {
  const address = freeAddress(record);
  if (address === undefined) {
    throw new ContainerError("SystemError", `all addresses of ${record.subnet} are taken`, {
      step: "network",
      path: name,
      pointer: "/network",
      hint: "delete containers, or use a further bridge",
    });
  }
  const { ipv6Subnet } = record;
  const ipv6 = ipv6Subnet === undefined ? {} : { ipv6Address: ipv6Beside(address, ipv6Subnet) };
  requireAddressed(ports, ipv6Subnet);
  return { id, owner, creator, address, ...ipv6, ports };
}

/**
 * Refuses a port on an IPv6 address if the container has no IPv6 address to which it could lead.
 */
function requireAddressed(ports: Lease["ports"], ipv6Subnet: string | undefined): void {
  const at = ipv6Subnet === undefined ? ports.findIndex(({ hostIp }) => hostIp?.includes(":")) : -1;
  if (at < 0) return;
  throw new ContainerError("SystemError", "the network has no IPv6 to publish a port on", {
    step: "network",
    errno: "EAFNOSUPPORT",
    pointer: `/network/publish/${at}`,
    hint: "the host has IPv6 switched off (net.ipv6.conf.all.disable_ipv6)",
  });
}

/** What a lease means for its container. */
export function describe(
  lease: Lease,
  { subnet, ipv6Subnet }: BridgeRecord,
  name: string,
): TakenLease {
  const { address, ipv6Address } = lease;
  const ipv6 = ipv6Address === undefined || ipv6Subnet === undefined ? {} : {
    ipv6Address: onNetwork(ipv6Address, ipv6Subnet),
    ...(forwardsIpv6() ? { ipv6Gateway: bridgeAddress(ipv6Subnet) } : {}),
  };
  return {
    interface: {
      type: "veth",
      name: "eth0",
      bridge: name,
      hairpinMode: true,
      macAddress: hardwareAddressOf(address),
      address: onNetwork(address, subnet),
      gateway: bridgeAddress(subnet),
      ...ipv6,
    },
    addresses: [address, ...(ipv6Address === undefined ? [] : [ipv6Address])],
  };
}
