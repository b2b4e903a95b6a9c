/**
 * How a container is connected: in one word, or with the settings of a bridge of hull's.
 *
 * @module
 */

/** The bridge that is used where none is named. */
export const DEFAULT_BRIDGE = "hull0";

/** A port of the host whose packets go to a container. */
export interface PublishedPort {
  /**
   * The address of the host that it is published on; by default, and with `0.0.0.0` and `::`, all
   * of them. With a loopback address only the host itself reaches it.
   */
  readonly hostIp?: string | undefined;
  /** The port on the host, 1 to 65535. */
  readonly hostPort: number;
  /** The port inside the container, 1 to 65535. */
  readonly containerPort: number;
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp" | undefined;
}

/** A private network behind a bridge that hull makes, and removes with the last container on it. */
export interface BridgeNetwork {
  /** The bridge's name; containers on the same bridge reach each other. Default `hull0`. */
  readonly bridge?: string | undefined;
  /**
   * The network's IPv4 addresses, such as `10.90.0.0/16`, chosen by the first container on it; by
   * default the first of hull's list that nothing on the host overlaps.
   */
  readonly subnet?: string | undefined;
  /**
   * Ports of the host that lead to it, as `[HOSTIP:]HOSTPORT:CONTAINERPORT[/tcp|udp]` or as
   * objects.
   */
  readonly publish?: readonly (string | PublishedPort)[] | undefined;
  /**
   * The only addresses that containers on the bridge may send to beside each other's, as `IP`,
   * `IP:PORT` or `[IPV6]:PORT`, chosen by the first container on it; by default all. With it, none
   * of the host's own addresses is reached unless it is named. What comes from outside, as by a
   * published port, is answered.
   */
  readonly allow?: readonly string[] | undefined;
}

/**
 * A network namespace of its own, connected by a program of the user, which must be installed: it
 * needs no root.
 */
export interface UserNetwork {
  /** The program: `pasta` (package passt), or `slirp4netns`, which publishes no ports. */
  readonly through: "pasta" | "slirp4netns";
  /** Ports of the host that lead to it, as for a {@linkcode BridgeNetwork}. */
  readonly publish?: readonly (string | PublishedPort)[] | undefined;
}

/**
 * How a container is connected:
 *
 * - `loopback`: a network namespace of its own with `lo` up; this is also the default;
 * - `none`: a network namespace of its own in which not even `lo` is up;
 * - `host`: no network namespace of its own; the container is in the network that hull is in;
 * - `bridge`, or a {@linkcode BridgeNetwork}: a network namespace of its own with an interface on a
 *   bridge that hull makes. The container has an address of its own and a default route; what it
 *   sends beyond the host goes out under the host's address;
 * - `pasta`, `slirp4netns`, or a {@linkcode UserNetwork}: a network namespace of its own, which that
 *   program connects through sockets of the user's own.
 */
export type NetworkMode =
  | "loopback"
  | "none"
  | "host"
  | "bridge"
  | "pasta"
  | "slirp4netns"
  | BridgeNetwork
  | UserNetwork;
