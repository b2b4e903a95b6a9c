/**
 * Tells containerd what happens, in the order in which it happened. While containerd is away, the
 * events wait for it.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { encode, type Given } from "../../protobuf/message.ts";
import { TtrpcClient } from "../../ttrpc/client.ts";
import { anyOf, timestampOf } from "../messages/common.ts";
import { EVENTS, EVENTS_SERVICE, FORWARD, type Topic } from "../messages/events.ts";

/** Later ones replace the first ones: containerd asks for the state of all when it comes back. */
const MOST_WAITING = 4096;
const CALL_MS = 5000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** How often one event is sent that containerd does not take. */
const MOST_REFUSALS = 5;

/** The message of a topic. */
export type EventOf<Of extends Topic> = Given<(typeof EVENTS)[Of][1]>;

interface Waiting {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly sent: () => void;
}

/** Sends events to one containerd. */
export class Publisher {
  readonly #path: string;
  readonly #poller: Poller;
  readonly #waiting: Waiting[] = [];
  #client: TtrpcClient | undefined;
  #isSending = false;

  /** @param address of containerd's ttrpc socket: a path, or a `unix://` URI; may be empty */
  constructor(address: string, poller: Poller) {
    this.#path = address.replace(/^unix:\/\//, "");
    this.#poller = poller;
  }

  /**
   * Sends an event behind those that wait.
   *
   * @param sent called once containerd has it
   */
  publish<Of extends Topic>(
    namespace: string,
    topic: Of,
    event: EventOf<Of>,
    sent: () => void = () => {},
  ): void {
    if (this.#path === "") return sent();
    const [typeUrl, message] = EVENTS[topic];
    const payload = encode(FORWARD, {
      envelope: {
        timestamp: timestampOf(Date.now()),
        namespace,
        topic,
        event: anyOf(typeUrl, message, event),
      },
    });
    this.#waiting.push({ payload, sent });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    let pauseMs = FIRST_PAUSE_MS;
    let refusals = 0;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const outcome = await this.#send(next.payload);
      if (outcome === "sent" || (outcome === "refused" && ++refusals === MOST_REFUSALS)) {
        if (this.#waiting[0] === next) this.#waiting.shift();
        next.sent();
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
