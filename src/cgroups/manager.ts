/**
 * The one interface to a container's cgroups. Behind it: cgroup v1, where each controller has a
 * tree of its own, cgroup v2, the one tree, and nothing at all (driver `disabled`).
 *
 * The order of calls: `create`, `made`, `apply`, then processes enter by `entries`, and at last `destroy`.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import type { Aside } from "../../ffi/waiting/aside.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import type { Resources } from "../config/types/config.ts";
import type { Stats } from "./stats.ts";

/** Whether a cgroup is frozen itself; `absent` when there is no freezer or no cgroup. */
export type FreezerState = "frozen" | "thawed" | "absent";

/** A file that a process enters a cgroup by. */
export interface CgroupEntry {
  /** The controllers of the cgroup, joined by commas; "" for cgroup v2. */
  readonly controller: string;
  /** Its folder, absolute. */
  readonly folder: string;
  /** The absolute path of the file: writing "0" moves a writer of one thread. */
  readonly path: string;
  /**
   * Whether what happens inside is charged or limited (memory, pids, cpu, cpuset, blkio; on v2 all
   * of it): such a cgroup is entered right before execve, so that init's own use does not count.
   */
  readonly late: boolean;
  /**
   * Whether a process is born in it, so that no process has to move: see
   * `ffi/files/cgroup_entry.ts`.
   */
  readonly isBirthplace: boolean;
}

/** The unit of systemd's that a container's cgroups belong to. */
export interface StoredUnit {
  /** Its name, mostly a scope's. */
  readonly name: string;
  /** The slice that it is in, such as `system.slice`; `-.slice` is the root. */
  readonly slice: string;
  /** Whose systemd: the host's, or that of an ordinary user's session. */
  readonly whose: "system" | "user";
}

/** What a unit is started with. */
export interface UnitWishes {
  /** The container's. */
  readonly id: string;
  /** The limits that are applied next. */
  readonly resources?: Resources | undefined;
  /** Of the config: some set properties of the unit. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** How the cgroups are made. */
export interface CreateOptions {
  /** Whether systemd has made the container's own already, with a process in it. */
  readonly isHeld?: boolean | undefined;
  /** For those that systemd makes. */
  readonly unit?: UnitWishes | undefined;
}

/** How `apply` treats what the resources don't name. */
export interface ApplyOptions {
  /**
   * Change only what is named: without `devices` the device rules stay as they are. Otherwise
   * the rules are set in any case, to the devices that every container may use.
   */
  readonly update?: boolean | undefined;
}

/** Notices whether a container's memory runs out. */
export interface MemoryNotice extends Disposable {
  /** The file with the count of it. */
  readonly counts: Fd;
  /** On v1: the eventfd that is raised at each OOM, and once more when the cgroup is removed. */
  readonly counter: Fd | undefined;
  /** Waits for it, so that nothing is missed; that keeps this program alive. */
  begin(): void;
  /** Waits no longer; `end` looks once more. */
  rest(): void;
  /** Whether it has happened; closes it. */
  end(): Promise<boolean>;
}

/** A container's cgroups. */
export interface CgroupManager {
  /** The version whose rules apply. */
  readonly version: 1 | 2;
  /**
   * Controller → absolute folder; on v2 one, with the key "" (which on a hybrid host is the v2
   * tree beside the v1 ones). Enough, with {@linkcode loadCgroupManager}, to find them again.
   */
  readonly paths: Readonly<Record<string, string>>;
  /** The unit, where systemd makes them. */
  readonly unit?: StoredUnit | undefined;
  /** Whether a process of hull's is in them until `settle`. */
  readonly isHeld?: boolean | undefined;
  /**
   * Whether that process was killed where the memory is limited: the cgroups, and what they counted,
   * are gone with it.
   */
  readonly lostHolder?: boolean | undefined;

  /**
   * Checks whether a container can use the folders. Those that exist would be shared, so none of
   * them may hold a process or be frozen. Nothing is locked: other programs may make folders or put
   * processes into them before `create`, which checks again.
   *
   * @returns the folders that don't exist: they are the container's own once they are made
   * @throws {ContainerError} IdInUse, SystemError
   */
  claim(): readonly string[];

  /**
   * Makes the folders with their parents; what exists stays, and what was made is removed on
   * failure.
   *
   * @param claimed the folders that did not exist at the claim. If one exists now, somebody else
   *   has made it
   * @returns which of the folders are made; a promise where systemd makes them, which takes until
   *   {@linkcode CgroupManager.made}
   * @throws {ContainerError} IdInUse, SystemError
   */
  create(
    claimed?: readonly string[],
    options?: CreateOptions,
  ): readonly string[] | Promise<readonly string[]>;

  /**
   * Waits until the cgroups are there, where systemd makes them; before that nothing else can be
   * asked but `entries`, whose files come with them.
   *
   * @throws {ContainerError} IdInUse, SystemError
   */
  made?(): Promise<void>;

  /** Ends what has held the cgroups until the first process was in them. */
  settle?(): void;

  /**
   * Notices from now on whether the memory runs out, where the cgroup and its count may be gone with
   * the last process.
   */
  noticeOom?(poller: Poller): Promise<MemoryNotice | undefined>;

  /** Whether any of the folders exists. */
  exists(): boolean;

  /**
   * The processes inside, by the pids of this pid namespace.
   *
   * @param options `all` adds those of sub-cgroups
   * @throws {ContainerError} SystemError
   */
  processes(options?: { readonly all?: boolean | undefined }): number[];

  /**
   * Sets the limits. 0 leaves a limit as it is (but for
   * pids.limit), a negative one lifts it.
   *
   * @throws {ContainerError} ConfigInvalid, Unsupported or SystemError, with the field's pointer
   */
  apply(resources: Resources, options?: ApplyOptions): Promise<void>;

  /** What a process enters, in this order. */
  entries(): readonly CgroupEntry[];

  /**
   * Stops all processes and returns once they have stopped.
   *
   * @throws {ContainerError} SystemError if they don't in some seconds; they go on then
   */
  freeze(signal?: AbortSignal): Promise<void>;

  /**
   * Lets them go on.
   *
   * @throws {ContainerError} SystemError
   */
  thaw(): Promise<void>;

  /** Whether they are frozen. */
  freezerState(): FreezerState;

  /**
   * Signals every process, sub-cgroups included, so that none escapes by forking.
   *
   * @param signal its number
   * @throws {ContainerError} SystemError
   */
  kill(signal: number): void;

  /**
   * Thaws the cgroups in which a killed process would not end: on v1 this cgroup and those below
   * it, on v2 none.
   *
   * @throws {ContainerError} SystemError
   */
  letDie(): void;

  /** Whether a killed process might not end before `letDie` is called. */
  mayHoldKilled(): boolean;

  /**
   * What the container uses.
   *
   * @param parts all that is asked for: each takes some reads of files; by default everything
   * @throws {ContainerError} SystemError
   */
  stats(parts?: readonly (keyof Stats)[]): Stats;

  /**
   * Tries once to remove the folders, beginning with the one that processes are looked for in: while
   * anything is in it, none is removed.
   *
   * @param aside how the calls are made, which may wait in the kernel
   * @param own those to remove; all by default
   * @returns whether all of them are gone
   */
  removeIfEmpty(aside: Aside, own?: readonly string[]): Promise<boolean>;
  /**
   * Removes the folders, sub-cgroups first; those above them stay. No error if they are gone.
   *
   * @param own those to remove; all by default
   * @throws {ContainerError} SystemError with EBUSY, and who is inside, after some seconds
   */
  destroy(own?: readonly string[]): Promise<void>;
}
