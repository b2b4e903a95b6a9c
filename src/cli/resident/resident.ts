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
import { oneLine } from "../output/output.ts";
import { isInUserNamespace } from "../../own/rights.ts";
import { RecentStates } from "../../state/recent_states.ts";
import { Client, type ClientPeer } from "./client.ts";
import { ClientGone } from "./client_channel.ts";
import { clientAddresses } from "./client_program.ts";
import { restEngineThreads } from "../../own/engine_threads.ts";
import { MemoryReturn } from "../../own/memory_return.ts";
import { IdleTimer } from "./idle_timer.ts";
import type { Listening } from "./listening.ts";
import { type Peer, Self } from "./peer.ts";
import { answerQuestion, QUESTION } from "./questions.ts";
import { RemoteCaller } from "./remote_caller.ts";
import { lacksFds } from "./lacks_fds.ts";
import { isServed } from "./served.ts";

/** Whose command is not done here. */
const NOBODY: ClientPeer = {
  identity: { pid: 0, startTime: 0, bootId: "" },
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
/** With more commands under way each is begun with a message of its own, and waits for its turn then. */
const QUIET = 4;
/** For how many turns of its promises a command is let go on before the next caller is looked for. */
const HEAD_START = 64;
/** How many more fds than it has a client must be able to take for its children. */
const MORE_FDS = 128;

/** What a resident is. */
export interface ResidentOptions {
  /** Which build of hull it is; clients of others are left to themselves. */
  readonly build: string;
  /** After how many milliseconds without a command it ends; never without one. */
  readonly idle: number | undefined;
  /** Does a caller's command; gives its exit code. */
  readonly main: (args: readonly string[], caller: Caller) => Promise<number>;
}

/** A resident hull. */
export class Resident {
  readonly #options: ResidentOptions;
  readonly #poller = new Poller({ hasOthers: () => this.#idle.count > 1 });
  readonly #self = new Self();
  readonly #addresses = clientAddresses();
  readonly #states = new RecentStates();
  readonly #isHostRoot = Deno.uid() === 0 && !isInUserNamespace();
  readonly #ending = new AbortController();
  readonly #idle: IdleTimer;
  readonly #memory = new MemoryReturn();
  #served = 0;

  /** Serves nobody yet. */
  constructor(options: ResidentOptions) {
    this.#options = options;
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

  /** Takes no more commands. */
  end(): void {
    this.#ending.abort();
  }

  async #attend(socket: Fd): Promise<void> {
    using _busy = this.#idle.busy();
    using opened = new DisposableStack();
    opened.use(socket);
    const hello = receivePacket(socket, HELLO_SIZE)?.bytes ?? await this.#hello(socket);
    if (hello === undefined || hello.length === 0) return;
    const text = new TextDecoder().decode(hello);
    if (text.startsWith(QUESTION)) {
      const word = answerQuestion(socket, text, { ...this.#options, served: this.#served });
      if (word === "stop") this.end();
      return;
    }
    const peer = this.#known(socket, text);
    using client = new Client(socket, this.#poller, this.#addresses, peer ?? NOBODY);
    using _held = client.held; // also of a client that is gone: what is undone then needs it
    try {
      if (peer === undefined || peer.fds.size + MORE_FDS > peer.fdLimit) {
        return await client.leave();
      }
      using caller = new RemoteCaller(client, peer, this.#states);
      if (!isServed(peer, caller, this.#isHostRoot)) return await client.leave();
      client.begin(this.#self.securebits);
      this.#served++;
      this.#memory.note();
      if (this.#idle.count > QUIET) await client.run([]); // its turn may come after it has given up
      await caller.finish(await this.#options.main(peer.args, caller));
    } catch (error) {
      if (error instanceof NotHere || lacksFds(error)) return await client.leave();
      if (!(error instanceof ClientGone)) throw error;
    }
  }

  /** The first message of who connected, if it is not there yet; undefined if none comes in time. */
  async #hello(socket: Fd): Promise<Uint8Array | undefined> {
    const limit = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(HELLO_MS)]);
    for (;;) {
      await this.#poller.until(limit).wait(socket).catch(() => {});
      const packet = receivePacket(socket, HELLO_SIZE)?.bytes;
      if (packet !== undefined || limit.aborted) return packet;
    }
  }

  /** Who it is, if this program may do its commands. */
  #known(socket: Fd, build: string): Peer | undefined {
    if (build === this.#options.build) {
      try {
        const peer = this.#self.lookAt(socket);
        // A client says nothing before it is asked, so an answer means that it is gone; then what was
        // read of its number may have been another's.
        return receivePacket(socket, 1) === undefined ? peer : undefined;
      } catch (error) {
        if (failedWith(error, "ESRCH", "ENOENT")) return undefined; // it has ended meanwhile
        throw error;
      }
    }
    this.end(); // after an upgrade the clients are of another build: this program's time is over
    return undefined;
  }
}
