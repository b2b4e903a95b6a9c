/**
 * Compiled profiles by the hash of what they were made from: files in a folder beside the
 * containers' state, so that a second start needs no compiler.
 *
 * Hull works without the cache: if an entry can't be read, the profile is compiled; if it can't be
 * written, it is not kept. A wrong entry would weaken a filter, so the cache is used only if its
 * folder belongs to this user alone, as for the states.
 *
 * @module
 */

import type { CompiledProfile } from "./seccomp_profile.ts";

/** The folder's name under the root folder. It is not a valid id, so no container can have it. */
export const CACHE_FOLDER = "~seccomp";
/** How many profiles are kept. */
export const MOST_ENTRIES = 64;

/**
 * The version of the file's layout and of what hull adds to a profile: the stub, the optimization.
 */
const FORMAT = 1;
const MAGIC = 0x686c6c73;
const HEADER_SIZE = 48;
const DIGEST_AT = 16;
const DIGEST_SIZE = 32;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const ENTRY = /^[0-9a-f]{64}$/;
const TEMPORARY = ".new-";
/** A temporary file of this age was left by a program that was killed. */
const STALE_MS = 60_000;

/**
 * The key of a profile: SHA-256 over all that decides what the program is.
 *
 * @param parts values that JSON can hold
 */
export async function cacheKey(parts: readonly unknown[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify([FORMAT, ...parts]));
  return (await digest(bytes)).toHex();
}

/** The profiles in one folder, which need not be there. */
export class ProfileCache {
  readonly #folder: string;

  /** A cache in `folder`, which is made with the first entry; its parent must be there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The profile of a key; undefined if there is none, or its file is damaged. */
  async get(key: string): Promise<CompiledProfile | undefined> {
    if (!this.#isOwn()) return undefined;
    try {
      return await decode(key, Deno.readFileSync(`${this.#folder}/${key}`));
    } catch {
      return undefined; // missing most often; whatever else it is, the profile can be compiled
    }
  }

  /** Stores a profile, whole or not at all, and removes the oldest ones beyond the limit. */
  async put(key: string, profile: CompiledProfile): Promise<void> {
    const bytes = await encode(key, profile);
    const temporary = `${this.#folder}/${TEMPORARY}${crypto.randomUUID()}`;
    try {
      if (!this.#exists()) Deno.mkdirSync(this.#folder, { mode: FOLDER_MODE });
      if (!this.#isOwn()) return;
      Deno.writeFileSync(temporary, bytes, { createNew: true, mode: FILE_MODE });
      Deno.renameSync(temporary, `${this.#folder}/${key}`);
      this.#prune();
    } catch {
      remove(temporary); // a full or read-only disk must not keep a container from starting
    }
  }

  #exists(): boolean {
    try {
      Deno.lstatSync(this.#folder);
      return true;
    } catch {
      return false;
    }
  }

  #isOwn(): boolean {
    try {
      const { isDirectory, uid, mode } = Deno.lstatSync(this.#folder);
      return isDirectory && uid === Deno.uid() && ((mode ?? 0o777) & 0o077) === 0;
    } catch {
      return false;
    }
  }

  #prune(): void {
    const entries: { path: string; time: number }[] = [];
    for (const { name } of Deno.readDirSync(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      const time = modified(path);
      if (ENTRY.test(name)) entries.push({ path, time });
      else if (name.startsWith(TEMPORARY) && Date.now() - time > STALE_MS) remove(path);
    }
    entries.sort((a, b) => b.time - a.time);
    for (const { path } of entries.slice(MOST_ENTRIES)) remove(path);
  }
}

/**
 * The file: magic and format; the sizes of the program and of the names; the SHA-256 of the key and
 * of what follows; the program; the names as JSON.
 */
async function encode(
  key: string,
  { program, unknown }: CompiledProfile,
): Promise<Uint8Array<ArrayBuffer>> {
  const names = new TextEncoder().encode(JSON.stringify(unknown));
  const bytes = new Uint8Array(HEADER_SIZE + program.length + names.length);
  const view = new DataView(bytes.buffer);
  [MAGIC, FORMAT, program.length, names.length].forEach((word, k) =>
    view.setUint32(4 * k, word, true)
  );
  bytes.set(program, HEADER_SIZE);
  bytes.set(names, HEADER_SIZE + program.length);
  bytes.set(await bodyDigest(key, bytes), DIGEST_AT);
  return bytes;
}

async function decode(
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<CompiledProfile | undefined> {
  if (bytes.length < HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer);
  const [magic, format, size = 0, names = 0] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  if (magic !== MAGIC || format !== FORMAT) return undefined;
  if (size === 0 || bytes.length !== HEADER_SIZE + size + names) return undefined;
  const expected = bytes.subarray(DIGEST_AT, DIGEST_AT + DIGEST_SIZE).toHex();
  if ((await bodyDigest(key, bytes)).toHex() !== expected) return undefined;
  const text = new TextDecoder().decode(bytes.subarray(HEADER_SIZE + size));
  return {
    program: bytes.slice(HEADER_SIZE, HEADER_SIZE + size),
    unknown: JSON.parse(text) as string[],
  };
}

/** The key is included, so that an entry under another entry's name counts as damaged. */
function bodyDigest(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const body = bytes.subarray(HEADER_SIZE);
  const all = new Uint8Array(DIGEST_SIZE + body.length);
  all.set(Uint8Array.fromHex(key));
  all.set(body, DIGEST_SIZE);
  return digest(all);
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function modified(path: string): number {
  try {
    return Deno.lstatSync(path).mtime?.getTime() ?? 0;
  } catch {
    return 0; // another hull removed it
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch { /* it was never made, or another hull removed it */ }
}
