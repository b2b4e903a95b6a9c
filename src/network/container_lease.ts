/**
 * The address of a container on a bridge of hull's own: taken when the container is made, given
 * back at its end.
 *
 * @module
 */

import type { ContainerNetwork } from "../config/types/network.ts";
import type { CheckedPort } from "../config/published_port.ts";
import type { CheckedBridge } from "../config/validate_network/network_mode.ts";
import { ContainerError } from "../errors.ts";
import type { TakenLease } from "./hull_bridge/lease.ts";
import { BridgeStore } from "./hull_bridge/store.ts";
import { Leases } from "./hull_bridge/leases.ts";
import type { Lease } from "./hull_bridge/records.ts";
import { identify, isAlive, type ProcessIdentity } from "../state/process_identity.ts";
import type { StateStore } from "../state/state_store.ts";
import type { StoredState } from "../state/stored_state.ts";

/** A container's network with the address that it was given. */
export interface LeasedNetwork {
  readonly network: ContainerNetwork;
  readonly addresses: readonly string[];
}

/**
 * Takes an address for a container whose state folder is being made, and makes the bridge.
 *
 * @param network the container's network; its last interface gets the address
 * @throws {ContainerError} `SystemError`, `Unsupported`
 */
export async function takeLease(
  store: StateStore,
  id: string,
  bridge: CheckedBridge,
  network: ContainerNetwork,
  signal?: AbortSignal,
): Promise<LeasedNetwork> {
  const creator = me();
  const taken = await leases(store, creator)
    .take({ id, owner: network.owner, creator, network: bridge }, signal);
  return { network: withInterface(network, taken), addresses: taken.addresses };
}

function withInterface(network: ContainerNetwork, taken: TakenLease): ContainerNetwork {
  const items = [...network.networks.items.slice(0, -1), taken.interface];
  return { ...network, networks: { ...network.networks, items } };
}

/**
 * Gives back the address of a container, if it has one, and those of containers that are gone.
 *
 * @throws {ContainerError} `SystemError`, `Unsupported`; another call continues where this one
 *   failed
 */
export async function giveLeaseBack(store: StateStore, owner?: number): Promise<void> {
  await leases(store, me()).giveBack(owner);
}

/**
 * Makes sure that a container that another program created still has its address.
 *
 * @throws {ContainerError} `SystemError` if not
 */
export async function keepLease(
  store: StateStore,
  { creator, network }: StoredState,
): Promise<void> {
  const self = me();
  if (network === undefined || isSame(creator, self)) return;
  await leases(store, self).adopt(network.owner, self);
}

/**
 * The ports of the host that lead to a container on a bridge of hull's own. Records are written whole,
 * so they are read without the lock.
 *
 * @param owner the group of its links
 */
export function portsOnBridges(root: string, owner: number | undefined): readonly CheckedPort[] {
  const records = new BridgeStore(root);
  return records.keys().flatMap((key) => Object.values(records.read(key)?.bridges ?? {}))
    .flatMap(({ leases }) => leases).find((lease) => lease.owner === owner)?.ports ?? [];
}

function leases(store: StateStore, creator: ProcessIdentity): Leases {
  return new Leases(store.root, creator, (lease) => isHeld(store, lease));
}

function me(): ProcessIdentity {
  return identify(Deno.pid) as ProcessIdentity;
}

function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTime === other.startTime && one.bootId === other.bootId;
}

/**
 * Whether a program is making the container, or its first process lives. If only other processes
 * are left, the container's interface still tells of them: the kernel removes it with the last
 * process that uses it.
 */
function isHeld(store: StateStore, { id, owner, creator }: Lease): boolean {
  // The order matters: a container that is being made turns into a finished one in a single step,
  // and must be seen as one or the other.
  if (store.isMaking(creator)) return true;
  try {
    const { state } = store.read(id);
    if (state.network?.owner !== owner) return false;
    return state.init === undefined ? !store.isAbandoned(state) : isAlive(state.init);
  } catch (error) {
    // If the state can't be read, the container may be alive, so its address is kept.
    return !(error instanceof ContainerError && error.code === "ContainerNotExists");
  }
}
