/**
 * The streams of one process of a task, from before its start to after its end.
 *
 * The process itself has the fifos of containerd's client open, so what it writes does not go
 * through this program, and it lives on without it. Only a terminal is copied.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { isThere } from "../../../ffi/files/file_status.ts";
import { receiveFd } from "../../../ffi/sockets/socket.ts";
import { acceptStream, listenAt } from "../../../ffi/sockets/unix_listener.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { ProcessOptions } from "../../process.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import { Console } from "./console.ts";
import { Logger } from "./logger.ts";
import { openInput, openOutput, schemeOf, type StreamNames, type StreamOwner } from "./targets.ts";
import { Unread } from "./unread.ts";

/** Whose streams they are. */
export interface StreamsOf {
  readonly id: string;
  readonly namespace: string;
  readonly owner: StreamOwner;
  readonly poller: Poller;
  /** A free path for a socket. */
  readonly socket: string;
  /**
   * Keeps an fd beyond the life of this program, until it is let go: a terminal's master end, or a
   * fifo that the terminal's program does not have open itself.
   */
  readonly keep: (fd: Fd, kind: "terminal" | "fifo") => Disposable;
}

/** A terminal's master end that was kept. */
export interface KeptTerminal {
  readonly fd: Fd;
  /** Lets it go. */
  readonly kept: Disposable;
}

/** Closes a terminal that is nobody's, and lets it go. */
export function closeTerminal({ fd, kept }: KeptTerminal): void {
  fd.close();
  kept[Symbol.dispose]();
}

/** The streams. */
export class TaskStreams implements AsyncDisposable {
  readonly #of: StreamsOf;
  readonly #names: StreamNames;
  readonly #given = new DisposableStack();
  readonly #held = new DisposableStack();
  readonly #unread = new Unread();
  readonly #options: { -readonly [Name in keyof ProcessOptions]: ProcessOptions[Name] } = {};
  #input: Fd | undefined;
  #output: Fd | undefined;
  #listener: Fd | undefined;
  #console: Console | undefined;
  #logger: Logger | undefined;
  #ending: Promise<void> | undefined;

  private constructor(names: StreamNames, of: StreamsOf) {
    this.#names = names;
    this.#of = of;
  }

  /**
   * Opens them for a process that is about to start.
   *
   * @throws {StatusError | SyscallError}
   */
  static async open(names: StreamNames, of: StreamsOf): Promise<TaskStreams> {
    const streams = new TaskStreams(names, of);
    try {
      await streams.#open();
      return streams;
    } catch (error) {
      await streams[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Holds those of a process that runs already, and was started by a program that has ended. A
   * client that has gone may have taken its fifos with it: what a terminal shows is dropped then.
   *
   * @param master its terminal, if that was kept
   * @throws {SyscallError} ENOENT if there is neither a fifo nor a terminal
   */
  static hold(names: StreamNames, of: StreamsOf, master: KeptTerminal | undefined): TaskStreams {
    const streams = new TaskStreams(names, of);
    try {
      streams.#holdAll(master !== undefined);
    } catch (error) {
      streams.#held.dispose();
      if (master !== undefined) closeTerminal(master);
      throw error;
    }
    streams.started();
    if (master !== undefined) streams.#connect(master.fd, master.kept);
    return streams;
  }

  /** Ends those of a process that had ended before this program began: its terminal runs dry. */
  static async endLate(
    names: StreamNames,
    of: StreamsOf,
    master: KeptTerminal | undefined,
  ): Promise<void> {
    try {
      await TaskStreams.hold(names, of, master).end();
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error; // the client has taken them away
    }
  }

  /** What the process is made with. */
  get options(): ProcessOptions {
    return this.#options;
  }

  /** Takes the terminal, if there is one, and closes what only the process needs. */
  started(): void {
    this.#given.dispose();
    this.#logger?.closeEnds();
    if (this.#listener === undefined) return;
    using connection = acceptStream(this.#listener);
    this.#closeListener();
    const master = connection === undefined ? undefined : receiveFd(connection);
    if (master === undefined) throw new StatusError("Internal", "the terminal was not handed over");
    this.#connect(master, this.#of.keep(master, "terminal"));
  }

  /** Sets the size of the terminal; nothing happens without one. */
  resize(columns: number, rows: number): void {
    this.#console?.resize(columns, rows);
  }

  /** Ends the process's input, once the client has closed it as well. */
  closeInput(): void {
    this.#input?.close();
  }

  /** The process has ended: what it wrote is passed on, and then the client sees the end. */
  end(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  /** Closes all of them, whatever is on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unread[Symbol.dispose]();
    this.#given.dispose();
    this.#console?.[Symbol.dispose]();
    this.#held.dispose();
    this.#closeListener();
    await this.#logger?.end();
  }

  async #end(): Promise<void> {
    this.closeInput();
    await this.#console?.drained();
    this.#console?.[Symbol.dispose]();
    this.#unread.hold();
    this.#held.dispose();
    await this.#unread.read();
  }

  async #open(): Promise<void> {
    const { terminal, stdin, stdout, stderr } = this.#names;
    const { id, namespace, owner, poller, socket } = this.#of;
    if (terminal) {
      this.#holdAll();
      this.#listener = listenAt(socket);
      Object.assign(this.#options, { terminal: true, consoleSocket: socket });
      return;
    }
    if (stdin !== "") {
      const { process, held } = openInput(stdin, owner);
      this.#given.use(process);
      this.#input = held === undefined ? undefined : this.#held.use(held);
      this.#options.stdin = process.number;
    } else this.#options.stdin = "null";
    if (schemeOf(stdout) === "binary") {
      this.#logger = await Logger.start(stdout, id, namespace, poller);
      this.#options.stdout = this.#logger.stdout.number;
      this.#options.stderr = this.#logger.stderr.number;
      return;
    }
    this.#options.stdout = this.#give(stdout);
    // A file gets both: its second name is not given.
    this.#options.stderr = this.#give(schemeOf(stdout) === "file" ? stdout : stderr);
  }

  #give(name: string): number | "null" {
    if (name === "") return "null";
    const { process, held, isRead } = openOutput(name, this.#of.owner);
    if (held !== undefined) this.#held.use(held);
    if (!isRead) this.#unread.add(name);
    return this.#given.use(process).number;
  }

  /**
   * Opens the fifos alone, not what a process would get.
   *
   * @param isTolerant leaves out those that are not there
   */
  #holdAll(isTolerant = false): void {
    const { stdin, stdout, stderr, terminal } = this.#names;
    const { owner } = this.#of;
    const hold = (name: string, isInput: boolean): Fd | undefined => {
      if (name === "" || (schemeOf(name) ?? "fifo") !== "fifo") return undefined;
      if (isTolerant && !isThere(name)) return undefined;
      const opened = isInput ? openInput(name, owner) : openOutput(name, owner);
      const { process, held, isRead } = opened;
      if (!isRead) this.#unread.add(name);
      if (held === undefined) return this.#held.use(process); // a file
      process.close();
      return this.#held.use(held);
    };
    this.#input = hold(stdin, true);
    this.#output = hold(stdout, false);
    if (!terminal) hold(stderr, false);
  }

  #connect(master: Fd, kept: Disposable): void {
    this.#held.use(kept);
    for (const fifo of [this.#input, this.#output]) {
      if (fifo !== undefined) this.#held.use(this.#of.keep(fifo, "fifo"));
    }
    this.#console = new Console(master, this.#of.poller);
    this.#console.connect(this.#input, this.#output);
  }

  #closeListener(): void {
    if (this.#listener === undefined) return;
    this.#listener.close();
    this.#listener = undefined;
    Deno.removeSync(this.#of.socket);
  }
}
