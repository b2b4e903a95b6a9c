/**
 * Who has a command done by this resident, and whether it may: the resident does it with its own
 * rights, in its own namespaces, so the caller must have the same.
 *
 * Source: unix(7), SO_PEERCRED; proc(5).
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { decodeRaw, encodeRaw } from "../../../ffi/c/raw_text.ts";
import { readLinkAt } from "../../../ffi/files/entries.ts";
import {
  type Fd,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  open,
  openAt,
  readAll,
} from "../../../ffi/files/file.ts";
import { statAt } from "../../../ffi/files/file_status.ts";
import { entries } from "../../../ffi/files/folder.ts";
import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import { signalsIn, statusField, statusMask } from "../../../ffi/processes/process_status.ts";
import { softLimitOf } from "../../../ffi/processes/rlimit.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { peerOf } from "../../../ffi/sockets/packet_socket.ts";
import type { WordsInMemory } from "./resumption.ts";
import { identify, type ProcessIdentity } from "../../state/process_identity.ts";

/** A process that asks for a command. */
export interface Peer {
  readonly identity: ProcessIdentity;
  /** The words behind its name. */
  readonly args: readonly string[];
  /** `NAME=value`, each. */
  readonly environment: readonly string[];
  /** Its working folder's path. */
  readonly folder: string;
  /** Its words in its own memory. */
  readonly words: WordsInMemory;
  /** The numbers of the fds that it has open. */
  readonly fds: ReadonlySet<number>;
  /** How many it may have open. */
  readonly fdLimit: number;
  /** The signals that it ignores. */
  readonly ignored: readonly number[];
}

/** What must be the same in its /proc/PID/status. */
const SAME = [
  "Uid",
  "Gid",
  "Umask",
  "CapInh",
  "CapPrm",
  "CapEff",
  "CapBnd",
  "CapAmb",
  "NoNewPrivs",
  "Seccomp",
] as const;

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"] as const;

/** Of the fields behind the name. */
const WORDS_FIELD = 48 - 3;

/** What this program is, for comparison. */
export class Self {
  readonly #proc = open("/proc/self", O_PATH | O_DIRECTORY);
  readonly #identity = identityIn(textOf(this.#proc, "status"));
  readonly #places = places(this.#proc);
  /** See capabilities(7). */
  readonly securebits = ownSecurebits();

  /**
   * Whether a process is the same in all that counts.
   *
   * @param proc its folder in /proc
   * @param status the text of `status` there
   */
  isLike(proc: Fd, status: string): boolean {
    const own = this.#places;
    return identityIn(status).every((value, k) => value === this.#identity[k]) &&
      places(proc).every((place, k) => place === own[k]);
  }
}

/** Who a process is, and what it may do. */
function identityIn(status: string): readonly (string | undefined)[] {
  return [...SAME.map((name) => statusField(status, name)), groupsOf(status)];
}

/**
 * All groups that a process is in. Its own one may be among the further ones as well, as in a shell
 * of root's, or not, as in a service of systemd's.
 */
function groupsOf(status: string): string {
  const further = (statusField(status, "Groups") ?? "").split(" ").filter((id) => id !== "");
  const [, own = ""] = (statusField(status, "Gid") ?? "").split("\t");
  return [...new Set([...further, own])].sort().join(" ");
}

/** Its namespaces, its root with the mount that it is in, and its label of a security module. */
function places(proc: Fd): readonly string[] {
  const { fileSystem, inode, mountId } = statAt(proc, "root/");
  return [
    ...NAMESPACES.map((name) => readLinkAt(proc, `ns/${name}`)),
    `${fileSystem}:${inode}:${mountId}`,
    labelOf(proc),
  ];
}

/** Empty where no security module gives any. */
function labelOf(proc: Fd): string {
  try {
    return textOf(proc, "attr/current");
  } catch (error) {
    if (failedWith(error, "EINVAL", "ENOENT")) return "";
    throw error;
  }
}

function ownSecurebits(): number {
  const program = new SyscallProgram([{ syscall: "prctl", args: [PR_GET_SECUREBITS] }]);
  program.run();
  return program.result(0);
}

/**
 * Who is at the other end of a connection. The process waits for an answer; what is read of it here
 * counts only if the connection still stands afterwards, since its number might be another's by now.
 *
 * @returns undefined if this program may not do its commands
 * @throws {SyscallError} if it is gone
 */
export function lookAt(socket: Fd, self: Self): Peer | undefined {
  const { pid } = peerOf(socket);
  const identity = pid > 0 ? identify(pid) : undefined;
  if (identity === undefined) return undefined;
  using proc = open(`/proc/${pid}`, O_PATH | O_DIRECTORY);
  const status = textOf(proc, "status");
  if (!self.isLike(proc, status)) return undefined;
  const folder = readLinkAt(proc, "cwd");
  if (!isAt(folder, proc)) return undefined;
  using fds = openAt(proc, "fd", O_RDONLY | O_DIRECTORY);
  const all = words(proc, "cmdline");
  return {
    identity,
    args: all.slice(1),
    words: { address: wordsAddress(proc), sizes: all.map((word) => encodeRaw(word).length + 1) },
    environment: words(proc, "environ"),
    folder,
    fdLimit: softLimitOf("RLIMIT_NOFILE", pid),
    ignored: signalsIn(statusMask(status, "SigIgn")),
    fds: new Set(entries(fds).map((name) => parseInt(new TextDecoder().decode(name)))),
  };
}

/** Whether its working folder is where its path says: it may have been removed or moved. */
function isAt(folder: string, proc: Fd): boolean {
  try {
    using place = open(folder, O_PATH | O_DIRECTORY);
    const [here, there] = [statAt(place, ""), statAt(proc, "cwd/")];
    return here.fileSystem === there.fileSystem && here.inode === there.inode;
  } catch {
    return false;
  }
}

/** Where its words begin in its memory: field 48 of /proc/PID/stat. */
function wordsAddress(proc: Fd): bigint {
  const stat = textOf(proc, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return BigInt(fields[WORDS_FIELD] ?? 0);
}

function words(proc: Fd, file: string): string[] {
  return textOf(proc, file).split("\0").slice(0, -1);
}

function textOf(proc: Fd, file: string): string {
  using fd = openAt(proc, file);
  return decodeRaw(readAll(fd));
}
