/**
 * How a kind of interface gets into a container: each kind has a strategy.
 *
 * `create` works on the host and puts the interface into the container's network namespace under a
 * temporary name. `initialize` then sets it up there as the config asks. Both work through netlink
 * sockets while init waits for its config. So nothing has to be done inside the container, where it
 * could be watched.
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
  /**
   * Keeps a function that undoes a change which is not undone by removing the interfaces of the
   * group.
   */
  readonly onUndo: (undo: () => void) => void;
  /** Ends the work early. */
  readonly signal: AbortSignal | undefined;
}

/** An interface that was made. */
export interface Created {
  /** Its name in the container's namespace until it is initialized. */
  readonly inside: string;
  /** The name of its end on the host, if it has one. */
  readonly host?: string | undefined;
  /** Whether its network has no router whose advertisements should be accepted. */
  readonly isDeaf?: boolean | undefined;
}

/** A kind of interface; each network comes with the JSON pointer that errors name. */
export interface NetworkStrategy {
  /**
   * Makes the interface. If it fails, what it made is removed with the group.
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
