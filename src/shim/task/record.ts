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
  /** The process, once it is started. */
  readonly identity?: ProcessIdentity | undefined;
  /** How it ended. */
  readonly exit?: Exit | undefined;
  /** Whether containerd knows that. */
  readonly isTold?: boolean | undefined;
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
  /** Whether containerd knows that. */
  readonly isTold?: boolean | undefined;
  /** Its further processes. */
  readonly further?: readonly FurtherRecord[] | undefined;
}

const encoder = new TextEncoder();

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

  /** Takes one away. */
  remove(namespace: string, id: string): void {
    try {
      Deno.removeSync(this.#path(namespace, id));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** One of them; undefined if there is none. */
  read(namespace: string, id: string): TaskRecord | undefined {
    try {
      return JSON.parse(Deno.readTextFileSync(this.#path(namespace, id))) as TaskRecord;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** All of them; what can't be read is left out. */
  all(): TaskRecord[] {
    const folder = `${this.#places.folder}/tasks`;
    return names(folder).flatMap((namespace) =>
      names(`${folder}/${namespace}`).flatMap((file) => {
        if (!file.endsWith(".json")) return [];
        try {
          return this.read(namespace, file.slice(0, -".json".length)) ?? [];
        } catch (error) {
          if (error instanceof SyntaxError) return [];
          throw error;
        }
      })
    );
  }

  #path(namespace: string, id: string): string {
    return `${this.#places.tasks(namespace)}/${id}.json`;
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
