/**
 * What a resident reads of the process of a client, all at once: one program makes the calls, since
 * each call by itself takes several times as long.
 *
 * Source: proc(5), namespaces(7).
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  openAt,
  readAll,
} from "../../../ffi/files/file.ts";
import {
  decodeStatus,
  S_IFCHR,
  S_IFMT,
  STATUS_SIZE,
  STATX_BASIC_AND_MOUNT,
} from "../../../ffi/files/file_status.ts";
import { entries, namesIn } from "../../../ffi/files/folder.ts";
import { RLIMITS } from "../../../ffi/processes/rlimit.ts";
import type { Argument, Operation, Space } from "../../../ffi/program/operation.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";

/** The files that are read, and how many bytes they mostly have at most. */
const FILES = {
  status: 8192,
  stat: 1024,
  cmdline: 16384,
  environ: 65536,
  "attr/current": 512,
} as const;
const LABEL = "attr/current";

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] as const;
/** Its standard streams. */
const STREAMS = ["fd/0", "fd/1", "fd/2"] as const;
const LINK_SIZE = 64;
const PATH_SIZE = 4096;
const NAMES_SIZE = 8192;
const LIMIT_SIZE = 16;
/** The major number of the devices of memory. */
const MEMORY = 1;
const PROC: Argument = { result: "proc" };

/** What was read of a process. */
export interface Seen {
  /** The texts of some files in its folder; an empty one where there is no such file. */
  readonly files: Readonly<Record<keyof typeof FILES, Uint8Array<ArrayBuffer>>>;
  /** Its namespaces, its root and the mount that this is in, to be compared. */
  readonly places: string;
  /** Its working folder's path. */
  readonly folder: Uint8Array<ArrayBuffer>;
  /** Whether that path leads there. */
  readonly isAtFolder: boolean;
  /** The names in its folder of fds. */
  readonly fds: readonly Uint8Array<ArrayBuffer>[];
  /** Those of its standard streams that may be terminals. */
  readonly terminals: ReadonlySet<number>;
  /** How many fds it may have open: struct rlimit64. */
  readonly fdLimit: Uint8Array<ArrayBuffer>;
}

/** Looks at processes, one after another. */
export class Look {
  readonly #path = space("path", 32);
  readonly #pid = space("pid", 8);
  readonly #folder = space("folder", PATH_SIZE + 1);
  readonly #program = new SyscallProgram([
    {
      label: "proc",
      syscall: "openat",
      args: [AT_FDCWD, this.#path, O_PATH | O_DIRECTORY | O_CLOEXEC],
      onError: "continue",
    },
    ...Object.entries(FILES).flatMap(([name, size]) => reading(name, size)),
    ...NAMESPACES.map((name) => link(`ns/${name}`, space(`ns/${name}`, LINK_SIZE))),
    status("root", PROC, "root/"),
    ...STREAMS.map((stream) => status(stream, PROC, stream, 0)),
    link("cwd", this.#folder),
    opening("place", AT_FDCWD, this.#folder, O_PATH | O_DIRECTORY),
    status("there", { result: "place" }, "", AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH),
    status("cwd/", PROC, "cwd/"),
    closing("place"),
    opening("fd", PROC, "fd", O_RDONLY | O_DIRECTORY),
    listing("names"),
    listing("more"),
    closing("fd"),
    {
      label: "limit",
      syscall: "prlimit64",
      args: [
        { heldIn: this.#pid, offset: 0 },
        RLIMITS["RLIMIT_NOFILE"] as number,
        0,
        space("limit", LIMIT_SIZE),
      ],
      onError: "continue",
    },
  ]);

  /**
   * Reads all of a process.
   *
   * @throws {SyscallError} ENOENT or ESRCH if there is none
   */
  at(pid: number): Seen {
    const program = this.#program;
    program.output("path").fill(0);
    new TextEncoder().encodeInto(`/proc/${pid}`, program.output("path"));
    new DataView(program.memory.buffer, program.output("pid").byteOffset).setInt32(0, pid, true);
    program.output("folder").fill(0);
    program.run();
    using proc = new Fd(this.#required("proc"));
    this.#required("limit"); // what is there otherwise may be of the process before
    const files = Object.entries(FILES).map(([name, size]) => [name, this.#file(proc, name, size)]);
    return {
      files: Object.fromEntries(files) as Seen["files"],
      places: this.#places(),
      folder: program.output("folder").slice(0, Math.max(0, program.result("cwd"))),
      isAtFolder: ["there", "cwd/"].every((name) => program.result(name) >= 0) &&
        this.#fileAt("there") === this.#fileAt("cwd/"),
      fds: this.#names(proc),
      terminals: new Set(
        STREAMS.flatMap((name, stream) => this.#mayBeTerminal(name) ? [stream] : []),
      ),
      fdLimit: this.#copy("limit", LIMIT_SIZE),
    };
  }

  #file(proc: Fd, name: string, size: number): Uint8Array<ArrayBuffer> {
    // a kernel without security modules has no label
    const isOptional = name === LABEL;
    if (!isOptional) this.#required(name); // the process may have ended since it was found
    const length = isOptional
      ? Math.max(0, this.#program.result(`${name}.read`))
      : this.#required(`${name}.read`);
    if (length < size) return this.#copy(`${name}.bytes`, length);
    using file = openAt(proc, name);
    return readAll(file);
  }

  #places(): string {
    const links = NAMESPACES.map((name) => {
      const length = Math.max(0, this.#program.result(`ns/${name}`));
      return this.#program.output(`ns/${name}`).subarray(0, length).toHex();
    });
    this.#required("root");
    return [...links, this.#fileAt("root")].join(" ");
  }

  /** Which file a look was at, and the mount that it is in. */
  #fileAt(name: string): string {
    const { fileSystem, inode, mountId } = decodeStatus(this.#program.output(name));
    return `${fileSystem}:${inode}:${mountId}`;
  }

  #mayBeTerminal(stream: string): boolean {
    if (this.#program.result(stream) < 0) return false; // it is closed
    const { mode, deviceMajor } = decodeStatus(this.#program.output(stream));
    return (mode & S_IFMT) === S_IFCHR && deviceMajor !== MEMORY;
  }

  #names(proc: Fd): readonly Uint8Array<ArrayBuffer>[] {
    this.#required("fd");
    if (this.#required("more") === 0) return namesIn(this.#copy("names", this.#required("names")));
    using folder = openAt(proc, "fd", O_RDONLY | O_DIRECTORY);
    return entries(folder);
  }

  #copy(name: string, size: number): Uint8Array<ArrayBuffer> {
    return this.#program.output(name).slice(0, size) as Uint8Array<ArrayBuffer>;
  }

  #required(label: string): number {
    const result = this.#program.result(label);
    if (result >= 0) return result;
    const call = this.#program.operations.find((operation) => operation.label === label);
    throw new SyscallError(call?.syscall ?? "", -result, label);
  }
}

function space(name: string, size: number): Space {
  return { space: size, name };
}

function opening(label: string, folder: Argument, path: Argument, flags: number): Operation {
  const args = [folder, path, flags | O_CLOEXEC];
  return { label, syscall: "openat", args, onError: "continue" };
}

function closing(label: string): Operation {
  return { syscall: "close", args: [{ result: label }], onError: "continue" };
}

function reading(name: string, size: number): Operation[] {
  const bytes = space(`${name}.bytes`, size);
  return [
    opening(name, PROC, name, O_RDONLY),
    {
      label: `${name}.read`,
      syscall: "read",
      args: [{ result: name }, bytes, size],
      onError: "continue",
    },
    closing(name),
  ];
}

function link(path: string, into: Space): Operation {
  const args = [PROC, path, into, Math.min(into.space, PATH_SIZE)];
  return { label: path, syscall: "readlinkat", args, onError: "continue" };
}

function status(
  name: string,
  folder: Argument,
  path: string,
  flags = AT_SYMLINK_NOFOLLOW,
): Operation {
  const args = [folder, path, flags, STATX_BASIC_AND_MOUNT, space(name, STATUS_SIZE)];
  return { label: name, syscall: "statx", args, onError: "continue" };
}

function listing(name: string): Operation {
  const args = [{ result: "fd" }, space(name, NAMES_SIZE), NAMES_SIZE];
  return { label: name, syscall: "getdents64", args, onError: "continue" };
}
