/**
 * Stores the records of hull's bridges in `ROOT/~networks`, a name that no container can have.
 * There is one file for each network namespace, named after its inode, and written whole or not at
 * all.
 *
 * One lock serves all calls with this root, in any network namespace: a file beside the folder that
 * only hull's user can open.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { LockFile } from "../links/lock_file.ts";
import { hasRecords, NETWORKS_FOLDER } from "./folder.ts";
import type { BridgeRecords } from "./records.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const LOCK_MS = 120_000;

/** The records under one root folder. */
export class BridgeStore {
  readonly #root: string;

  /** A store below `root`, which must be there. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The folder, which is there while there is a record. */
  get folder(): string {
    return `${this.#root}/${NETWORKS_FOLDER}`;
  }

  /** Whether there are any records. */
  get exists(): boolean {
    return hasRecords(this.#root);
  }

  /**
   * Takes the lock. It is released when the result is disposed of or this process ends.
   *
   * @throws {ContainerError} `SystemError` if it is held for two minutes
   * @throws the signal's reason
   */
  async lock(signal?: AbortSignal): Promise<LockFile> {
    return await LockFile.take(`${this.folder}.lock`, "hull's bridges", LOCK_MS, signal);
  }

  /**
   * The keys of all records. A key does not prove that its records are of the namespace that has
   * this inode now.
   */
  keys(): string[] {
    try {
      return [...Deno.readDirSync(this.folder)]
        .filter(({ name }) => KEY_FILE.test(name)).map(({ name }) => name.slice(0, -5));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw failure("list", this.folder, error);
    }
  }

  /** The records of a namespace. The caller holds the lock. */
  read(key: string): BridgeRecords | undefined {
    const path = this.#path(key);
    try {
      return JSON.parse(Deno.readTextFileSync(path)) as BridgeRecords;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw failure("read", path, error);
    }
  }

  /** Writes the records of a namespace, or removes the file if there are none. */
  write(key: string, records: BridgeRecords): void {
    const path = this.#path(key);
    const temporary = `${path}.new`; // who was killed while writing left one at most
    try {
      if (Object.keys(records.bridges).length === 0) return this.#remove(path);
      Deno.mkdirSync(this.folder, { recursive: true, mode: FOLDER_MODE });
      Deno.writeTextFileSync(temporary, JSON.stringify(records), { mode: FILE_MODE });
      Deno.renameSync(temporary, path);
    } catch (error) {
      throw failure("write", path, error);
    }
  }

  #remove(path: string): void {
    for (const each of [path, `${path}.new`]) removeIfThere(each);
    if (this.keys().length === 0) removeIfThere(this.folder, true);
  }

  #path(key: string): string {
    return `${this.folder}/${key}.json`;
  }
}

const KEY_FILE = /^\d+\.json$/;

function removeIfThere(path: string, recursive = false): void {
  try {
    Deno.removeSync(path, { recursive });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function failure(verb: string, path: string, cause: unknown): ContainerError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const errno = (cause as { code?: string } | undefined)?.code;
  return new ContainerError("SystemError", `cannot ${verb} the network records: ${text}`, {
    step: "network",
    path,
    errno,
    cause,
  });
}
