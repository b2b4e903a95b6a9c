/**
 * Which fds a client has open: the resident tells it the numbers of those that it opens.
 *
 * @module
 */

import type { Peer } from "./peer.ts";

/** The fds of one client. */
export class ClientFds {
  readonly #peer: Pick<Peer, "fds">;
  #numbers: Set<number> | undefined;

  /** @param peer is asked once, before the client is told to open the first one */
  constructor(peer: Pick<Peer, "fds">) {
    this.#peer = peer;
  }

  /** Their numbers. */
  get numbers(): ReadonlySet<number> {
    return this.#known();
  }

  /** Notes one that it has opened. */
  add(number: number): void {
    this.#known().add(number);
  }

  /** The lowest number that is free there, which is the next that it opens; it is open from now on. */
  next(): number {
    const known = this.#known();
    let number = 0;
    while (known.has(number)) number++;
    known.add(number);
    return number;
  }

  #known(): Set<number> {
    return this.#numbers ??= new Set(this.#peer.fds);
  }
}
