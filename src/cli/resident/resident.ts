/**
 * The resident hull: one program that does the commands of many callers, so that none of them has
 * to start a runtime. It keeps nothing that is not in the root folder: when it is killed, the next
 * command goes without it.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { acceptPackets, type Packet, receivePacket } from "../../../ffi/sockets/packet_socket.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { type Caller, NotHere } from "../caller/caller.ts";
import { oneLine } from "../output/output.ts";
import { Client, ClientGone, type ClientPeer } from "./client.ts";
import { clientAddresses } from "./client_program.ts";
import { IdleTimer } from "./idle_timer.ts";
import { lookAt, type Peer, Self } from "./peer.ts";
import { answerQuestion, QUESTION } from "./questions.ts";
import { RemoteCaller } from "./remote_caller.ts";
import { isServed } from "./served.ts";

/** Whose command is not done here. */
const NOBODY: ClientPeer = {
  identity: { pid: 0, startTime: 0, bootId: "" },
  fds: new Set(),
  environment: [],
  words: { address: 0n, sizes: [] },
};
const HELLO_SIZE = 256;
const STREAMS = 3;

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
  readonly #poller = new Poller();
  readonly #self = new Self();
  readonly #addresses = clientAddresses();
  readonly #ending = new AbortController();
  readonly #idle: IdleTimer;
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
  async serve(listener: Fd): Promise<void> {
    const { signal } = this.#ending;
    const poller = this.#poller.until(signal);
    const open = new Set<Promise<void>>();
    while (!signal.aborted) {
      const socket = acceptPackets(listener);
      if (socket === undefined) {
        await poller.wait(listener).catch(() => {}); // it was told to end
        continue;
      }
      const attended: Promise<void> = this.#attend(socket)
        .catch((error) => console.error(`hull resident: ${oneLine(error)}`))
        .finally(() => open.delete(attended));
      open.add(attended);
    }
    await Promise.all(open);
  }

  /** Takes no more commands. */
  end(): void {
    this.#ending.abort();
  }

  async #attend(socket: Fd): Promise<void> {
    using _busy = this.#idle.busy();
    using opened = new DisposableStack();
    opened.use(socket);
    const hello = await this.#hello(socket);
    if (hello === undefined) return;
    for (const fd of hello.fds) opened.use(fd);
    const text = new TextDecoder().decode(hello.bytes);
    if (text.startsWith(QUESTION)) {
      const word = answerQuestion(socket, text, { ...this.#options, served: this.#served });
      if (word === "stop") this.end();
      return;
    }
    const peer = this.#known(socket, text, hello);
    using client = new Client(socket, this.#poller, this.#addresses, peer ?? NOBODY);
    using caller = peer === undefined ? undefined : new RemoteCaller(client, peer, hello.fds);
    try {
      if (peer === undefined || caller === undefined || !isServed(peer, caller)) {
        return await client.leave();
      }
      this.#served++;
      await caller.finish(await this.#options.main(peer.args, caller));
    } catch (error) {
      if (error instanceof NotHere) return await client.leave();
      if (!(error instanceof ClientGone)) throw error;
    }
  }

  /** The first message of who connected. */
  async #hello(socket: Fd): Promise<Packet | undefined> {
    for (;;) {
      const packet = receivePacket(socket, HELLO_SIZE, STREAMS);
      if (packet !== undefined) return packet.bytes.length === 0 ? undefined : packet;
      await this.#poller.wait(socket);
    }
  }

  /** Who it is, if this program may do its commands. */
  #known(socket: Fd, build: string, { fds }: Packet): Peer | undefined {
    if (build === this.#options.build && fds.length === STREAMS) {
      try {
        const peer = lookAt(socket, this.#self);
        // A client says nothing before it is asked, so an answer means that it is gone; then what was
        // read of its number may have been another's.
        return receivePacket(socket, 1) === undefined ? peer : undefined;
      } catch (error) {
        if (error instanceof SyscallError && /^(ESRCH|ENOENT)$/.test(error.code)) return undefined;
        throw error; // else the process has ended meanwhile
      }
    }
    for (const fd of fds) fd.close();
    // After an upgrade the clients are of another build: this program's time is over.
    if (build !== this.#options.build) this.end();
    return undefined;
  }
}
