/**
 * Who has a command done by this resident, and whether it may: the resident does it with its own
 * rights, in its own namespaces, so the caller must have the same.
 *
 * Source: unix(7), SO_PEERCRED; proc(5).
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { bootId } from "../../../ffi/files/kernel_constants.ts";
import { PR_GET_SECUREBITS } from "../../../ffi/processes/credentials.ts";
import { signalsIn, statusField, statusMask } from "../../../ffi/processes/process_status.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { PeerLook } from "../../../ffi/sockets/packet_socket.ts";
import { type ProcessIdentity, startTimeIn } from "../../state/process_identity.ts";
import { ClientGone } from "./client_channel.ts";
import type { ClientAddresses } from "./client_program.ts";
import { CloserLook, type SeenCloser } from "./closer_look.ts";
import { Look, type Seen } from "./look.ts";
import type { WordsInMemory } from "./resumption.ts";

/** What must be the same in its /proc/PID/status. */
const SAME =
  /^(?:Umask|Uid|Gid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters):.*$/gm;

/** Of the fields behind the name. */
const WORDS_FIELD = 48 - 3;

/** Who has connected. */
export interface Found {
  /** What it has said; undefined if that is still to come. */
  readonly said: Uint8Array | undefined;
  /** Whether its memory says that it is a client of this build. */
  readonly isClient: boolean;
  /** Undefined if this program may not do its commands. */
  readonly peer: Peer | undefined;
}

/** What this program is, for comparison. */
export class Self {
  readonly #who = new PeerLook();
  readonly #look: Look;
  readonly #closer = new CloserLook();
  readonly #build: string;
  readonly #identity: string;
  readonly #places: string;
  /** See capabilities(7). */
  readonly securebits = ownSecurebits();

  /**
   * Looks at this program.
   *
   * @param build its name
   * @param addresses where a client has what
   */
  constructor(build: string, addresses: ClientAddresses) {
    this.#look = new Look(addresses);
    this.#build = build;
    const seen = this.#look.at(Deno.pid);
    this.#identity = identityIn(decodeRaw(seen.files.status));
    this.#places = seen.places;
  }

  /**
   * Who is at the other end of a connection. The process waits for an answer. A client says nothing
   * but which build it is of before it is asked, so one that does, or is at its end, is gone; then
   * what was read of its number may have been another's.
   *
   * @throws {SyscallError} ENOENT or ESRCH if it is gone
   */
  lookAt(socket: Fd): Found {
    const { pid } = this.#who.at(socket);
    if (pid <= 0) return { said: undefined, isClient: false, peer: undefined };
    const { seen, build, said, isThere } = this.#look.atPeer(pid, socket);
    const isClient = build !== undefined && decodeRaw(build) === this.#build;
    if (!isThere) return { said, isClient, peer: undefined };
    const status = decodeRaw(seen.files.status);
    const isLike = seen.places === this.#places && identityIn(status) === this.#identity;
    const peer = isLike && seen.isAtFolder ? new Peer(pid, seen, status, this.#closer) : undefined;
    return { said, isClient, peer };
  }
}

/** A process that asks for a command. */
export class Peer {
  readonly pid: number;
  /** The words behind its name. */
  readonly args: readonly string[];
  /** `NAME=value`, each. */
  readonly environment: readonly string[];
  /** Its working folder's path. */
  readonly folder: string;
  readonly #seen: Seen;
  readonly #status: string;
  readonly #look: CloserLook;
  #closer: SeenCloser | undefined;
  #terminals: ReadonlySet<number> | undefined;

  /**
   * Takes what was seen of it.
   *
   * @param status the text of its /proc/PID/status
   * @param look looks closer at it when more is asked: it waits for this program
   */
  constructor(pid: number, seen: Seen, status: string, look: CloserLook) {
    this.pid = pid;
    this.#seen = seen;
    this.#status = status;
    this.#look = look;
    this.args = words(seen.files.cmdline).slice(1);
    this.environment = words(seen.files.environ);
    this.folder = decodeRaw(seen.folder);
  }

  get identity(): ProcessIdentity {
    return { pid: this.pid, startTime: startTimeIn(this.#closely.stat), bootId: bootId() };
  }

  /** The numbers of the fds that it has open. */
  get fds(): ReadonlySet<number> {
    return this.#closely.fds;
  }

  /** How many it may have open. */
  get fdLimit(): number {
    return this.#closely.fdLimit;
  }

  /** Those of its standard streams that may be terminals. */
  get terminals(): ReadonlySet<number> {
    return this.#terminals ??= unlessEnded(() => this.#look.terminals(this.pid));
  }

  /** The signals that it ignores. */
  get ignored(): readonly number[] {
    return signalsIn(statusMask(this.#status, "SigIgn"));
  }

  /** Its words in its own memory. */
  get words(): WordsInMemory {
    const { cmdline } = this.#seen.files;
    return { address: wordsAddress(this.#closely.stat), sizes: wordSizes(cmdline) };
  }

  get #closely(): SeenCloser {
    return this.#closer ??= unlessEnded(() => this.#look.at(this.pid));
  }
}

/**
 * A look at a client that has been told nothing more than to wait.
 *
 * @throws {ClientGone} if it is not there any more: it was killed
 */
function unlessEnded<Result>(look: () => Result): Result {
  try {
    return look();
  } catch (error) {
    if (failedWith(error, "ESRCH", "ENOENT")) throw new ClientGone();
    throw error;
  }
}

/** Who a process is, and what it may do, by its /proc/PID/status. */
export function identityIn(status: string): string {
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
