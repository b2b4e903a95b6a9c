/**
 * What is kept of a container between calls: a folder `ROOT/ID` with `state.json`, written
 * atomically, locked by one caller at a time. A folder without one is not hull's, whatever its name.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  type Fd,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
  openAt,
  readAll,
  writeAll,
} from "../../ffi/files/file.ts";
import { renameNew, unlinkAt } from "../../ffi/files/entries.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { isThere, S_IFDIR, S_IFMT, statAt, tryStatPath } from "../../ffi/files/file_status.ts";
import { ContainerError } from "../errors.ts";
import { identify, isAlive, type ProcessIdentity } from "./process_identity.ts";
import { replaceFile } from "./replace_file.ts";
import { requireOwnRoot } from "./root_folder.ts";
import { SpareFds } from "../failures/spare_fds.ts";
import { readState } from "./state_shape.ts";
import {
  isMaking,
  makeTemporary,
  moveAway,
  removeFolder,
  STATE_FILE,
  sweep,
} from "./state_temporary.ts";
import type { StoredState } from "./stored_state.ts";

/** A state as it was read: the text tells whether it has changed since. */
export interface Snapshot {
  readonly text: string;
  readonly state: StoredState;
}

const STATE_MODE = 0o600;
/** In bytes: far above what a config can be, far below what a string can. */
const MAX_STATE = 256 * 1024 * 1024;
const ROOT_MODE = 0o700;
/** An id is the name of a file, of which file systems take 255 bytes: NAME_MAX. */
const MAX_ID = 255;
const ID = /^[A-Za-z0-9_+.-]{1,255}$/;
/** How much of a wrong id an error shows. */
const SHOWN = 64;
const LOCK_TRIES = 400;
const LOCK_PAUSE_MS = 25;
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The folder of a container that is being made, under a name that no container has. */
export class NewFolder implements Disposable {
  readonly path: string;
  readonly #place: string;
  readonly #lock: Fd;
  readonly #spare: SpareFds;
  #isPlaced = false;

  /** Made by {@linkcode StateStore.begin}. */
  constructor(path: string, place: string, lock: Fd, spare: SpareFds) {
    this.path = path;
    this.#place = place;
    this.#lock = lock;
    this.#spare = spare;
  }

  /**
   * Writes the state, and makes the folder the container's.
   *
   * @returns undefined if something of the container's name is there
   * @throws {ContainerError} `SystemError`
   */
  place(state: StoredState): Snapshot | undefined {
    try {
      const text = JSON.stringify(state);
      using file = openAt(this.#lock, STATE_FILE, O_WRONLY | O_CREAT | O_EXCL, STATE_MODE);
      writeAll(file, encoder.encode(text));
      this.#isPlaced = renameNew(this.path, this.#place);
      return this.#isPlaced ? { text, state } : undefined;
    } catch (error) {
      throw storeError(`cannot make the state folder ${this.#place}`, this.#place, error);
    }
  }

  /** Lets go of it; of one that was not placed nothing is left. */
  [Symbol.dispose](): void {
    if (!this.#lock.isOpen) return;
    this.#spare[Symbol.dispose]();
    try {
      if (!this.#isPlaced) removeFolder(this.path);
    } catch (error) {
      throw storeError(`cannot remove ${this.path}`, this.path, error);
    } finally {
      this.#lock.close();
    }
  }
}

/** The containers under one root folder. */
export class StateStore {
  /** The root folder, absolute. */
  readonly root: string;
  #me: ProcessIdentity | undefined;
  #isOwn = false;

  /** A store in `root`, which is made when the first container is. */
  constructor(root: string) {
    this.root = root;
  }

  /** What others may have written there is neither read nor written to: once, at the first call. */
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
    if (ID.test(id) && id !== "." && id !== "..") return `${this.root}/${id}`;
    throw invalidId(id);
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
      if (!isThere(this.root)) Deno.mkdirSync(this.root, { recursive: true, mode: ROOT_MODE });
      const { me } = this; // it takes an fd to know
      using unused = new DisposableStack();
      const spare = unused.use(new SpareFds(this.root));
      const { path, lock } = makeTemporary(this.root, me);
      unused.move();
      return new NewFolder(path, place, lock, spare);
    } catch (error) {
      throw storeError(`cannot make a state folder in ${this.root}`, this.root, error);
    }
  }

  /**
   * What is in the place of an id: nothing, a container of hull's, or what is not hull's.
   *
   * @throws {ContainerError} `SystemError`
   */
  occupant(id: string): "none" | "container" | "other" {
    const folder = this.folder(id);
    this.#requireOwn();
    if (isThere(`${folder}/${STATE_FILE}`) && isRealFolder(folder)) return "container";
    return isThere(folder) ? "other" : "none";
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
      // Nobody else can write here: the name need only be another than a killed writer's.
      replaceFile(path, text, STATE_MODE, Math.random().toString(16).slice(2));
      return { text, state };
    } catch (error) {
      throw storeError(`cannot write ${path}`, path, error);
    }
  }

  /**
   * Reads a container's state.
   *
   * @param known what was read before: it is given back if nothing has changed
   * @throws {ContainerError} `ContainerNotExists`; `StateInvalid` if it is broken
   */
  read(id: string, known?: Snapshot): Snapshot {
    using folder = this.#open(id);
    return this.readIn(folder, id, known);
  }

  /** The same in a folder that is open. */
  readIn(folder: Fd, id: string, known?: Snapshot): Snapshot {
    const text = this.#textIn(folder, id);
    if (known !== undefined && known.text === text) return known;
    const found = readState(text, id);
    if ("state" in found) return { text, state: found.state };
    throw this.broken(id, found.fault);
  }

  /** The text of a state, whatever it is; empty if it can't be read. */
  textOf(folder: Fd, id: string): string {
    try {
      return this.#textIn(folder, id);
    } catch {
      return "";
    }
  }

  /** The error for a state that is none, or of another hull's. */
  broken(id: string, fault: string): ContainerError {
    return new ContainerError("StateInvalid", `the state of container ${id} ${fault}`, {
      path: `${this.folder(id)}/${STATE_FILE}`,
      hint: "destroy it with force: what can be found of it is ended then",
    });
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
      if (!isDirectory || !ID.test(name)) return [];
      return isThere(`${this.root}/${name}/${STATE_FILE}`) ? [name] : [];
    }).sort();
  }

  /**
   * Takes a container's lock, which goes when the result is disposed of or this process ends.
   *
   * @throws {ContainerError} `ContainerNotExists`, or `SystemError` if it is held for ten seconds, or
   *   by a call that waits for this program
   * @throws the signal's reason
   */
  async lock(id: string, signal?: AbortSignal): Promise<Fd> {
    signal?.throwIfAborted();
    using stack = new DisposableStack();
    const fd = stack.use(this.#open(id));
    for (let k = 0; k < LOCK_TRIES; k++) {
      if (tryLock(fd)) {
        if (!this.#isInPlace(fd, id)) throw this.#notExists(id);
        stack.move();
        return fd;
      }
      (await import("./running_hook.ts")).refuseInHook(fd, id);
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
   * For who waits for what a container is to become.
   *
   * @throws {ContainerError} `SystemError` if who makes it waits for this program; `ContainerNotExists`
   */
  async requireNoHook(id: string): Promise<void> {
    using folder = this.#open(id);
    (await import("./running_hook.ts")).refuseInHook(folder, id);
  }

  /** Takes the lock if nobody holds it. */
  tryLock(id: string): Fd | undefined {
    using stack = new DisposableStack();
    const fd = stack.use(this.#open(id));
    if (!tryLock(fd)) return undefined;
    if (!this.#isInPlace(fd, id)) throw this.#notExists(id);
    stack.move();
    return fd;
  }

  /** Removes a container's folder with all in it; the caller holds its lock. */
  remove(id: string): void {
    const folder = this.folder(id);
    try {
      const away = moveAway(this.root, folder, this.me);
      if (away !== undefined) removeFolder(away);
    } catch (error) {
      throw storeError(`cannot remove ${folder}`, folder, error);
    }
  }

  /**
   * Removes a folder of an id that is not hull's but empty, so that nobody can miss anything.
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

  /** It may well be there under another root. */
  #notExists(id: string): ContainerError {
    return new ContainerError(
      "ContainerNotExists",
      `container ${id} does not exist in ${this.root}`,
      { path: this.folder(id), errno: "ENOENT" },
    );
  }

  #notHulls(id: string): ContainerError {
    const path = this.folder(id);
    return new ContainerError("ContainerNotExists", `${path} is no container, and not hull's`, {
      path,
      hint: "hull leaves alone what it did not make",
    });
  }

  #textIn(folder: Fd, id: string): string {
    try {
      // A fifo of that name would hold up whoever opens it.
      using file = openAt(folder, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (statAt(file, "").size > MAX_STATE) {
        throw this.broken(id, "is longer than hull writes any");
      }
      return decoder.decode(readAll(file));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code !== "ENOENT") throw this.broken(id, `can't be read: ${error.code}`);
      throw this.#isInPlace(folder, id) ? this.#notHulls(id) : this.#notExists(id);
    }
  }

  #isInPlace(folder: Fd, id: string): boolean {
    const there = tryStatPath(this.folder(id), false);
    return typeof there !== "number" && there.inode === statAt(folder, "").inode;
  }

  #open(id: string): Fd {
    const folder = this.folder(id);
    this.#requireOwn();
    try {
      return open(folder, FOLDER);
    } catch (error) {
      const code = error instanceof SyscallError ? error.code : "";
      if (code === "ENOENT") throw this.#notExists(id);
      // a file, or a link: a container's folder is in the root folder itself
      if (code === "ENOTDIR" || code === "ELOOP") throw this.#notHulls(id);
      throw storeError(`cannot open ${folder}`, folder, error);
    }
  }
}

/** Whether nobody can finish what a state says is being made. */
export function isAbandoned(state: StoredState): boolean {
  return state.init === undefined && !isAlive(state.creator);
}

/** What can't be looked at can't be used either. */

function namesIn(root: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(root)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw storeError(`cannot list ${root}`, root, error);
  }
}

function isRealFolder(path: string): boolean {
  const status = tryStatPath(path, false);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFDIR;
}

function invalidId(id: string): ContainerError {
  const shown = id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : id;
  const why = id.length > MAX_ID ? `: ${id.length} characters are too many for a file's name` : "";
  return new ContainerError(
    "InvalidIdFormat",
    `invalid container id ${JSON.stringify(shown)}${why}`,
    { hint: `use 1 to ${MAX_ID} letters, digits and _ + . -` },
  );
}

function storeError(summary: string, path: string, cause: unknown): ContainerError {
  const code = cause instanceof SyscallError
    ? cause.code
    : (cause as { code?: string } | undefined)?.code;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ContainerError("SystemError", `${summary}: ${text}`, { path, errno: code, cause });
}
