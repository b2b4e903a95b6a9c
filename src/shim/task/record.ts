/**
 * What is kept of a task beside its container, so that another process of the shim can go on with
 * it: a file of JSON for each.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { rename } from "../../../ffi/files/entries.ts";
import { O_CREAT, O_TRUNC, O_WRONLY, open, writeAll } from "../../../ffi/files/file.ts";
import type { ProcessConfig } from "../../config/types/config.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import type { Client, Places } from "../host/places.ts";
import type { StreamNames } from "../streams/targets.ts";
import type { Exit } from "./task_process.ts";

/** What is kept of a further process. */
export interface FurtherRecord {
  readonly execId: string;
  readonly streams: StreamNames;
  readonly config: ProcessConfig;
  /** When it was added, in milliseconds since 1970. */
  readonly addedMs?: number | undefined;
  /** The process, once it is started. */
  readonly identity?: ProcessIdentity | undefined;
  /** How it ended. */
  readonly exit?: Exit | undefined;
  /** False of an older build, where containerd was not told that yet. */
  readonly isTold?: boolean | undefined;
}

/** What is kept of a further process that was taken away. */
export interface GoneRecord {
  readonly execId: string;
  readonly pid: number;
  readonly exit?: Exit | undefined;
}

/** The record. */
export interface TaskRecord {
  readonly id: string;
  readonly bundle: string;
  readonly client: Client;
  /** The root folder of its container. */
  readonly root: string;
  readonly isSystemd: boolean;
  readonly streams: StreamNames;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly pid: number;
  /** Whether containerd was told of its start. */
  readonly isStarted: boolean;
  /** How it ended. */
  readonly exit?: Exit | undefined;
  /** False of an older build, where containerd was not told that yet. */
  readonly isTold?: boolean | undefined;
  /** Its further processes. */
  readonly further?: readonly FurtherRecord[] | undefined;
  /** Those taken away last. */
  readonly gone?: readonly GoneRecord[] | undefined;
}

const encoder = new TextEncoder();
/** How the names of the files end. */
const LIVING = ".json";
const BURIED = ".gone";

/** The records of all tasks. */
export class Records {
  readonly #places: Places;

  /** Reads nothing yet. */
  constructor(places: Places) {
    this.#places = places;
  }

  /** Writes one, whole or not at all. */
  write(record: TaskRecord): void {
    const path = this.#path(record.client.namespace, record.id);
    const fresh = `${path}.new`;
    const bytes = encoder.encode(JSON.stringify(record));
    try {
      writeNew(fresh, bytes);
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
      const folder = this.#places.tasks(record.client.namespace); // mostly it is there
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeNew(fresh, bytes);
    }
    rename(fresh, path);
  }

  /** Takes one away, but for what {@linkcode Records.buried} tells. */
  bury(namespace: string, id: string): void {
    try {
      rename(this.#path(namespace, id), this.#path(namespace, id, BURIED));
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
    }
  }

  /** Forgets one that was taken away. */
  forget(namespace: string, id: string): void {
    try {
      Deno.removeSync(this.#path(namespace, id, BURIED));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Undefined if there is none. */
  #read(namespace: string, id: string, ending: string): TaskRecord | undefined {
    try {
      return JSON.parse(Deno.readTextFileSync(this.#path(namespace, id, ending))) as TaskRecord;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** All of them; what can't be read is left out. */
  all(): TaskRecord[] {
    return this.#those(LIVING);
  }

  /** Those that were taken away lately: who asked for that may not have its answer yet. */
  buried(): TaskRecord[] {
    return this.#those(BURIED);
  }

  #those(ending: string): TaskRecord[] {
    const folder = `${this.#places.folder}/tasks`;
    return names(folder).flatMap((namespace) =>
      names(`${folder}/${namespace}`).flatMap((file) => {
        if (!file.endsWith(ending)) return [];
        try {
          return this.#read(namespace, file.slice(0, -ending.length), ending) ?? [];
        } catch (error) {
          if (error instanceof SyntaxError) return [];
          throw error;
        }
      })
    );
  }

  #path(namespace: string, id: string, ending: string = LIVING): string {
    return `${this.#places.tasks(namespace)}/${id}${ending}`;
  }
}

/** It takes a third of the time of `Deno.writeFileSync`. */
function writeNew(path: string, bytes: Uint8Array<ArrayBuffer>): void {
  using file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
  writeAll(file, bytes);
}

function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
