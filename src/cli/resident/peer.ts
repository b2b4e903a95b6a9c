/**
 * Who has a command done by this resident, and whether it may: the resident does it with its own
 * rights, in its own namespaces, so the caller must have the same.
 *
 * Source: unix(7), SO_PEERCRED; proc(5).
 *
 * @module
 */

import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { bootId } from "../../../ffi/files/kernel_constants.ts";
import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import { signalsIn, statusField, statusMask } from "../../../ffi/processes/process_status.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { peerOf } from "../../../ffi/sockets/packet_socket.ts";
import { type ProcessIdentity, startTimeIn } from "../../state/process_identity.ts";
import { Look, type Seen } from "./look.ts";
import type { WordsInMemory } from "./resumption.ts";

/** What must be the same in its /proc/PID/status. */
const SAME = /^(?:Umask|Uid|Gid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):.*$/gm;

/** Of the fields behind the name. */
const WORDS_FIELD = 48 - 3;

/** What this program is, for comparison. */
export class Self {
  readonly #look = new Look();
  readonly #identity: string;
  readonly #places: string;
  /** See capabilities(7). */
  readonly securebits = ownSecurebits();

  /** Looks at this program. */
  constructor() {
    const seen = this.#look.at(Deno.pid);
    this.#identity = identityIn(decodeRaw(seen.files.status));
    this.#places = placesIn(seen);
  }

  /**
   * Who is at the other end of a connection. The process waits for an answer; what is read of it here
   * counts only if the connection still stands afterwards, since its number might be another's by
   * now.
   *
   * @returns undefined if this program may not do its commands
   * @throws {SyscallError} if it is gone
   */
  lookAt(socket: Fd): Peer | undefined {
    const { pid } = peerOf(socket);
    if (pid <= 0) return undefined;
    const seen = this.#look.at(pid);
    const status = decodeRaw(seen.files.status);
    const isLike = identityIn(status) === this.#identity && placesIn(seen) === this.#places;
    return isLike && seen.isAtFolder ? new Peer(pid, seen, status) : undefined;
  }
}

/** A process that asks for a command. */
export class Peer {
  readonly identity: ProcessIdentity;
  /** The words behind its name. */
  readonly args: readonly string[];
  /** `NAME=value`, each. */
  readonly environment: readonly string[];
  /** Its working folder's path. */
  readonly folder: string;
  /** The numbers of the fds that it has open. */
  readonly fds: ReadonlySet<number>;
  /** Those of its standard streams that may be terminals. */
  readonly terminals: ReadonlySet<number>;
  /** How many it may have open. */
  readonly fdLimit: number;
  /** The signals that it ignores. */
  readonly ignored: readonly number[];
  readonly #seen: Seen;

  /**
   * Takes what was seen of it.
   *
   * @param status the text of its /proc/PID/status
   */
  constructor(pid: number, seen: Seen, status: string) {
    const { files, folder, fds, terminals, fdLimit } = seen;
    this.#seen = seen;
    this.identity = {
      pid,
      startTime: startTimeIn(decodeRaw(files.stat)),
      bootId: bootId(),
    };
    this.args = words(files.cmdline).slice(1);
    this.environment = words(files.environ);
    this.folder = decodeRaw(folder);
    this.fds = new Set(fds.map(numberIn));
    this.terminals = terminals;
    this.fdLimit = Number(new DataView(fdLimit.buffer).getBigUint64(0, true));
    this.ignored = signalsIn(statusMask(status, "SigIgn"));
  }

  /** Its words in its own memory. */
  get words(): WordsInMemory {
    const { stat, cmdline } = this.#seen.files;
    return { address: wordsAddress(decodeRaw(stat)), sizes: wordSizes(cmdline) };
  }
}

/** Who a process is, and what it may do. */
function identityIn(status: string): string {
  return [...status.match(SAME) ?? [], groupsOf(status)].join("\n");
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
function placesIn({ places, files }: Seen): string {
  return `${places} ${files["attr/current"].toHex()}`;
}

function ownSecurebits(): number {
  const program = new SyscallProgram([{ syscall: "prctl", args: [PR_GET_SECUREBITS] }]);
  program.run();
  return program.result(0);
}

/** Where its words begin in its memory: field 48 of /proc/PID/stat. */
function wordsAddress(stat: string): bigint {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return BigInt(fields[WORDS_FIELD] ?? 0);
}

/** How many bytes each word has, with the NUL behind it. */
function wordSizes(cmdline: Uint8Array): number[] {
  const sizes: number[] = [];
  for (let at = 0; at < cmdline.length; at += sizes.at(-1) as number) {
    const end = cmdline.indexOf(0, at);
    sizes.push((end < 0 ? cmdline.length : end) + 1 - at);
  }
  return sizes;
}

function words(bytes: Uint8Array): string[] {
  return decodeRaw(bytes).split("\0").slice(0, -1);
}

/** The number that a name is, which ends in NUL. */
function numberIn(name: Uint8Array): number {
  return name.subarray(0, -1).reduce((number, digit) => 10 * number + digit - 0x30, 0);
}
