/**
 * What is kept of a container between calls: a folder `ROOT/ID` with `state.json`, which is written
 * atomically. One caller at a time holds the folder's lock. A folder without that file is not
 * hull's, whatever its name.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import { AT_FDCWD, AT_REMOVEDIR, type Fd } from "../../ffi/files/file.ts";
import { unlinkAt } from "../../ffi/files/entries.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { isThere, S_IFDIR, S_IFMT, statAt, tryStatPath } from "../../ffi/files/file_status.ts";
import { late } from "../own/late.ts";
import type { Aside } from "../../ffi/waiting/aside.ts";
import { ContainerError } from "../errors.ts";
import { identify, isAlive, type ProcessIdentity } from "./process_identity.ts";
import { replaceFile } from "./replace_file.ts";
import type { RecentStates } from "./recent_states.ts";
import { makeRoot, namesIn, requireOwnRoot } from "./root_folder.ts";
import { SpareFds } from "../failures/spare_fds.ts";
import { readState } from "./state_shape.ts";
import {
  isMaking,
  makeTemporary,
  moveAway,
  removeAside,
  STATE_FILE,
  sweep,
} from "./state_temporary.ts";
import { isSameContainer, type Snapshot, type StoredState } from "./stored_state.ts";
import {
  brokenState,
  isGone,
  isInPlace,
  noStateFolder,
  notExists,
  openFolder,
  type Place,
  stateText,
  storeError,
} from "./container_folder.ts";
import { isId, requireId } from "./container_id.ts";
import { NewFolder, STATE_MODE } from "./new_folder.ts";

/** For a call that has to wait. */
const refuseInHook = late(() => import("./running_hook.ts"), "refuseInHook");

const LOCK_TRIES = 400;
const LOCK_PAUSE_MS = 25;

/** The containers under one root folder. */
export class StateStore {
  /** The root folder, absolute. */
  readonly root: string;
  #me: ProcessIdentity | undefined;
  #isOwn = false;
  readonly #caller: number | undefined;
  readonly #recent: RecentStates | undefined;

  /**
   * A store in `root`, which is made when the first container is.
   *
   * @param caller the process whose commands it serves, if it is not this program's
   * @param recent what other stores have read
   */
  constructor(root: string, caller?: number, recent?: RecentStates) {
    this.root = root;
    this.#caller = caller;
    this.#recent = recent;
  }

  /** Refuses a root that others can write to; checked once, at the first call. */
  #requireOwn(): void {
    if (this.#isOwn) return;
    requireOwnRoot(this.root);
    this.#isOwn = true;
  }

  /** This program. */
  get me(): ProcessIdentity {
    this.#me ??= identify(Deno.pid);
    if (this.#me !== undefined) return this.#me;
    throw new ContainerError("SystemError", "cannot read /proc/self/stat", {
      hint: "proc must be mounted, and an fd be free",
    });
  }

  /**
   * The folder of a container.
   *
   * @throws {ContainerError} `InvalidIdFormat`
   */
  folder(id: string): string {
    requireId(id);
    return `${this.root}/${id}`;
  }

  /**
   * Begins the folder of a new container.
   *
   * @throws {ContainerError} `SystemError`
   */
  begin(id: string): NewFolder {
    const place = this.folder(id);
    this.#requireOwn();
    try {
      if (!isThere(this.root)) makeRoot(this.root);
      const { me } = this; // finding this out takes an fd
      using unused = new DisposableStack();
      const spare = unused.use(new SpareFds(this.root));
      const { path, lock } = makeTemporary(this.root, me);
      unused.move();
      return new NewFolder(path, place, lock, spare);
    } catch (error) {
      throw noStateFolder(this.root, error);
    }
  }

  /**
   * What stands at the place of an id: nothing, a container of hull's, or something that is not
   * hull's.
   *
   * @throws {ContainerError} `SystemError`
   */
  occupant(id: string): "none" | "container" | "other" {
    const folder = this.folder(id);
    this.#requireOwn();
    if (!isThere(folder)) return "none";
    return isThere(`${folder}/${STATE_FILE}`) && isRealFolder(folder) ? "container" : "other";
  }

  /** Whether a process is making a container here just now. */
  isMaking(creator: ProcessIdentity): boolean {
    return isAlive(creator) && isMaking(creator, this.root);
  }

  /**
   * Writes state.json so that a reader sees the old one or the new one; the caller holds the
   * container's lock.
   *
   * @throws {ContainerError} `SystemError`
   */
  write(state: StoredState): Snapshot {
    const path = `${this.folder(state.id)}/${STATE_FILE}`;
    try {
      const text = JSON.stringify(state);
      // Nobody else can write here, so the name only has to differ from that of a killed writer.
      replaceFile(path, text, STATE_MODE, Math.random().toString(16).slice(2));
      return { text, state };
    } catch (error) {
      throw storeError(`cannot write ${path}`, path, error);
    }
  }

  /**
   * Reads a container's state.
   *
   * @param known what was read before; returned again if nothing has changed
   * @throws {ContainerError} `ContainerNotExists`; `StateInvalid` if it is broken
   */
  read(id: string, known?: Snapshot): Snapshot {
    const path = this.folder(id);
    this.#requireOwn();
    const text = this.#recent?.look.text(path);
    if (text !== undefined) return this.#snapshotOf(id, text, known);
    using folder = this.#open(id);
    return this.readIn(folder, id, known);
  }

  /** The same in a folder that is open. */
  readIn(folder: Fd, id: string, known?: Snapshot): Snapshot {
    return this.#snapshotOf(id, stateText(folder, this.#place(id)), known);
  }

  #snapshotOf(id: string, text: string, known: Snapshot | undefined): Snapshot {
    if (known !== undefined && known.text === text) return known;
    const path = this.folder(id);
    const recent = this.#recent?.find(path, text);
    if (recent !== undefined) return recent;
    const found = readState(text, id);
    if (!("state" in found)) throw this.broken(id, found.fault);
    const snapshot = { text, state: found.state };
    this.#recent?.keep(path, snapshot);
    return snapshot;
  }

  /**
   * Whether a container never gets a first process, by its state: its creator has ended, or it is gone.
   *
   * @throws {ContainerError} `StateInvalid`
   */
  isAbandoned(state: StoredState): boolean {
    if (state.init !== undefined || isAlive(state.creator)) return false;
    try {
      // The creator may have given it one, and ended, since the state was read.
      const { state: last } = this.read(state.id);
      return last.init === undefined || !isSameContainer(last, state);
    } catch (error) {
      if (isGone(error)) return true;
      throw error;
    }
  }

  /** The text of a state, whatever it is; empty if it can't be read. */
  textOf(folder: Fd, id: string): string {
    try {
      return stateText(folder, this.#place(id));
    } catch {
      return "";
    }
  }

  /** The error for a state that is none, or of another hull's. */
  broken(id: string, fault: string): ContainerError {
    return brokenState(this.#place(id), fault);
  }

  /**
   * Removes what killed programs left of containers that they were making or removing.
   *
   * @returns whether there was anything
   */
  sweep(): boolean {
    this.#requireOwn();
    let isSwept = false;
    for (const { name } of namesIn(this.root)) {
      if (name.startsWith("~") && sweep(this.root, name)) isSwept = true;
    }
    return isSwept;
  }

  /** The ids of all containers, sorted. */
  ids(): string[] {
    this.#requireOwn();
    return namesIn(this.root).flatMap(({ name, isDirectory }) => {
      if (!isDirectory || !isId(name)) return [];
      return isThere(`${this.root}/${name}/${STATE_FILE}`) ? [name] : [];
    }).sort();
  }

  /**
   * Takes a container's lock. It is released when the result is disposed of or this process ends.
   *
   * @throws {ContainerError} `ContainerNotExists`, or `SystemError` if it is held for ten seconds,
   *   or by a call that waits for this program
   * @throws the signal's reason
   */
  async lock(id: string, signal?: AbortSignal): Promise<Fd> {
    signal?.throwIfAborted();
    using stack = new DisposableStack();
    const fd = stack.use(this.#open(id));
    for (let k = 0; k < LOCK_TRIES; k++) {
      if (tryLock(fd)) {
        if (!isInPlace(fd, this.#place(id))) throw notExists(this.#place(id));
        stack.move();
        return fd;
      }
      await refuseInHook(fd, id, this.#caller);
      await pause(LOCK_PAUSE_MS, signal);
    }
    throw new ContainerError("SystemError", `container ${id} is in use by another call`, {
      path: this.folder(id),
      syscall: "flock",
      errno: "EAGAIN",
      hint: "wait for the other hull to end",
    });
  }

  /**
   * The user who owns a container's folder, by number.
   *
   * @throws {ContainerError} `ContainerNotExists`, `SystemError`
   */
  owner(id: string): number {
    using folder = this.#open(id);
    return statAt(folder, "").uid;
  }

  /**
   * For a caller that waits for a change of a container.
   *
   * @throws {ContainerError} `SystemError` if the call that would make the change waits for this
   *   program; `ContainerNotExists`
   */
  async requireNoHook(id: string): Promise<void> {
    using folder = this.#open(id);
    await refuseInHook(folder, id, this.#caller);
  }

  /** Takes the lock if nobody holds it. */
  tryLock(id: string): Fd | undefined {
    using stack = new DisposableStack();
    const fd = stack.use(this.#open(id));
    if (!tryLock(fd)) return undefined;
    if (!isInPlace(fd, this.#place(id))) throw notExists(this.#place(id));
    stack.move();
    return fd;
  }

  /**
   * Removes a container's folder with all in it; the caller holds its lock.
   *
   * @param aside how the calls are made, which may wait in the kernel
   */
  async remove(id: string, aside: Aside): Promise<void> {
    const folder = this.folder(id);
    try {
      const away = moveAway(this.root, folder, this.me);
      if (away !== undefined) await removeAside(away, aside);
    } catch (error) {
      throw storeError(`cannot remove ${folder}`, folder, error);
    }
  }

  /**
   * Removes the folder of an id that is not hull's but is empty, so that nothing can be lost.
   *
   * @returns whether it was one
   */
  removeEmpty(id: string): boolean {
    try {
      unlinkAt(AT_FDCWD, this.folder(id), AT_REMOVEDIR);
      return true;
    } catch (error) {
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }

  #open(id: string): Fd {
    const place = this.#place(id);
    this.#requireOwn();
    return openFolder(place);
  }

  #place(id: string): Place {
    return { id, root: this.root, path: this.folder(id) };
  }
}

function isRealFolder(path: string): boolean {
  const status = tryStatPath(path, false);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFDIR;
}
