/**
 * Takes and gives back addresses on hull's own bridges. A bridge, with all that it needs, is made
 * with its first address and removed with its last.
 *
 * Everything is written down before it is made, and removed from the records only after it is gone.
 * So if a program is killed in between, the next call still knows what there may be.
 *
 * @module
 */

import { formatCidr } from "../../config/ip_address.ts";
import { ContainerError } from "../../errors.ts";
import { undone } from "../../failures/undo.ts";
import { lockBridges, ownNamespaceKey } from "../links/bridge.ts";
import { attempt } from "../links/failure.ts";
import { findLink, listLinks } from "../netlink/link.ts";
import { RouteSocket } from "../netlink/socket.ts";
import { changedRules, changeLeases, hasUnused, recordOf, without } from "./changes.ts";
import { describe, type LeaseRequest, newLease, type TakenLease } from "./lease.ts";
import { earlierSettings, forward, putBack } from "./forwarding.ts";
import { ensureBridge, hasBridge, newRecord, removeBridge } from "./link.ts";
import { applyRules, deleteRules, othersForward } from "./nft.ts";
import { requireFreePorts } from "./ports.ts";
import type { BridgeRecord, BridgeRecords, Creator, Lease } from "./records.ts";
import { BridgeStore } from "./store.ts";
import { readSetting, routeLocalnet, writeSetting } from "../links/sysctls.ts";

/** The leases under one root folder, in the network namespace that this program is in. */
export class Leases {
  readonly #store: BridgeStore;
  readonly #bootId: string;
  readonly #isHeld: (lease: Lease) => boolean;

  /**
   * Leases of containers under `root`.
   *
   * @param me this program
   * @param isHeld whether a lease's container still needs it, or is being made
   */
  constructor(root: string, me: Creator, isHeld: (lease: Lease) => boolean) {
    this.#store = new BridgeStore(root);
    this.#bootId = me.bootId;
    this.#isHeld = isHeld;
  }

  /**
   * Takes an address, and makes the bridge and its rules if they aren't there. The root folder must
   * exist.
   *
   * @throws {ContainerError} `SystemError`, `Unsupported`; nothing is left then
   * @throws the signal's reason, if it comes while others hold the locks
   */
  async take(request: LeaseRequest, signal?: AbortSignal): Promise<TakenLease> {
    using _lock = await this.#store.lock(signal);
    using here = routeSocket();
    const key = ownNamespaceKey();
    const { name, subnet, ports, allow } = request.network;
    const records = this.#reclaimed(here, this.#read(key));
    const before = recordOf(records, name);
    // Without this lock another hull with another root could choose the same network at the same
    // time.
    using _bridges = before === undefined ? await lockBridges(signal) : undefined;
    const record = before ?? { ...newRecord(here, name, subnet, records), ...(allow && { allow }) };
    if (subnet !== undefined && formatCidr(subnet) !== record.subnet) {
      throw otherSubnet(name, record.subnet);
    }
    if (JSON.stringify(allow) !== JSON.stringify(record.allow)) throw otherAllow(name);
    requireFreePorts(ports, records, here);
    const lease = newLease(request, record, name);
    const leases = [...record.leases, lease];
    const more = { ...record, last: lease.address, leases };
    const after: BridgeRecords = {
      ...records,
      earlierSettings: records.earlierSettings ?? earlierSettings(),
      bridges: { ...records.bridges, [name]: more },
    };
    this.#store.write(key, after);
    try {
      ensureBridge(here, name, more);
      await applyRules(name, more);
      letThrough(name, more);
    } catch (error) {
      const less = without(after, request.owner);
      throw await undone(
        error,
        () => this.#store.write(key, less),
        () => this.#removeUnused(here, key, less, true),
      );
    }
    await this.#removeUnused(here, key, after);
    return describe(lease, more, name);
  }

  /**
   * Gives back a container's address, and those of containers that are gone. A bridge is removed
   * with its last address. Does nothing if there are no leases at all.
   *
   * @param owner the group of the container's links; without it only the leases that nobody holds
   *   are given back
   * @throws {ContainerError} `SystemError`, `Unsupported`; a further call goes on
   */
  async giveBack(owner?: number): Promise<void> {
    if (!this.#store.exists) return;
    using _lock = await this.#store.lock();
    const own = ownNamespaceKey();
    for (const key of this.#store.keys()) {
      const records = this.#read(key);
      const left = owner === undefined ? records : without(records, owner);
      if (key !== own) {
        // The bridges of another namespace can't be reached from here; the next call in that
        // namespace removes them.
        if (left !== records) this.#store.write(key, left);
        continue;
      }
      using here = routeSocket();
      const reclaimed = this.#reclaimed(here, left);
      if (reclaimed === records && !hasUnused(records)) continue;
      await this.#settle(here, key, reclaimed, changedRules(records, reclaimed));
    }
  }

  /**
   * Records this program as the one that makes the lease's container.
   *
   * @throws {ContainerError} `SystemError` if the lease was given back meanwhile
   */
  async adopt(owner: number, creator: Creator): Promise<void> {
    using _lock = await this.#store.lock();
    for (const key of this.#store.keys()) {
      const records = this.#read(key);
      const adopted = changeLeases(
        records,
        (leases) => leases.map((lease) => lease.owner === owner ? { ...lease, creator } : lease),
      );
      if (adopted === records) continue;
      return this.#store.write(key, adopted);
    }
    throw new ContainerError("SystemError", "the container's address was given back", {
      step: "network",
      path: this.#store.folder,
      hint: "the program that created it ended before it was started: delete it, create it again",
    });
  }

  /**
   * The records of a namespace. Records of an earlier boot belong to another namespace and don't
   * count.
   */
  #read(key: string): BridgeRecords {
    const empty = {
      format: 1,
      bootId: this.#bootId,
      bridges: {},
    } as const;
    const records = this.#store.read(key);
    return records?.bootId === this.#bootId ? records : empty;
  }

  /** The records without leases that nobody holds and that have no interface on the bridge. */
  #reclaimed(here: RouteSocket, records: BridgeRecords): BridgeRecords {
    return changeLeases(records, (leases, name) => {
      const owners = ownersOnBridge(here, name);
      return leases.filter((lease) => owners.has(lease.owner) || this.#isHeld(lease));
    });
  }

  /** Applies the rules of the named bridges, then removes unused bridges and writes the records. */
  async #settle(
    here: RouteSocket,
    key: string,
    records: BridgeRecords,
    changed: readonly string[],
  ): Promise<void> {
    for (const name of changed) {
      const record = records.bridges[name];
      if (record !== undefined && record.leases.length > 0) await applyRules(name, record);
    }
    this.#store.write(key, records);
    await this.#removeUnused(here, key, records);
  }

  /**
   * Removes the bridges without leases and, with the last one, undoes what hull changed for all
   * bridges.
   */
  async #removeUnused(
    here: RouteSocket,
    key: string,
    records: BridgeRecords,
    isUndoing = false,
  ): Promise<void> {
    if (!hasUnused(records)) return;
    const all = Object.entries(records.bridges);
    const used = all.filter(([_, { leases }]) => leases.length > 0);
    const unused = all.filter(([_, { leases }]) => leases.length === 0);
    for (const [name] of unused) {
      try {
        await deleteRules(name);
      } catch (error) {
        if (!isUndoing) throw error; // else it was nft that refused them
      }
    }
    // If there is no bridge of hull's, the records may be of an earlier namespace with the same
    // number, and nothing is restored. So the bridge is removed last: if this program is killed
    // before, the bridge still proves that the settings must be restored.
    const { earlierSettings: earlier } = records;
    const isOurs = all.some(([name, record]) => hasBridge(here, name, record));
    if (used.length === 0 && isOurs && earlier !== undefined && !await othersForward()) {
      putBack(earlier);
    }
    for (const [name, record] of unused) removeBridge(here, name, record);
    this.#store.write(key, { ...records, bridges: Object.fromEntries(used) });
  }
}

function routeSocket(): RouteSocket {
  return attempt("cannot open a netlink socket", {}, () => new RouteSocket());
}

/** The groups of the interfaces that are plugged into a bridge. */
function ownersOnBridge(here: RouteSocket, name: string): ReadonlySet<number> {
  return attempt(`cannot list what is on the bridge ${name}`, { path: name }, () => {
    const bridge = findLink(here, name);
    if (bridge === undefined) return new Set();
    return new Set(listLinks(here, { master: bridge.index }).map(({ group }) => group));
  });
}

/**
 * Switches on the forwarding and, for published ports, the use of loopback addresses. The rules
 * that guard what this opens must be in place before.
 */
function letThrough(name: string, { leases }: BridgeRecord): void {
  forward();
  const isLocal = leases.some(({ ports }) => ports.length > 0);
  if (isLocal && readSetting(routeLocalnet(name)) === "0") writeSetting(routeLocalnet(name), "1");
}

function otherSubnet(name: string, subnet: string): ContainerError {
  return new ContainerError("SystemError", `the bridge ${name} has the network ${subnet}`, {
    step: "network",
    errno: "EEXIST",
    path: name,
    pointer: "/network/subnet",
    hint: "leave it out, or choose another name for the bridge",
  });
}

function otherAllow(name: string): ContainerError {
  return new ContainerError("SystemError", `containers on ${name} may send to other addresses`, {
    step: "network",
    errno: "EEXIST",
    path: name,
    pointer: "/network/allow",
    hint: "give the same as the first container on the bridge, or use a bridge of its own",
  });
}
