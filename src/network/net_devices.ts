/**
 * Moves network devices of the host into a container: `linux.netDevices`.
 *
 * The host's side does all of it while init waits for its config, so that later steps of init (a
 * sysctl of the device) find the devices in place. In the container's namespace it works through a
 * socket that belongs there; no thread of this program goes there.
 *
 * When the container is gone, the kernel itself moves real devices back to its first namespace and
 * removes virtual ones. If a start fails, hull gives its devices back as they were.
 *
 * Source: config-linux.md "Network Devices", network_namespaces(7).
 *
 * @module
 */

import { isSame } from "../../ffi/c/memory.ts";
import { ENODEV } from "../../ffi/c/errno.ts";
import { type Fd, open } from "../../ffi/files/file.ts";
import type { NetDevice } from "../config/types/config.ts";
import { codeOf, networkFailure } from "./links/failure.ts";
import { addAddress, type Address, isPermanentGlobal, listAddresses } from "./netlink/address.ts";
import { findLink, type Link, listLinks, moveLink, setLinkUp } from "./netlink/link.ts";
import { isRefusal, NetlinkError, RouteSocket } from "./netlink/socket.ts";

/** A device that was taken from the host, and its settings there. */
interface TakenDevice {
  readonly name: string;
  /** The host's link. */
  readonly link: Link;
  /** What goes with it. */
  readonly addresses: readonly Address[];
  /** Its number in the container's namespace, once it is there. */
  inside?: number;
}

/** The devices while they are moved; closing this leaves them where they are. */
export class NetDevices implements Disposable {
  readonly #stack = new DisposableStack();
  readonly #here: RouteSocket;
  readonly #there: RouteSocket;
  readonly #home: Fd;
  readonly #target: Fd;
  readonly #taken: TakenDevice[] = [];

  /**
   * Prepares for the container's namespace.
   *
   * @param target the fd of the namespace; it is closed here
   * @throws {ContainerError} `SystemError`
   */
  constructor(target: Fd) {
    using stack = new DisposableStack();
    this.#target = stack.use(target);
    try {
      this.#home = stack.use(open("/proc/thread-self/ns/net"));
      this.#here = stack.use(new RouteSocket());
      this.#there = stack.use(new RouteSocket(target));
    } catch (error) {
      throw networkFailure("cannot reach the container's network namespace", error);
    }
    this.#stack.use(stack.move());
  }

  /**
   * Moves the devices, in their order: each goes down, changes namespace and name in one request,
   * gets its permanent addresses of global scope back, which the kernel takes away on the way, and
   * comes up. What it is in hardware, and its MTU, stay.
   *
   * @throws {ContainerError} `SystemError` with the device's pointer; all devices are back then
   */
  move(devices: Readonly<Record<string, NetDevice>>): void {
    for (const [name, { name: inside = "" }] of Object.entries(devices)) {
      try {
        this.#move(name, inside === "" ? name : inside);
      } catch (error) {
        const lost = this.giveBack();
        const pointer = `/linux/netDevices/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const summary = `cannot move the network device ${name} into the container`;
        const hint = lost.length === 0
          ? HINTS[codeOf(error)]
          : `not given back to the host: ${lost.join(", ")}`;
        throw networkFailure(summary, error, { path: name, pointer, hint });
      }
    }
  }

  /**
   * Undoes it: each device gets its place and settings back, except routes over it.
   *
   * @returns the names of those that could not be given back
   */
  giveBack(): string[] {
    const lost: string[] = [];
    for (const device of this.#taken.splice(0).reverse()) {
      try {
        this.#giveBack(device);
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        lost.push(device.name);
      }
    }
    return lost;
  }

  /** Closes what it has open. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #move(name: string, wanted: string): void {
    const link = findLink(this.#here, name);
    if (link === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
    // Listed before the link goes down, since it then loses its IPv6 addresses.
    const addresses = listAddresses(this.#here, link.index).filter(isPermanentGlobal);
    const device: TakenDevice = { name, link, addresses };
    const before = new Set(listLinks(this.#there).map(({ index }) => index));
    this.#taken.push(device);
    setLinkUp(this.#here, link.index, false);
    try {
      moveLink(this.#here, link.index, this.#target, wanted);
    } finally {
      // Looked up after an error too: the device may have moved without getting its name.
      const found = newcomer(listLinks(this.#there), before, link);
      if (found !== undefined) device.inside = found.index;
    }
    const { inside } = device;
    if (inside === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV, "it is not there");
    const insideName = listLinks(this.#there).find(({ index }) => index === inside)?.name ?? wanted;
    for (const address of addresses) {
      addAddress(this.#there, placed(address, inside, name, insideName));
    }
    setLinkUp(this.#there, inside, true);
  }

  #giveBack({ name, link, addresses, inside }: TakenDevice): void {
    if (inside !== undefined) {
      setLinkUp(this.#there, inside, false);
      moveLink(this.#there, inside, this.#home, name);
    }
    const index = findLink(this.#here, name)?.index;
    if (index === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
    for (const address of addresses) {
      try {
        addAddress(this.#here, { ...address, index });
      } catch (error) {
        if (!isRefusal(error, "EEXIST")) throw error; // an address that it kept while it was down
      }
    }
    setLinkUp(this.#here, index, link.isUp);
  }
}

/**
 * Finds the link that came into a namespace. The kernel chose its number there and, for a template,
 * its name.
 *
 * @param links those that are there now
 * @param before the indices of those that were there before
 * @param link the link as it was where it came from
 */
export function newcomer(
  links: readonly Link[],
  before: ReadonlySet<number>,
  { address, kind }: Link,
): Link | undefined {
  return links.find((link) =>
    !before.has(link.index) && link.kind === kind && isSame(link.address, address)
  );
}

/** The address for the link inside; IPv4's label begins with the link's name. */
function placed(address: Address, index: number, from: string, to: string): Address {
  const { label } = address;
  if (label === undefined) return { ...address, index };
  const renamed = label === from || label.startsWith(`${from}:`)
    ? to + label.slice(from.length)
    : label;
  return { ...address, index, label: fits(renamed) ? renamed : to };
}

/** Whether a label is short enough: IFNAMSIZ, with the NUL at its end, applies to labels too. */
function fits(label: string): boolean {
  return new TextEncoder().encode(label).length < 16;
}

const HINTS: Readonly<Record<string, string>> = {
  ENODEV: "the device must be in the network namespace that hull runs in",
  EEXIST: "the container's network namespace has a device of that name",
};
