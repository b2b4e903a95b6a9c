/**
 * What a resident reads of the process of a client, all at once: one program makes the calls, since
 * each call by itself takes several times as long. What only some commands need is in
 * closer_look.ts.
 *
 * Source: proc(5), namespaces(7), process_vm_readv(2).
 *
 * @module
 */

import { EAGAIN } from "../../../ffi/c/errno.ts";
import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type Fd,
  O_DIRECTORY,
  O_PATH,
} from "../../../ffi/files/file.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import type { Operation, Space } from "../../../ffi/program/operation.ts";
import type { ClientAddresses } from "./client_program.ts";
import { closing, link, opening, PROC, reading, space, status } from "./look_calls.ts";
import { LookProgram, PID, SOCKET } from "./looked_program.ts";

/** The files that are read, and how many bytes they mostly have at most. */
const FILES = { status: 8192, cmdline: 16384, environ: 65536 } as const;
/** What a security module calls the process. */
const LABEL = "attr/current";
const LABEL_SIZE = 512;

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] as const;
const LINK_SIZE = 64;
const LINKS = space("links", NAMESPACES.length * LINK_SIZE);
const PATH_SIZE = 4096;
const FOLDER = space("folder", PATH_SIZE + 1);
const BUILD = "build";
const SAID = { space: 256, name: "said" } as const;
const MORE = { space: 1, name: "more" } as const;
/** In struct statx, in words of 32 bits: the inode; the device that it is on; the mount. */
const WHERE_FIELDS = [8, 9, 34, 35, 36, 37] as const;

/** What was read of a process. */
export interface Seen {
  /** The texts of some files in its folder. */
  readonly files: Readonly<Record<keyof typeof FILES, Uint8Array<ArrayBuffer>>>;
  /** Its namespaces, its root with the mount that this is in, and its label, to be compared. */
  readonly places: string;
  /** Its working folder's path. */
  readonly folder: Uint8Array<ArrayBuffer>;
  /** Whether that path leads there. */
  readonly isAtFolder: boolean;
}

/** A process at the other end of a connection. */
export interface SeenPeer {
  /** What it has where a client of this build says which one it is of; undefined if there is nothing. */
  readonly build: Uint8Array | undefined;
  /** Its first message, which is taken; undefined if there is none yet. */
  readonly said: Uint8Array<ArrayBuffer> | undefined;
  /** Whether it is there afterwards, and waits for an answer. */
  readonly isThere: boolean;
  readonly seen: Seen;
}

/** Looks at processes, one after another. */
export class Look {
  readonly #program: LookProgram;
  /** A kernel without security modules has no labels. */
  readonly #hasLabels = optionalText(`/proc/self/${LABEL}`) !== "";

  /** @param addresses where a client has what */
  constructor({ build }: ClientAddresses) {
    this.#program = new LookProgram([
      ...Object.entries(FILES).flatMap(([name, size]) => reading(name, size)),
      ...(this.#hasLabels ? reading(LABEL, LABEL_SIZE) : []),
      ...NAMESPACES.map((name, k) =>
        link(`ns/${name}`, { field: LINKS, offset: k * LINK_SIZE }, LINK_SIZE)
      ),
      status("root", PROC, "root/"),
      link("cwd", FOLDER, PATH_SIZE),
      opening("place", AT_FDCWD, FOLDER, O_PATH | O_DIRECTORY),
      status("there", { result: "place" }, "", AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH),
      status("cwd/", PROC, "cwd/"),
      closing("place"),
      memory(build.address, build.size),
      receiving(SAID),
      receiving(MORE),
    ]);
  }

  /**
   * Reads all of a process.
   *
   * @throws {SyscallError} ENOENT or ESRCH if there is none
   */
  at(pid: number): Seen {
    return this.atPeer(pid).seen;
  }

  /**
   * The same of who has connected. What is read of its number may be of another process only if it
   * does not wait any more afterwards.
   *
   * @throws {SyscallError} ENOENT or ESRCH if there is none
   */
  atPeer(pid: number, socket?: Fd): SeenPeer {
    const program = this.#program;
    program.output(FOLDER.name).fill(0);
    program.output(LINKS.name).fill(0);
    using proc = program.run(pid, socket?.number);
    const files = Object.entries(FILES).map((
      [name, size],
    ) => [name, program.file(proc, name, size)]);
    const seen: Seen = {
      files: Object.fromEntries(files) as Seen["files"],
      places: this.#places(proc),
      folder: program.copy(FOLDER.name, Math.max(0, program.result("cwd"))),
      isAtFolder: program.result("there") >= 0 && program.result("cwd/") >= 0 &&
        this.#where("there") === this.#where("cwd/"),
    };
    const room = program.output(BUILD);
    // Of a part of it the rest would be what was there before.
    const build = program.result(BUILD) === room.length ? room : undefined;
    const size = program.result(SAID.name);
    const said = size < 0 ? undefined : program.copy(SAID.name, size);
    return { seen, build, said, isThere: program.result(MORE.name) === -EAGAIN };
  }

  #places(proc: Fd): string {
    const links = decodeRaw(this.#program.output(LINKS.name));
    this.#program.required("root");
    const label = this.#hasLabels ? this.#program.file(proc, LABEL, LABEL_SIZE).toHex() : "";
    return `${links} ${this.#where("root")} ${label}`;
  }

  /** Which file a look was at, and the mount that it is in. */
  #where(name: string): string {
    const { buffer, byteOffset } = this.#program.output(name);
    const words = new Uint32Array(buffer, byteOffset, WHERE_FIELDS.at(-1) as number + 1);
    return WHERE_FIELDS.map((at) => words[at]).join(":");
  }
}

/** Takes a message, without waiting for one. */
function receiving(into: Space): Operation {
  const args = [SOCKET, into, into.space, 0, 0, 0];
  return { label: into.name, syscall: "recvfrom", args, onError: "continue" };
}

/** Reads the process's memory, as far as there is any. */
function memory(address: bigint, size: number): Operation {
  const ours = { words: [space(BUILD, size), size] };
  const theirs = { words: [address, size] };
  return {
    label: BUILD,
    syscall: "process_vm_readv",
    args: [PID, ours, 1, theirs, 1, 0],
    onError: "continue",
  };
}
