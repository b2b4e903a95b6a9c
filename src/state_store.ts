/**
 * What is kept of a container between calls: a folder `ROOT/ID` with `state.json`, written
 * atomically, locked by one caller at a time.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import { type Fd, makeFolder, O_DIRECTORY, O_RDONLY, open, tryLock } from "../ffi/file.ts";
import { tryStatPath } from "../ffi/file_status.ts";
import type { ContainerNetwork } from "./config/types/network.ts";
import type { Config } from "./config/types.ts";
import { ContainerError } from "./errors.ts";
import type { ResctrlGroups } from "./intel_rdt.ts";
import { isAlive, type ProcessIdentity } from "./process_identity.ts";
import { replaceFile } from "./replace_file.ts";
import { requireOwnRoot } from "./root_folder.ts";

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
  /** The process that creates it: a container without an init is its, and falls with it. */
  readonly creator: ProcessIdentity;
  /** The container's first process. */
  readonly init?: ProcessIdentity | undefined;
  /** The process that records how the first one ended. */
  readonly supervisor?: ProcessIdentity | undefined;
  /** Each cgroup controller's folder. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
  /** With `linux.intelRdt`, once there is a first process. */
  readonly resctrl?: ResctrlGroups | undefined;
  /**
   * The name of its session keyring, once there is a first process; empty: it has the caller's, as
   * was asked for.
   */
  readonly keyring?: string | undefined;
  /** The interfaces and routes that were asked for, with their names once they are made. */
  readonly network?: ContainerNetwork | undefined;
  /** Whether its address is of a bridge of hull's own, which is to be given back. */
  readonly hasLease?: boolean | undefined;
  /** Whether not even the loopback interface is brought up. */
  readonly loopbackDown?: boolean | undefined;
  readonly config: Config;
}

const STATE_FILE = "state.json";
const FOLDER_MODE = 0o711;
const ROOT_MODE = 0o700;
/** An id is the name of a file, of which file systems take 255 bytes: NAME_MAX. */
const MAX_ID = 255;
const ID = /^[A-Za-z0-9_+.-]{1,255}$/;
/** How much of a wrong id an error shows. */
const SHOWN = 64;
const HALF_MADE_MS = 2000;
const LOCK_TRIES = 400;
const LOCK_PAUSE_MS = 25;

/** The containers under one root folder. */
export class StateStore {
  /** The root folder, absolute. */
  readonly root: string;

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
   * Makes the folder of a new container; of several callers one succeeds.
   *
   * @returns whether it was made; false if it is there
   * @throws {ContainerError} `SystemError`
   */
  make(id: string): boolean {
    const folder = this.folder(id);
    this.#requireOwn();
    try {
      if (!exists(this.root)) Deno.mkdirSync(this.root, { recursive: true, mode: ROOT_MODE });
      return makeFolder(folder, FOLDER_MODE);
    } catch (error) {
      throw storeError(`cannot make the state folder ${folder}`, folder, error);
    }
  }

  /** Writes state.json so that a reader sees the old one or the new one. */
  write(state: StoredState): void {
    const path = `${this.folder(state.id)}/${STATE_FILE}`;
    try {
      replaceFile(path, JSON.stringify(state), 0o600);
    } catch (error) {
      throw storeError(`cannot write ${path}`, path, error);
    }
  }

  /**
   * Reads state.json; undefined if the folder is there without one, half made.
   *
   * @throws {ContainerError} `ContainerNotExists` if there is no folder
   */
  read(id: string): StoredState | undefined {
    const folder = this.folder(id);
    this.#requireOwn();
    try {
      return JSON.parse(Deno.readTextFileSync(`${folder}/${STATE_FILE}`)) as StoredState;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        if (exists(folder)) return undefined;
        throw this.#notExists(id);
      }
      throw storeError(`cannot read ${folder}/${STATE_FILE}`, folder, error);
    }
  }

  /** Whether a folder without a state is so young that its maker may be about to write it. */
  isFresh(id: string): boolean {
    try {
      const { mtime } = Deno.lstatSync(this.folder(id));
      return mtime !== null && Date.now() - mtime.getTime() < HALF_MADE_MS;
    } catch {
      return false; // its maker has removed it
    }
  }

  /** The ids of all containers, sorted. */
  ids(): string[] {
    this.#requireOwn();
    try {
      return [...Deno.readDirSync(this.root)]
        .filter(({ name, isDirectory }) => isDirectory && ID.test(name))
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw storeError(`cannot list ${this.root}`, this.root, error);
    }
  }

  /**
   * Takes a container's lock, which goes when the result is disposed of or this process ends.
   *
   * @throws {ContainerError} `ContainerNotExists`, or `SystemError` if it is held for ten seconds
   */
  async lock(id: string): Promise<Fd> {
    const folder = this.folder(id);
    this.#requireOwn();
    const fd = this.#open(id, folder);
    for (let k = 0; k < LOCK_TRIES; k++) {
      if (tryLock(fd)) {
        if (exists(folder)) return fd;
        fd.close();
        throw this.#notExists(id);
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    }
    fd.close();
    throw new ContainerError("SystemError", `container ${id} is in use by another call`, {
      path: folder,
      syscall: "flock",
      errno: "EAGAIN",
      hint: "wait for the other hull to end",
    });
  }

  /** It may well be there under another root. */
  #notExists(id: string): ContainerError {
    return new ContainerError(
      "ContainerNotExists",
      `container ${id} does not exist in ${this.root}`,
      {
        path: `${this.root}/${id}`,
      },
    );
  }

  #open(id: string, folder: string): Fd {
    try {
      return open(folder, O_RDONLY | O_DIRECTORY);
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENOENT") {
        throw this.#notExists(id);
      }
      throw storeError(`cannot open ${folder}`, folder, error);
    }
  }

  /** Removes a container's folder with all in it. */
  remove(id: string): void {
    const folder = this.folder(id);
    try {
      Deno.removeSync(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw storeError(`cannot remove ${folder}`, folder, error);
    }
  }
}

/** Whether nobody can finish what a state says is being made. */
export function isAbandoned(state: StoredState): boolean {
  return state.init === undefined && !isAlive(state.creator);
}

/** What can't be looked at can't be used either. */
function exists(path: string): boolean {
  return typeof tryStatPath(path, false) !== "number";
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
