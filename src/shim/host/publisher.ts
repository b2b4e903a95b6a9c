/**
 * Tells containerd what happens, in the order in which it happened. While containerd is away, the
 * events wait for it, and they outlive this program.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { encode, type Given } from "../../protobuf/message.ts";
import { TtrpcClient } from "../../ttrpc/client.ts";
import { anyOf, timestampOf } from "../messages/common.ts";
import { EVENTS, EVENTS_SERVICE, FORWARD, type Topic } from "../messages/events.ts";
import { Outbox } from "./outbox.ts";

/** Later ones replace the first ones: containerd asks for the state of all when it comes back. */
const MOST_WAITING = 4096;
const CALL_MS = 5000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** How often one event is sent that containerd does not take. */
const MOST_REFUSALS = 5;

/** The message of a topic. */
export type EventOf<Of extends Topic> = Given<(typeof EVENTS)[Of][1]>;

/** Sends events to one containerd. */
export class Publisher {
  readonly #path: string;
  readonly #outbox: Outbox;
  readonly #poller: Poller;
  readonly #warn: (error: unknown) => void;
  #client: TtrpcClient | undefined;
  #isSending = false;

  /**
   * Begins with what another program has left.
   *
   * @param address of containerd's ttrpc socket: a path, or a `unix://` URI; may be empty
   * @param outbox the file of what waits
   */
  constructor(address: string, outbox: string, poller: Poller, warn: (error: unknown) => void) {
    this.#path = address.replace(/^unix:\/\//, "");
    this.#outbox = new Outbox(outbox);
    this.#poller = poller;
    this.#warn = warn;
    this.#begin();
  }

  /** Sends an event behind those that wait. When this returns, it outlives this program. */
  publish<Of extends Topic>(namespace: string, topic: Of, event: EventOf<Of>): void {
    if (this.#path === "") return;
    const [typeUrl, message] = EVENTS[topic];
    const payload = encode(FORWARD, {
      envelope: {
        timestamp: timestampOf(Date.now()),
        namespace,
        topic,
        event: anyOf(typeUrl, message, event),
      },
    });
    this.#kept(() => this.#outbox.add(payload));
    if (this.#outbox.waiting.length > MOST_WAITING) this.#kept(() => this.#outbox.shift());
    this.#begin();
  }

  #begin(): void {
    if (!this.#isSending && this.#outbox.waiting.length > 0) void this.#sendAll();
  }

  /** Without room for it an event is sent all the same, if this program lives. */
  #kept(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#warn(error);
    }
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    const { waiting } = this.#outbox;
    let pauseMs = FIRST_PAUSE_MS;
    let refusals = 0;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const outcome = await this.#send(next);
      if (outcome === "sent" || (outcome === "refused" && ++refusals === MOST_REFUSALS)) {
        if (waiting[0] === next) this.#kept(() => this.#outbox.shift());
        refusals = 0;
        pauseMs = FIRST_PAUSE_MS;
        continue;
      }
      await pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
    this.#isSending = false;
  }

  async #send(payload: Uint8Array<ArrayBuffer>): Promise<"sent" | "refused" | "away"> {
    try {
      if (this.#client?.isOpen !== true) {
        this.#client = await TtrpcClient.connect(this.#path, this.#poller);
      }
      const call = { service: EVENTS_SERVICE, method: "Forward", payload, timeoutMs: CALL_MS };
      await this.#client.call(call);
      return "sent";
    } catch {
      return this.#client?.isOpen === true ? "refused" : "away";
    }
  }
}
