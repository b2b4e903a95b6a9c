/**
 * One cgroup's folder: its files are read and written relative to an open descriptor, so that a
 * name can't lead anywhere else.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import {
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  open,
  openAt,
  readAll,
  writeAll,
} from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import { cgroupError, valueHint } from "./cgroup_errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What stands for "no limit" in hull's statistics, as in the files of cgroup v2. */
export type Limit = number | "max";

/** Hears of each write before it is made: to which file of which folder, and what it held. */
export type WriteNote = (path: string, name: string, before: string) => void;

/**
 * An open cgroup folder.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { CgroupFolder } from "./folder.ts";
 *
 * const path = Deno.makeTempDirSync();
 * Deno.writeTextFileSync(`${path}/pids.max`, "max\n");
 * {
 *   using folder = new CgroupFolder(path);
 *   folder.write("pids.max", "12", "/linux/resources/pids/limit");
 *   assert(folder.number("pids.max") === 12);
 *   assert(folder.readIfPresent("pids.peak") === undefined);
 * }
 * Deno.removeSync(path, { recursive: true });
 * ```
 */
export class CgroupFolder implements Disposable {
  /** The folder's path on the host. */
  readonly path: string;
  readonly #fd: Fd;
  readonly #note: WriteNote | undefined;

  /**
   * Opens the folder.
   *
   * @param path its path; for messages alone where `fd` is given
   * @param fd the folder, if it is open; it is closed with this one
   * @param note hears of each write to a file that can be read
   * @throws {ContainerError} SystemError if it can't be opened
   */
  constructor(path: string, fd?: Fd, note?: WriteNote) {
    this.path = path;
    this.#note = note;
    try {
      this.#fd = fd ?? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      throw cgroupError("cannot open the cgroup", error, path);
    }
  }

  /** The descriptor, for calls that want the folder itself. */
  get fd(): Fd {
    return this.#fd;
  }

  /** Closes the descriptor. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }

  /**
   * Writes a value with one write(2).
   *
   * @param pointer the field of config.json that the value comes from
   * @throws {ContainerError} SystemError, or Unsupported if there is no such file
   */
  write(name: string, value: string, pointer?: string): void {
    this.writeEach(name, [value], pointer);
  }

  /**
   * Writes several values to one file, each with a write(2) of its own.
   *
   * @throws {ContainerError} as `write`
   */
  writeEach(name: string, values: readonly string[], pointer?: string): void {
    checkName(name);
    this.#noteBefore(name);
    let writing = values[0] ?? "";
    try {
      using file = openAt(this.#fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW);
      for (const value of values) {
        writing = value;
        writeAll(file, encoder.encode(value));
      }
    } catch (error) {
      if (error instanceof SyscallError) throw this.failure(name, error, writing, pointer);
      throw error;
    }
  }

  /** As `write`, but returns the error of a system call that failed. */
  tryWrite(name: string, value: string): SyscallError | undefined {
    checkName(name);
    this.#noteBefore(name);
    try {
      using file = openAt(this.#fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW);
      writeAll(file, encoder.encode(value));
      return undefined;
    } catch (error) {
      if (error instanceof SyscallError) return error;
      throw error;
    }
  }

  #noteBefore(name: string): void {
    if (this.#note === undefined) return;
    let before: string;
    try {
      before = this.read(name);
    } catch {
      return; // it is only written to, or not there
    }
    this.#note(this.path, name, before);
  }

  /** The error for a value that the kernel refused. */
  failure(
    name: string,
    error: SyscallError,
    value: string,
    pointer?: string,
    hint?: string,
  ): ContainerError {
    const path = `${this.path}/${name}`;
    const missing = error.code === "ENOENT";
    return new ContainerError(
      missing ? "Unsupported" : "SystemError",
      missing ? `this cgroup has no ${name}` : `cannot write ${JSON.stringify(value)} to ${name}`,
      {
        step: "cgroups",
        syscall: error.syscall,
        errno: error.code,
        path,
        pointer,
        hint: missing
          ? "the kernel or the parent cgroup does not offer it"
          : hint ?? valueHint(name, error.code),
        cause: error,
      },
    );
  }

  /**
   * Reads a file.
   *
   * @throws {ContainerError} SystemError
   */
  read(name: string): string {
    checkName(name);
    try {
      using file = openAt(this.#fd, name, O_RDONLY | O_NOFOLLOW);
      return decoder.decode(readAll(file));
    } catch (error) {
      throw cgroupError(`cannot read ${name}`, error, `${this.path}/${name}`);
    }
  }

  /**
   * Reads a file that not every kernel has; undefined where there is none (or where the kernel
   * says that it is switched off: EOPNOTSUPP).
   *
   * @throws {ContainerError} SystemError for any other failure
   */
  readIfPresent(name: string): string | undefined {
    try {
      return this.read(name);
    } catch (error) {
      if (
        error instanceof ContainerError && /^(ENOENT|ENODEV|EOPNOTSUPP)$/.test(error.errno ?? "")
      ) {
        return undefined;
      }
      throw error;
    }
  }

  /** Whether there is such a file. */
  has(name: string): boolean {
    checkName(name);
    try {
      using _file = openAt(this.#fd, name, O_PATH | O_NOFOLLOW);
      return true;
    } catch (error) {
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }

  /** The number that a file holds; `fallback` where there is no such file. */
  number(name: string, fallback?: number): number {
    const text = fallback === undefined ? this.read(name) : this.readIfPresent(name);
    return text === undefined ? fallback as number : parseNumber(text, `${this.path}/${name}`);
  }

  /** The limit that a file holds; "max" where there is no such file. */
  limit(name: string): Limit {
    const text = this.readIfPresent(name)?.trim();
    return text === undefined || text === "max" ? "max" : parseNumber(text, `${this.path}/${name}`);
  }

  /** The numbers of a file of `key value` lines; lines of another form are left out. */
  table(name: string): Record<string, number> {
    return parseTable(this.readIfPresent(name) ?? "");
  }
}

/** The numbers of `key value` lines. */
export function parseTable(text: string): Record<string, number> {
  const table: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const match = /^(\S+) (-?\d+)$/.exec(line);
    if (match !== null) table[match[1] as string] = Number(match[2]);
  }
  return table;
}

function checkName(name: string): void {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new ContainerError(
      "ConfigInvalid",
      `${JSON.stringify(name)} is not a cgroup file's name`,
      {
        step: "cgroups",
      },
    );
  }
}

function parseNumber(text: string, path: string): number {
  const number = Number(text.trim());
  if (text.trim() !== "" && !Number.isNaN(number)) return number;
  throw new ContainerError("SystemError", `${path} holds no number: ${JSON.stringify(text)}`, {
    step: "cgroups",
    path,
  });
}
