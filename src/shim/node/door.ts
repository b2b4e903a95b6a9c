/**
 * The sockets of the process that serves, and the connections to them. The keeper has all of them
 * as well: if this process is killed, the next one goes on with every call, and no peer sees an
 * end.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { acceptStream, listenAt } from "../../../ffi/sockets/unix_listener.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { Journal, type Standing } from "../../ttrpc/journal.ts";
import { type Methods, serveConnection } from "../../ttrpc/server.ts";
import type { Found, Keeper } from "../keeper/keeper.ts";
import type { Places } from "../host/places.ts";
import { toldStatus } from "../host/status_of.ts";

/** What outlives this program of a connection. */
interface KeptConnection {
  readonly number: number;
  readonly journal: Journal;
  readonly standing?: Standing;
}

/** What a door works with. */
export interface DoorOptions {
  readonly places: Places;
  readonly poller: Poller;
  readonly keeper: Keeper;
  readonly warn: (error: unknown) => void;
  /** Called when a connection has ended. */
  readonly onEnd: () => void;
}

/** All sockets and connections. */
export class Door {
  readonly #options: DoorOptions;
  readonly #listeners = new Map<string, Found>();
  readonly #kept = new Map<string, Found[]>();
  #connections = 0;

  /** @param found what a process before this one had */
  constructor(options: DoorOptions, found: readonly Found[]) {
    this.#options = options;
    for (const one of found) {
      if (one.kind === "listener") this.#listeners.set(one.of, one);
      else if (one.kind === "connection") {
        this.#kept.set(one.of, [...this.#kept.get(one.of) ?? [], one]);
      }
    }
    const numbers = new Set(found.map(({ number }) => String(number)));
    const { calls } = options.places;
    for (const { name } of Deno.readDirSync(calls)) {
      if (!numbers.has(name)) Deno.removeSync(`${calls}/${name}`);
    }
  }

  /** How many peers there are. */
  get connections(): number {
    return this.#connections;
  }

  /** The path of a socket. */
  path(name: string): string {
    return `${this.#options.places.sockets}/${name}`;
  }

  /** Serves at a socket; goes on with the calls of those who are connected already. */
  open(name: string, methods: Methods): void {
    for (const { fd, number } of this.#kept.get(name) ?? []) {
      const { journal, standing } = Journal.goOn(this.#journal(number));
      this.#serve(fd, methods, { number, journal, standing });
    }
    this.#kept.delete(name);
    this.#accept(name, this.#listener(name), methods).catch((error) => {
      this.#options.warn(error);
      Deno.exit(1); // nobody would be heard any more: another process begins anew
    });
  }

  /** The same for a socket whose connections are not kept, since each is for one call. */
  openShortly(name: string, serve: (socket: Fd) => Promise<void>): void {
    const { poller, warn, onEnd } = this.#options;
    const listener = this.#listener(name);
    const accept = async () => {
      for (;;) {
        const socket = acceptStream(listener);
        if (socket === undefined) await poller.wait(listener);
        else serve(socket).catch(warn).finally(onEnd);
      }
    };
    accept().catch((error) => {
      warn(error);
      Deno.exit(1);
    });
  }

  #listener(name: string): Fd {
    const known = this.#listeners.get(name);
    if (known !== undefined) return known.fd;
    const path = this.path(name);
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const fd = listenAt(path);
    const number = this.#options.keeper.keep(fd, { kind: "listener", of: name });
    this.#listeners.set(name, { kind: "listener", of: name, fd, number });
    return fd;
  }

  async #accept(name: string, listener: Fd, methods: Methods): Promise<void> {
    const { poller, keeper } = this.#options;
    for (;;) {
      const socket = acceptStream(listener);
      if (socket === undefined) {
        await poller.wait(listener);
        continue;
      }
      let number: number | undefined;
      try {
        number = keeper.keep(socket, { kind: "connection", of: name });
        this.#serve(socket, methods, { number, journal: Journal.begin(this.#journal(number)) });
      } catch (error) {
        // Without room for it a connection is served all the same, as long as this program lives.
        this.#options.warn(error);
        if (number !== undefined) keeper.drop(number);
        this.#serve(socket, methods);
      }
    }
  }

  #serve(socket: Fd, methods: Methods, kept?: KeptConnection): void {
    const { poller, keeper, warn, onEnd } = this.#options;
    this.#connections++;
    serveConnection(socket, poller, methods, toldStatus, kept)
      .catch(warn)
      .finally(() => {
        kept?.journal[Symbol.dispose]();
        if (kept !== undefined) keeper.drop(kept.number);
        this.#connections--;
        onEnd();
      });
  }

  #journal(number: number): string {
    return `${this.#options.places.calls}/${number}`;
  }
}
