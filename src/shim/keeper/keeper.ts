/**
 * Keeps fds beyond the life of this process: in the keeper, and in an index of what each is.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { Fd, read, writeAll } from "../../../ffi/files/file.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { copyFdOf, openPidfd, signalPidfd } from "../../../ffi/processes/process.ts";
import { programImage } from "../../../ffi/program/program_image.ts";
import { startProgram } from "../../process/memory_program.ts";
import { socketPair } from "../../../ffi/sockets/socket.ts";
import { identify, openIdentified, type ProcessIdentity } from "../../state/process_identity.ts";
import { ANSWER_SIZE, keeperProgram, NONE, REQUEST_SIZE } from "./keeper_program.ts";

const NAME = "hull-shim-keeper";

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
  readonly number: number;
  readonly fd: Fd;
}

/** The keeper, as this process sees it. */
export class Keeper {
  readonly #folder: string;
  readonly #pidfd: Fd;
  readonly #socket: Fd;
  #requests = 0n;

  private constructor(folder: string, pidfd: Fd, socket: Fd) {
    this.#folder = folder;
    this.#pidfd = pidfd;
    this.#socket = socket;
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
    return Keeper.#reach(folder) ?? Keeper.#start(folder, root);
  }

  static #reach(folder: string): Keeper | undefined {
    const known = readKnown(folder);
    using stack = new DisposableStack();
    const pidfd = known && openIdentified(known.identity);
    if (known === undefined || pidfd === undefined) return undefined;
    stack.use(pidfd);
    try {
      const socket = stack.use(copyFdOf(pidfd, known.socket));
      stack.move();
      return new Keeper(folder, pidfd, socket);
    } catch (error) {
      if (failedWith(error, "ESRCH", "EBADF", "EPERM")) return undefined;
      throw error;
    }
  }

  static #start(folder: string, root: string): Keeper {
    for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`);
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
    return new Keeper(folder, openPidfd(pid), new Fd(ours.release()));
  }

  /** The fds that were kept for a process before this one. What the index lacks is closed. */
  found(): Found[] {
    const kept = new Map(this.#index());
    for (const number of this.#numbers()) {
      if (!kept.has(number)) this.#ask(number, NONE, NONE);
    }
    return [...kept].flatMap(([number, what]) => {
      try {
        return [{ ...what, number, fd: copyFdOf(this.#pidfd, number) }];
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
    const number = this.#ask(NONE, Deno.pid, fd.number);
    if (number < 0) throw new SyscallError("pidfd_getfd", -number);
    Deno.writeTextFileSync(`${this.#folder}/${number}`, JSON.stringify(what), { mode: 0o600 });
    return number;
  }

  /** Keeps it no longer. */
  drop(number: number): void {
    this.#forget(number);
    this.#ask(number, NONE, NONE);
  }

  /** Ends the keeper itself, with all that it has. */
  end(): void {
    signalPidfd(this.#pidfd, SIGKILL);
    this.#socket.close();
    this.#pidfd.close();
  }

  #ask(close: number, pid: number, number: number): number {
    const request = new DataView(new ArrayBuffer(REQUEST_SIZE));
    const id = BigInt(Deno.pid) << 32n | this.#requests++;
    [BigInt(close), BigInt(pid), BigInt(number), id].forEach((word, k) =>
      request.setBigInt64(8 * k, word, true)
    );
    writeAll(this.#socket, new Uint8Array(request.buffer));
    for (;;) {
      const answer = read(this.#socket, ANSWER_SIZE);
      if (answer?.length !== ANSWER_SIZE) throw new SyscallError("read", EPIPE);
      const view = new DataView(answer.buffer, answer.byteOffset);
      // Others are for a process that was killed before it had its answer.
      if (view.getBigInt64(8, true) === id) return Number(view.getBigInt64(0, true));
    }
  }

  #index(): [number, Kept][] {
    return [...Deno.readDirSync(this.#folder)].flatMap(({ name }): [number, Kept][] => {
      if (!/^\d+$/.test(name)) return [];
      const text = Deno.readTextFileSync(`${this.#folder}/${name}`);
      return text === "" ? [] : [[Number(name), JSON.parse(text) as Kept]];
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

function readKnown(folder: string): KnownKeeper | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${folder}/${KNOWN}`)) as KnownKeeper;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
