/**
 * The network of a container as libcontainer had it: interfaces that are made for it, and routes.
 *
 * They are not a part of the runtime-spec's config.json. A program gives them to `Factory.create`.
 * A bundle can give them as JSON in two annotations, {@linkcode NETWORKS_ANNOTATION} and {@linkcode
 * ROUTES_ANNOTATION}, which count only if hull's caller allows that.
 *
 * @module
 */

/** The annotation of config.json that holds a JSON array of {@linkcode Network}. */
export const NETWORKS_ANNOTATION = "org.hull.networks";
/** The annotation of config.json that holds a JSON array of {@linkcode Route}. */
export const ROUTES_ANNOTATION = "org.hull.routes";

/** The kinds of interfaces. */
export const NETWORK_TYPES = ["loopback", "veth", "macvlan", "ipvlan"] as const;
/** How the interfaces of one parent reach each other: macvlan. */
export const MACVLAN_MODES = ["bridge", "private", "vepa", "passthru"] as const;
/** On which layer the interfaces of one parent are separated: ipvlan. */
export const IPVLAN_MODES = ["l2", "l3", "l3s"] as const;

/** What an interface is, one of {@linkcode NETWORK_TYPES}. */
export type NetworkType = typeof NETWORK_TYPES[number];
/** The mode of a macvlan, one of {@linkcode MACVLAN_MODES}. */
export type MacvlanMode = typeof MACVLAN_MODES[number];
/** The mode of an ipvlan, one of {@linkcode IPVLAN_MODES}. */
export type IpvlanMode = typeof IPVLAN_MODES[number];

/** One interface of a container. */
export interface Network {
  /**
   * What it is: `loopback` brings `lo` up, and takes no other property; `veth` is a pair with one
   * end on a bridge; `macvlan` and `ipvlan` share an interface of the host.
   */
  readonly type: NetworkType;
  /** Its name inside, at most 15 bytes; default `eth0`, or the next that is free. */
  readonly name?: string | undefined;
  /** veth: the bridge on the host that the other end joins. */
  readonly bridge?: string | undefined;
  /**
   * veth: make the bridge if there is none. A bridge that hull made is removed with the last
   * interface on it.
   */
  readonly createBridge?: boolean | undefined;
  /** Its hardware address, such as `02:42:ac:11:00:02`; not for ipvlan, which has its parent's. */
  readonly macAddress?: string | undefined;
  /** Its IPv4 address with the bits of the network, such as `198.51.100.2/24`. */
  readonly address?: string | undefined;
  /** The default route's next hop, reachable by `address`. */
  readonly gateway?: string | undefined;
  /** Its IPv6 address with the bits of the network; usable at once (no duplicate detection). */
  readonly ipv6Address?: string | undefined;
  /** The IPv6 default route's next hop, reachable by `ipv6Address`, or a link-local one. */
  readonly ipv6Gateway?: string | undefined;
  /** The largest packet in bytes, for both ends of a pair; 0 is the kernel's default. */
  readonly mtu?: number | undefined;
  /** How many packets wait to be sent, at both ends of a pair; 0 is the kernel's default. */
  readonly txQueueLen?: number | undefined;
  /** veth: the name of the end on the host; by default a random one, `veth` and 7 digits. */
  readonly hostInterfaceName?: string | undefined;
  /** veth: the bridge may send a packet back to where it came from. */
  readonly hairpinMode?: boolean | undefined;
  /** macvlan, ipvlan: the host's interface that is shared. */
  readonly parent?: string | undefined;
  /** macvlan: default `bridge`; ipvlan: default `l2`. */
  readonly mode?: MacvlanMode | IpvlanMode | undefined;
}

/** A route inside the container; at least one of destination, source and gateway is given. */
export interface Route {
  /** Where to: a network such as `203.0.113.0/24`; by default everywhere. */
  readonly destination?: string | undefined;
  /** The address that packets are sent from: one of the container's. */
  readonly source?: string | undefined;
  /** The next hop; without it `destination` is on the interface's own network. */
  readonly gateway?: string | undefined;
  /** The interface inside; by default the one by which the gateway is reached. */
  readonly interfaceName?: string | undefined;
}

/** A list as it was given, with its JSON pointer. */
export interface PlacedList<Item> {
  readonly pointer: string;
  readonly items: readonly Item[];
}

/** An interface whose name inside is settled. */
export interface NamedNetwork extends Network {
  /** Its name inside: the one that was asked for, or the first free one of `eth0`, `eth1`, …. */
  readonly name: string;
}

/** A container's network as its state keeps it. */
export interface ContainerNetwork {
  /**
   * The group (ip-link(8), IFLA_GROUP) of the links that are made for the container, chosen before
   * the first of them is made. When the container is removed, hull removes the links of this group,
   * even those that were renamed.
   */
  readonly owner: number;
  readonly networks: PlacedList<NamedNetwork>;
  readonly routes: PlacedList<Route>;
}
