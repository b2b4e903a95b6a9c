/**
 * What is kept of a container, as state.json holds it.
 *
 * @module
 */

import type { CheckedUserNetwork } from "../config/validate_network/network_mode.ts";
import type { ContainerNetwork } from "../config/types/network.ts";
import type { RootFile } from "../../init/operations/root_files.ts";
import type { Config } from "../config/types/config.ts";
import type { StoredUnit } from "../cgroups/manager.ts";
import type { ResctrlGroups } from "../resctrl/intel_rdt.ts";
import type { ProcessIdentity } from "./process_identity.ts";

/** The content of state.json. */
export interface StoredState {
  /** The version of this format. */
  readonly format: 1;
  readonly id: string;
  /** The bundle's folder, absolute. */
  readonly bundle: string;
  /** The root file system's folder, absolute. */
  readonly rootfs: string;
  /** When the container was created: RFC 3339, UTC. */
  readonly created: string;
  /**
   * The process that creates it. If that ends before there is a first process, the container is
   * abandoned.
   */
  readonly creator: ProcessIdentity;
  /** The container's first process. */
  readonly init?: ProcessIdentity | undefined;
  /** The process that records how the first one ended. */
  readonly supervisor?: ProcessIdentity | undefined;
  /** The name of the ExecDriver that it belongs to, if one made it. */
  readonly driver?: string | undefined;
  /** Each cgroup controller's folder. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
  /** The unit that they belong to, where systemd makes them. */
  readonly systemdUnit?: StoredUnit | undefined;
  /** Those of them that hull makes and removes. States without the field mean all. */
  readonly ownCgroups?: readonly string[] | undefined;
  /** Set for `linux.intelRdt`, once there is a first process. */
  readonly resctrl?: ResctrlGroups | undefined;
  /**
   * The name of its session keyring, once there is a first process; empty if it keeps the caller's,
   * as was asked for.
   */
  readonly keyring?: string | undefined;
  /** The interfaces and routes that were asked for, with their names once they are made. */
  readonly network?: ContainerNetwork | undefined;
  /** The program of the user that connects it, and which process that is once it runs. */
  readonly userNetwork?: UserNetworkState | undefined;
  /** Whether its address is on a bridge of hull's own, and must be given back. */
  readonly hasLease?: boolean | undefined;
  /** The files that its program's output goes to, if its creator has named them. */
  readonly outputFiles?: OutputFiles | undefined;
  /** Whether not even the loopback interface is brought up. */
  readonly loopbackDown?: boolean | undefined;
  /** What a root in memory holds, where that is not a copy of what the rootfs holds. */
  readonly rootFiles?: readonly RootFile[] | undefined;
  /** How many bytes a root in memory may hold; not limited without it. */
  readonly rootBytes?: number | undefined;
  /** Whether its root is an overlay: what is changed is in memory, the rootfs stays as it is. */
  readonly hasOverlay?: boolean | undefined;
  /** The program inside that becomes the first process, and starts the container's as its child. */
  readonly reaper?: string | undefined;
  readonly config: Config;
}

/** Files on the host that a program's output is appended to. */
export interface OutputFiles {
  /** The path of that of its stdout, absolute; undefined where it goes elsewhere. */
  readonly stdout?: string | undefined;
  /** The same of its stderr: often the same file. */
  readonly stderr?: string | undefined;
}

/** A connection by a program of the user: see `src/network/user_network.ts`. */
export interface UserNetworkState extends CheckedUserNetwork {
  readonly process?: ProcessIdentity | undefined;
}

/** A state as it was read: the text tells whether it has changed since. */
export interface Snapshot {
  readonly text: string;
  readonly state: StoredState;
}

/** Whether two states are of one container, and not of another that has its id later. */
export function isSameContainer(one: StoredState, other: StoredState): boolean {
  return one === other || (one.created === other.created &&
    one.creator.pid === other.creator.pid && one.creator.startTime === other.creator.startTime);
}
