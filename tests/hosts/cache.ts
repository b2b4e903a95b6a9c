/**
 * What machines are made of is kept: $XDG_CACHE_HOME/hull-hosts, or ~/.cache/hull-hosts.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** A part of the cache that nobody else makes meanwhile. */
export class CacheFolder implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #lock: Deno.FsFile;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /** Makes it, and waits for its lock. */
  static async take(name: string): Promise<CacheFolder> {
    const path = `${cacheHome()}/hull-hosts/${name}`;
    try {
      Deno.mkdirSync(path, { recursive: true });
      const lock = Deno.openSync(`${path}/lock`, { create: true, write: true });
      await lock.lock(true);
      return new CacheFolder(path, lock);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable || error instanceof Error)) throw error;
      throw new Refusal(`can't write to ${path}: ${error.message}; set XDG_CACHE_HOME`);
    }
  }

  /** Whether a part of it has been made to its end, of these very ingredients. */
  isReady(part: string, ingredients: string): boolean {
    try {
      return Deno.readTextFileSync(`${this.path}/${part}.of`) === ingredients;
    } catch {
      return false;
    }
  }

  /** A part is not what it was any more. */
  unready(part: string): void {
    try {
      Deno.removeSync(`${this.path}/${part}.of`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** A part is made. */
  ready(part: string, ingredients: string): void {
    Deno.writeTextFileSync(`${this.path}/${part}.of`, ingredients);
  }

  /** Lets others make it. */
  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

function cacheHome(): string {
  const xdg = Deno.env.get("XDG_CACHE_HOME") ?? "";
  return xdg.startsWith("/") ? xdg : `${Deno.env.get("HOME") ?? "/root"}/.cache`;
}
