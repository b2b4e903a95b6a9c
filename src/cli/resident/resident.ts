/**
 * The resident hull: one program that does the commands of many callers, so that none of them has
 * to start a runtime. It keeps nothing that is not in the root folder: when it is killed, the next
 * command goes without it.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { acceptPackets, receivePacket } from "../../../ffi/sockets/packet_socket.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import type { Flag } from "../flags/command.ts";
import { argumentFinder } from "../flags/options.ts";
import { oneLine } from "../output/output.ts";
import { isInUserNamespace } from "../../own/rights.ts";
import { RecentStates } from "../../state/recent_states.ts";
import { Client, type ClientPeer } from "./client.ts";
import { ClientGone } from "./client_channel.ts";
import { type ClientAddresses, clientAddresses } from "./client_program.ts";
import { restEngineThreads } from "../../own/engine_threads.ts";
import { MemoryReturn } from "../../own/memory_return.ts";
import { IdleTimer } from "./idle_timer.ts";
import type { Listening } from "./listening.ts";
import { type Found, type Peer, Self } from "./peer.ts";
import { answerQuestion, QUESTION } from "./questions.ts";
import { RemoteCaller } from "./remote_caller.ts";
import { lacksFds } from "./lacks_fds.ts";
import { isServed } from "./served.ts";

/** Whose command is not done here. */
const NOBODY: ClientPeer = {
  pid: 0,
  fds: new Set(),
  ignored: [],
  environment: [],
  words: { address: 0n, sizes: [] },
};
const HELLO_SIZE = 256;
/** A client says who it is as soon as it has connected. */
const HELLO_MS = 10_000;
/** What keeps a connection from being accepted for a while. */
const PASSING = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED"] as const;
const PAUSE_MS = 50;
/** After how long without any command this program's timers get their time. */
const REST_MS = 2000;
/** With more commands under way each is begun with a message of its own, and waits for its turn then. */
const QUIET = 4;
/** For how many turns of its promises a command is let go on before the next caller is looked for. */
const HEAD_START = 64;
/** How many more fds than it has a client must be able to take for its children. */
const MORE_FDS = 128;
/** Commands that have no children: for these nobody looks closer at a client. */
const LOOKS: readonly string[] = ["state", "list", "kill", "ps", "features"];

/** What a resident is. */
export interface ResidentOptions {
  /** Which build of hull it is; clients of others are left to themselves. */
  readonly build: string;
  /** After how many milliseconds without a command it ends; never without one. */
  readonly idle: number | undefined;
  /** hull's own flags, which stand before a command. */
  readonly flags: readonly Flag[];
  /** Does a caller's command; gives its exit code. */
  readonly main: (args: readonly string[], caller: Caller) => Promise<number>;
}

/** A resident hull. */
export class Resident {
  readonly #options: ResidentOptions;
  readonly #commandIn: (words: readonly string[]) => string | undefined;
  readonly #poller = new Poller({
    hasOthers: () => this.#idle.count > 1,
    lingerMs: () => this.#lingerMs(),
  });
  readonly #addresses: ClientAddresses;
  readonly #self: Self;
  readonly #states = new RecentStates();
  readonly #isHostRoot = Deno.uid() === 0 && !isInUserNamespace();
  readonly #ending = new AbortController();
  readonly #idle: IdleTimer;
  readonly #memory = new MemoryReturn();
  #served = 0;

  /** Serves nobody yet. */
  constructor(options: ResidentOptions) {
    this.#options = options;
    this.#commandIn = argumentFinder(options.flags);
    this.#addresses = clientAddresses(options.build);
    this.#self = new Self(options.build, this.#addresses);
    this.#idle = new IdleTimer(options.idle, () => this.end());
  }

  /**
   * Serves who connects until it is told to end, or has nothing to do for long enough; then ends
   * what it has begun.
   */
  async serve(listening: Listening): Promise<void> {
    restEngineThreads();
    clearTimeout(undefined); // the engine loads much for its first timer: not with the first command
    const open = new Set<Promise<void>>();
    {
      using _heard = listening; // another may listen while this one ends what it has begun
      const { signal } = this.#ending;
      while (!signal.aborted) {
        const socket = await this.#next(listening.socket);
        if (socket === undefined) continue;
        const attended: Promise<void> = this.#attend(socket)
          .catch((error) => console.error(`hull resident: ${oneLine(error)}`))
          .finally(() => open.delete(attended));
        open.add(attended);
        // What has begun comes first, up to where it waits for its client.
        for (let k = 0; k < HEAD_START; k++) await undefined;
      }
    }
    await Promise.all(open);
    this.#memory[Symbol.dispose]();
    this.#states[Symbol.dispose]();
  }

  /** The next connection; undefined if there is none yet. */
  async #next(listener: Fd): Promise<Fd | undefined> {
    const { signal } = this.#ending;
    try {
      const socket = acceptPackets(listener);
      if (socket === undefined) await this.#poller.until(signal).wait(listener);
      return socket;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!failedWith(error, ...PASSING)) throw error;
      await pause(PAUSE_MS);
      return undefined;
    }
  }

  /**
   * With nothing under way this thread waits for the next caller itself; with one command, for its
   * client, which mostly goes on at once.
   */
  #lingerMs(): number {
    const { count } = this.#idle;
    if (count > 1) return 0;
    return count === 1 ? 1 : Math.min(REST_MS, this.#options.idle ?? REST_MS);
  }

  /** Takes no more commands. */
  end(): void {
    this.#ending.abort();
  }

  async #attend(socket: Fd): Promise<void> {
    using _busy = this.#idle.busy();
    using opened = new DisposableStack();
    opened.use(socket);
    const found = this.#lookAt(socket);
    if (found === undefined) return;
    const { peer, isClient } = found;
    const said = found.said ?? (isClient ? undefined : await this.#hello(socket));
    if (said === undefined ? !isClient : said.length === 0) return;
    const text = said === undefined ? this.#options.build : new TextDecoder().decode(said);
    if (text.startsWith(QUESTION)) {
      const word = answerQuestion(socket, text, { ...this.#options, served: this.#served });
      if (word === "stop") this.end();
      return;
    }
    // After an upgrade the clients are of another build: this program's time is over.
    if (text !== this.#options.build) return this.end();
    const connection = { socket, isToSayHello: said === undefined };
    using client = new Client(connection, this.#poller, this.#addresses, peer ?? NOBODY);
    using _held = client.held; // also of a client that is gone: what is undone then needs it
    try {
      if (peer === undefined || !this.#hasRoom(peer)) return await client.leave();
      using caller = new RemoteCaller(client, peer, this.#states);
      if (!isServed(peer, caller, this.#isHostRoot)) return await client.leave();
      client.begin(this.#self.securebits);
      this.#served++;
      this.#memory.note();
      if (this.#idle.count > QUIET) await client.run([]); // its turn may come after it has given up
      await caller.finish(await this.#options.main(peer.args, caller));
      await client.heard();
    } catch (error) {
      if (error instanceof NotHere || lacksFds(error)) return await client.leave();
      if (!(error instanceof ClientGone)) throw error;
    }
  }

  /** Whether a client can take what its children need. */
  #hasRoom(peer: Peer): boolean {
    const command = this.#commandIn(peer.args);
    if (command === undefined || LOOKS.includes(command)) return true;
    return peer.fds.size + MORE_FDS <= peer.fdLimit;
  }

  /** Who has connected; undefined if it is gone. */
  #lookAt(socket: Fd): Found | undefined {
    try {
      return this.#self.lookAt(socket);
    } catch (error) {
      if (failedWith(error, "ESRCH", "ENOENT")) return undefined; // it has ended meanwhile
      throw error;
    }
  }

  /**
   * The first message of who connected and is not known to be a client; undefined if none comes in
   * time, or who it is was looked up too late.
   */
  async #hello(socket: Fd): Promise<Uint8Array | undefined> {
    const limit = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(HELLO_MS)]);
    for (;;) {
      await this.#poller.until(limit).wait(socket).catch(() => {});
      const packet = receivePacket(socket, HELLO_SIZE)?.bytes;
      if (packet !== undefined) return receivePacket(socket, 1) === undefined ? packet : undefined;
      if (limit.aborted) return undefined;
    }
  }
}
