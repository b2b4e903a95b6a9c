/**
 * The interfaces and routes of one container. They are made in order, all undone after a failure,
 * and what is left of them is removed with the container.
 *
 * All links carry the container's group from the moment when they exist, and the group is stored in
 * the container's state before that. So this program, or one that cleans up after a killed one, can
 * tell the container's links by their group, and never removes a link of somebody else's that has
 * the same name.
 *
 * @module
 */

import { type Fd, O_NONBLOCK, O_RDONLY, open } from "../../ffi/files/file.ts";
import type { CheckedNetworks } from "../config/validate_network/networks.ts";
import type { ContainerNetwork, NamedNetwork } from "../config/types/network.ts";
import { BRIDGE_GROUP, lockBridges, removeUnusedBridge } from "./links/bridge.ts";
import { attempt } from "./links/failure.ts";
import { deleteLink, findLink, type Link, listLinks } from "./netlink/link.ts";
import { isRefusal, NetlinkError, RouteSocket } from "./netlink/socket.ts";
import { addContainerRoute } from "./kinds/routes.ts";
import { strategyOf } from "./kinds/strategies.ts";
import type { Place } from "./kinds/strategy.ts";

/**
 * Plans a container's network before anything of it is made: chooses the names that were left out,
 * and the group of its links.
 *
 * @returns undefined if there is nothing to make
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planNetwork } from "./container_network.ts";
 *
 * const networks = [{ type: "veth", bridge: "br0" }, { type: "loopback" }] as const;
 * const plan = planNetwork({
 *   networks: { pointer: "/networks", items: networks },
 *   routes: { pointer: "/routes", items: [] },
 * });
 * assertEquals(plan?.networks.items.map(({ name }) => name), ["eth0", "lo"]);
 * ```
 */
export function planNetwork({ networks, routes }: CheckedNetworks): ContainerNetwork | undefined {
  if (networks.items.length + routes.items.length === 0) return undefined;
  const taken = new Set(networks.items.map(({ name }) => name));
  const items = networks.items.map((network): NamedNetwork => {
    const name = network.type === "loopback" ? "lo" : network.name ?? freeName(taken);
    taken.add(name);
    return { ...network, name };
  });
  return { owner: randomOwner(), networks: { ...networks, items }, routes };
}

function freeName(taken: ReadonlySet<string | undefined>): string {
  for (let k = 0;; k++) if (!taken.has(`eth${k}`)) return `eth${k}`;
}

/**
 * A group that an administrator would not choose (those are small numbers) and that is not the
 * group of hull's bridges.
 */
function randomOwner(): number {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  const owner = 0x1000_0000 + (number & 0x3fff_ffff);
  return owner === BRIDGE_GROUP ? owner + 1 : owner;
}

/** The making of a container's network, while its init waits. */
export class NetworkSetup implements Disposable {
  readonly #stack = new DisposableStack();
  readonly #place: Place;
  readonly #undo: (() => void)[] = [];
  #network: ContainerNetwork;

  /**
   * Prepares for the container's namespace.
   *
   * @param namespace its fd, which is closed here
   * @throws {ContainerError} `SystemError`
   */
  constructor(namespace: Fd, network: ContainerNetwork, signal?: AbortSignal) {
    using stack = new DisposableStack();
    stack.use(namespace);
    const { here, there } = attempt("cannot reach the container's network namespace", {}, () => ({
      here: stack.use(new RouteSocket()),
      there: stack.use(new RouteSocket(namespace)),
    }));
    const onUndo = (undo: () => void): void => void this.#undo.push(undo);
    this.#place = { here, there, namespace, owner: network.owner, onUndo, signal };
    this.#network = network;
    this.#stack.use(stack.move());
  }

  /** The network with the names that the ends on the host have got. */
  get network(): ContainerNetwork {
    return this.#network;
  }

  /**
   * Makes the interfaces, in their order.
   *
   * @throws {ContainerError} `SystemError` with the pointer of what failed; call `undo` then
   * @throws the signal's reason; call `undo` then, too
   */
  async make(): Promise<void> {
    const { pointer, items } = this.#network.networks;
    for (const [k, network] of items.entries()) {
      const strategy = strategyOf(network.type);
      const at = `${pointer}/${k}`;
      const created = await strategy.create(network, at, this.#place);
      if (created.host !== undefined) this.#note(k, created.host);
      strategy.initialize(network, at, created, this.#place);
    }
  }

  /**
   * Adds the routes, in their order.
   *
   * @throws {ContainerError} `SystemError` with the pointer of what failed; call `undo` then
   */
  addRoutes(): void {
    const { pointer, items } = this.#network.routes;
    items.forEach((route, k) => addContainerRoute(route, `${pointer}/${k}`, this.#place));
  }

  /** Removes everything again. What the kernel refuses to remove stays, and nothing is thrown. */
  async undo(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) tolerant(undo);
    tolerant(() => removeGroup(this.#place.there, this.#network.owner));
    await removeOnHost(this.#place.here, this.#network, tolerant);
  }

  /** Closes what it has open; what was made stays. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #note(index: number, hostInterfaceName: string): void {
    const { networks } = this.#network;
    const items = networks.items.map((item, k) =>
      k === index ? { ...item, hostInterfaceName } : item
    );
    this.#network = { ...this.#network, networks: { ...networks, items } };
  }
}

/** Ignores errors: the caller already gets the first failure, and this only undoes its work. */
function tolerant(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
}

/**
 * Plugs a container's interfaces into their bridges, or takes them off.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function plugNetwork(
  { networks: { pointer, items } }: ContainerNetwork,
  how: "attach" | "detach",
  signal?: AbortSignal,
): Promise<void> {
  using here = attempt("cannot open a netlink socket", { pointer }, () => new RouteSocket());
  using _lock = await lockBridges(signal);
  items.forEach((network, k) => {
    strategyOf(network.type)[how](network, `${pointer}/${k}`, here);
  });
}

/** Which links of a container have to be removed, and where. */
export interface Leftover {
  readonly network: ContainerNetwork;
  /** The path of the network namespace that the container joined, which lives on. */
  readonly joined: string | undefined;
  /** Whether the names of the ends on the host were written into the state. */
  readonly isNamed: boolean;
}

/**
 * Removes what is left of a container's network: the ends on the host, which the kernel would only
 * remove some time after the container's namespace; what the container had in a namespace that
 * lives on; and bridges of hull's that have no more interfaces.
 *
 * @throws {ContainerError} `SystemError`
 */
export async function removeNetwork({ network, joined, isNamed }: Leftover): Promise<void> {
  if (joined !== undefined) removeInside(joined, network.owner);
  const subject = { pointer: network.networks.pointer };
  using here = attempt("cannot open a netlink socket", subject, () => new RouteSocket());
  const removing = (work: () => void) =>
    attempt("cannot remove the container's interfaces", subject, work);
  await removeOnHost(here, network, removing, isNamed);
}

async function removeOnHost(
  here: RouteSocket,
  { owner, networks }: ContainerNetwork,
  wrapped: (work: () => void) => void,
  isNamed = false,
): Promise<void> {
  const pairs = networks.items.filter(({ type }) => type === "veth");
  if (pairs.length === 0) return;
  using _lock = await lockBridges();
  wrapped(() => {
    const names = pairs.flatMap(({ hostInterfaceName: name }) => name === undefined ? [] : [name]);
    // Asking for single links is quicker: with many containers the list of all links is long.
    if (isNamed && names.length === pairs.length) {
      for (const name of names) remove(here, findLink(here, name), owner);
    } else removeGroup(here, owner);
  });
  for (const name of new Set(pairs.map(({ bridge = "" }) => bridge))) {
    wrapped(() => removeUnusedBridge(here, name));
  }
}

/**
 * Removes the container's links in a namespace. One that has gone, or that can't be opened, is
 * skipped.
 */
function removeInside(path: string, owner: number): void {
  let there: RouteSocket;
  try {
    using namespace = open(path, O_RDONLY | O_NONBLOCK); // a fifo would hold up whoever opens it
    there = new RouteSocket(namespace);
  } catch (error) {
    if (["ENOENT", "EINVAL", "ESRCH", "EACCES"].some((code) => isRefusal(error, code))) return;
    throw error;
  }
  using socket = there;
  attempt("cannot remove the container's interfaces", { path }, () => removeGroup(socket, owner));
}

function removeGroup(socket: RouteSocket, owner: number): void {
  for (const link of listLinks(socket)) remove(socket, link, owner);
}

/** Another program may have removed it since. */
function remove(socket: RouteSocket, link: Link | undefined, owner: number): void {
  if (link?.group !== owner) return;
  try {
    deleteLink(socket, link.index);
  } catch (error) {
    if (!isRefusal(error, "ENODEV")) throw error;
  }
}
