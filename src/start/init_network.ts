/**
 * What the host's side does in a container's network namespace while init waits; loaded only if it
 * does something. It works through sockets of that namespace; no thread of this program goes there.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import type { Fd } from "../../ffi/files/file.ts";
import type { ContainerNetwork } from "../config/types/network.ts";
import type { Linux } from "../config/types/config.ts";
import { openJoined } from "../namespaces/joined_namespaces.ts";
import type { NetworkSetup } from "../network/container_network.ts";
import type { NetDevices } from "../network/net_devices.ts";
import { lateNew } from "../own/late.ts";
import type { StoredState, UserNetworkState } from "../state/stored_state.ts";
import type { StartSubject } from "./start_subject.ts";
import type { Child } from "../process/parent_process.ts";
import { openNamespace } from "../security/procfs.ts";
import { finish } from "../failures/undo.ts";

const newNetDevices = lateNew(() => import("../network/net_devices.ts"), "NetDevices");
const newNetworkSetup = lateNew(() => import("../network/container_network.ts"), "NetworkSetup");
const loadUserNetwork = () => import("../network/user_network.ts");

/** The network that a container gets from outside: its interfaces, devices of the host, routes. */
export class InitNetwork implements Disposable {
  readonly #subject: StartSubject;
  readonly #linux: Linux;
  readonly #network: ContainerNetwork | undefined;
  readonly #stack = new DisposableStack();
  #setup: NetworkSetup | undefined;
  #devices: NetDevices | undefined;
  #userNetwork: UserNetworkState | undefined;

  /** Makes nothing yet. */
  constructor(subject: StartSubject) {
    this.#subject = subject;
    this.#linux = subject.config.linux ?? {};
    this.#network = subject.network;
    this.#userNetwork = subject.before.userNetwork;
  }

  /** The container's network with all names, and the program of the user with its process. */
  get made(): Pick<StoredState, "network" | "userNetwork"> {
    return { network: this.#setup?.network ?? this.#network, userNetwork: this.#userNetwork };
  }

  /**
   * Makes it in the namespace of a waiting child: its own new one, or the one that it will join.
   *
   * Interfaces come before devices, whose names may be templates: a device `eth%d` takes a number
   * that no interface has by its config. Routes come last: they may lead over either.
   *
   * @throws {ContainerError} `SystemError`; call `undo` then
   */
  async setUp(child: Child, signal?: AbortSignal): Promise<void> {
    const { namespaces = [], netDevices = {} } = this.#linux;
    using target = openJoined(namespaces, "network") ?? openOwn(child);
    if (target === undefined) return; // init's own message tells what failed
    if (this.#network !== undefined) {
      const setup = await newNetworkSetup(duplicate(target), this.#network, signal);
      this.#setup = this.#stack.use(setup);
      await this.#setup.make();
    }
    if (Object.keys(netDevices).length > 0) {
      this.#devices = this.#stack.use(await newNetDevices(duplicate(target)));
      this.#devices.move(netDevices);
    }
    this.#setup?.addRoutes();
    await this.#connect(child);
  }

  async #connect({ pid }: Child): Promise<void> {
    const { folder, config } = this.#subject;
    if (this.#userNetwork === undefined) return;
    const { startUserNetwork } = await loadUserNetwork();
    this.#userNetwork = await startUserNetwork(this.#userNetwork, { pid, config, folder });
  }

  /** Undoes it. Throws the first error; what can't be undone stays. */
  async undo(): Promise<void> {
    const program = this.#userNetwork;
    await finish(
      () => void this.#devices?.giveBack(),
      () => this.#setup?.undo(),
      async () =>
        program && (await loadUserNetwork()).stopUserNetwork(program, this.#subject.folder),
    );
  }

  /** Closes what it has open. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** The child's own network namespace; undefined if the child has ended. */
function openOwn(child: Child): Fd | undefined {
  try {
    const namespace = openNamespace(child.pid, "network");
    if (child.signal(0)) return namespace; // so the pid was the child's while the file was opened
    namespace.close();
    return undefined;
  } catch (error) {
    if (failedWith(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}
