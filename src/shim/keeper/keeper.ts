/**
 * Keeps fds beyond the life of this process: in the keeper, and in an index of what each is.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { Fd, read, writeAll } from "../../../ffi/files/file.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { copyFdOf, openPidfd, reapChild, signalPidfd } from "../../../ffi/processes/process.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { programImage } from "../../../ffi/program/program_image.ts";
import { startProgram } from "../../process/memory_program.ts";
import { socketPair } from "../../../ffi/sockets/socket.ts";
import { identify, openIdentified, type ProcessIdentity } from "../../state/process_identity.ts";
import { ANSWER_SIZE, keeperProgram, NONE, REQUEST_SIZE } from "./keeper_program.ts";

const NAME = "hull-shim-keeper";
/** Who wants to end the shim as a whole has this time to kill the other processes, too. */
export const SUCCESSION_MS = 1000;

/** What is known of the keeper. */
interface KnownKeeper {
  readonly identity: ProcessIdentity;
  /** The number that it has this process's end of the socket under. */
  readonly socket: number;
  /** The number of its own end. */
  readonly served: number;
}

/** What an fd is. */
export interface Kept {
  readonly kind: "listener" | "connection" | "terminal" | "fifo";
  /** Whose it is: a client's socket, or a task's process. */
  readonly of: string;
}

/** An fd that was kept. */
export interface Found extends Kept {
  /** By which it is dropped. */
  readonly number: number;
  readonly fd: Fd;
}

/** What the index says of an fd. */
interface Entry extends Kept {
  /** The number that the keeper has it under; an older build's entry is named after that. */
  readonly at?: number;
}

/**
 * The keeper, as this process sees it. One that was killed is followed by another, which gets all
 * that this process still has open.
 */
export class Keeper {
  readonly #folder: string;
  readonly #root: string;
  readonly #held = new Map<number, Found & { readonly at: number }>();
  #process: KeeperProcess;
  #next = 1;
  #isEnded = false;
  #isWatched = false;
  #requests = 0n;

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.#root = root;
    this.#process = reachProcess(folder) ?? this.#start();
    for (const [number] of this.#index()) this.#next = Math.max(this.#next, number + 1);
  }

  /**
   * The keeper that is there, or a new one.
   *
   * @param folder of the index
   * @param root names the keeper's process among others
   * @throws {SyscallError}
   */
  static attach(folder: string, root: string): Keeper {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new Keeper(folder, root);
  }

  /** The fds that were kept for a process before this one. What the index lacks is closed. */
  found(): Found[] {
    const kept = this.#index();
    const known = new Set(kept.map(([number, { at = number }]) => at));
    for (const number of this.#numbers()) {
      if (!known.has(number)) this.#ask(number, NONE, NONE);
    }
    return kept.flatMap(([number, { kind, of, at = number }]) => {
      try {
        const fd = copyFdOf(this.#process.pidfd, at);
        this.#held.set(number, { kind, of, number, fd, at });
        return [{ kind, of, number, fd }];
      } catch (error) {
        if (!failedWith(error, "EBADF")) throw error;
        this.#forget(number);
        return [];
      }
    });
  }

  /**
   * Keeps an fd.
   *
   * @returns the number by which it is dropped
   * @throws {SyscallError}
   */
  keep(fd: Fd, what: Kept): number {
    const number = this.#next++;
    this.#surely(() => this.#put({ ...what, number, fd }));
    return number;
  }

  /** Keeps it no longer. */
  drop(number: number): void {
    this.#forget(number);
    const at = this.#held.get(number)?.at;
    this.#held.delete(number);
    if (at !== undefined) this.#surely(() => this.#ask(at, NONE, NONE));
  }

  /** Sees to it that there is always one, until its end. */
  async watch(poller: Poller): Promise<void> {
    this.#isWatched = true;
    for (;;) {
      const { pidfd } = this.#process;
      await poller.wait(pidfd);
      await pause(SUCCESSION_MS);
      if (this.#isEnded) return;
      if (this.#process.pidfd === pidfd) this.#renew();
      reapChild(pidfd);
      pidfd.close();
    }
  }

  /** Ends the keeper itself, with all that it has. */
  end(): void {
    this.#isEnded = true;
    signalPidfd(this.#process.pidfd, SIGKILL);
    this.#process.socket.close();
    if (!this.#isWatched) this.#process.pidfd.close();
  }

  #start(): KeeperProcess {
    for (const { name } of Deno.readDirSync(this.#folder)) {
      Deno.removeSync(`${this.#folder}/${name}`);
    }
    return startProcess(this.#folder, this.#root);
  }

  /** What the killed one had is still open here, but for what is about to be closed. */
  #renew(): void {
    this.#process.socket.close();
    if (!this.#isWatched) this.#process.pidfd.close();
    this.#process = this.#start();
    for (const held of [...this.#held.values()]) {
      if (held.fd.isOpen) this.#put(held);
      else this.#held.delete(held.number);
    }
  }

  /** Asks a new keeper if the one that is known has been killed. */
  #surely(ask: () => void): void {
    try {
      ask();
    } catch (error) {
      if (!failedWith(error, "EPIPE", "ECONNRESET")) throw error;
      this.#renew();
      ask();
    }
  }

  #put(one: Found): void {
    const { kind, of, number, fd } = one;
    const at = this.#ask(NONE, Deno.pid, fd.number);
    if (at < 0) throw new SyscallError("pidfd_getfd", -at);
    try {
      const entry = JSON.stringify({ kind, of, at } satisfies Entry);
      Deno.writeTextFileSync(`${this.#folder}/${number}`, entry, { mode: 0o600 });
    } catch (error) {
      this.#forget(number);
      this.#ask(at, NONE, NONE);
      throw error;
    }
    this.#held.set(number, { ...one, at });
  }

  #ask(close: number, pid: number, number: number): number {
    const request = new DataView(new ArrayBuffer(REQUEST_SIZE));
    const id = BigInt(Deno.pid) << 32n | this.#requests++;
    [BigInt(close), BigInt(pid), BigInt(number), id].forEach((word, k) =>
      request.setBigInt64(8 * k, word, true)
    );
    writeAll(this.#process.socket, new Uint8Array(request.buffer));
    for (;;) {
      const answer = read(this.#process.socket, ANSWER_SIZE);
      if (answer?.length !== ANSWER_SIZE) throw new SyscallError("read", EPIPE);
      const view = new DataView(answer.buffer, answer.byteOffset);
      // Others are for a process that was killed before it had its answer.
      if (view.getBigInt64(8, true) === id) return Number(view.getBigInt64(0, true));
    }
  }

  #index(): [number, Entry][] {
    return [...Deno.readDirSync(this.#folder)].flatMap(({ name }): [number, Entry][] => {
      if (!/^\d+$/.test(name)) return [];
      const text = Deno.readTextFileSync(`${this.#folder}/${name}`);
      return text === "" ? [] : [[Number(name), JSON.parse(text) as Entry]];
    });
  }

  /** The numbers of the fds that the keeper has, beside its socket's. */
  #numbers(): number[] {
    const known = readKnown(this.#folder);
    if (known === undefined) return [];
    const folder = `/proc/${known.identity.pid}/fd`;
    const numbers = [...Deno.readDirSync(folder)].map(({ name }) => Number(name));
    return numbers.filter((fd) => fd > 2 && fd !== known.socket && fd !== known.served);
  }

  #forget(number: number): void {
    try {
      Deno.removeSync(`${this.#folder}/${number}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

const EPIPE = 32;
const KNOWN = "keeper.json";

/** The keeper's process, and this program's end of its socket. */
interface KeeperProcess {
  readonly pidfd: Fd;
  readonly socket: Fd;
}

function reachProcess(folder: string): KeeperProcess | undefined {
  const known = readKnown(folder);
  using stack = new DisposableStack();
  const pidfd = known && openIdentified(known.identity);
  if (known === undefined || pidfd === undefined) return undefined;
  stack.use(pidfd);
  try {
    const socket = stack.use(copyFdOf(pidfd, known.socket));
    stack.move();
    return { pidfd, socket };
  } catch (error) {
    if (failedWith(error, "ESRCH", "EBADF", "EPERM")) return undefined;
    throw error;
  }
}

function startProcess(folder: string, root: string): KeeperProcess {
  using sockets = socketPair();
  const { ours, theirs } = sockets;
  const inherited = [theirs.number, ours.number] as const;
  const image = programImage(keeperProgram(...inherited));
  const who = "what keeps the shim's files";
  const pid = startProgram(image, { words: [NAME, root], inherited, who });
  const known = {
    identity: identify(pid) as ProcessIdentity,
    socket: ours.number,
    served: theirs.number,
  };
  Deno.writeTextFileSync(`${folder}/${KNOWN}`, JSON.stringify(known), { mode: 0o600 });
  return { pidfd: openPidfd(pid), socket: new Fd(ours.release()) };
}

function readKnown(folder: string): KnownKeeper | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${folder}/${KNOWN}`)) as KnownKeeper;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
