/**
 * How a kind of interface comes to a container: one strategy a kind.
 *
 * `create` works on the host and leaves the interface in the container's network namespace under a
 * name for the while; `initialize` makes of it there what the config wants. Both go through netlink
 * sockets while init waits for its config, so that nothing of it has to be done, or could be watched,
 * inside.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import type { NamedNetwork } from "../../config/types/network.ts";
import type { RouteSocket } from "../netlink/socket.ts";

/** Where an interface is made. */
export interface Place {
  /** A socket of the host's network namespace, the one that this program is in. */
  readonly here: RouteSocket;
  /** A socket of the container's. */
  readonly there: RouteSocket;
  /** The container's network namespace. */
  readonly namespace: Fd;
  /** The group of all that is made. */
  readonly owner: number;
  /** Keeps what undoes a change that does not go with the interfaces of the group. */
  readonly onUndo: (undo: () => void) => void;
  /** Cuts the making short. */
  readonly signal: AbortSignal | undefined;
}

/** An interface that was made. */
export interface Created {
  /** Its name in the container's namespace until it is initialized. */
  readonly inside: string;
  /** The name of its end on the host, if it has one. */
  readonly host?: string | undefined;
  /** Whether no router is on its network whose advice would be worth hearing. */
  readonly isDeaf?: boolean | undefined;
}

/** A kind of interface; each network comes with the JSON pointer that errors name. */
export interface NetworkStrategy {
  /**
   * Makes the interface; what fails leaves what it made to the group's removal.
   *
   * @throws {ContainerError} `SystemError`
   */
  create(network: NamedNetwork, pointer: string, place: Place): Promise<Created>;
  /**
   * Names it, gives it its addresses and routes and brings it up.
   *
   * @throws {ContainerError} `SystemError`
   */
  initialize(network: NamedNetwork, pointer: string, created: Created, place: Place): void;
  /**
   * Plugs a made interface into its bridge.
   *
   * @throws {ContainerError} `SystemError`
   */
  attach(network: NamedNetwork, pointer: string, here: RouteSocket): void;
  /**
   * Takes it off the bridge; it stays as it is.
   *
   * @throws {ContainerError} `SystemError`
   */
  detach(network: NamedNetwork, pointer: string, here: RouteSocket): void;
}
