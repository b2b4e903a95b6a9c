/**
 * What the shim's own calls ask of the process that serves: the calls that containerd makes of the
 * shim's program, in short.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import {
  decode,
  encode,
  type Given,
  type MessageOf,
  type MessageTable,
  table,
} from "../../protobuf/message.ts";
import { TtrpcClient } from "../../ttrpc/client.ts";

/** The service's name. */
export const CONTROL_SERVICE = "hull.shim.v1.Control";

const CLIENT = table({
  namespace: [1, "string"],
  address: [2, "string"],
  ttrpcAddress: [3, "string"],
});
/** Opens the socket of a client. */
export const OPEN = table({ client: [1, CLIENT] });
/** Where it is. */
export const OPENED = table({ address: [1, "string"] });
/** Takes away what is left of a container. */
export const CLEAN = table({ client: [1, CLIENT], id: [2, "string"], bundle: [3, "string"] });

const CALL_MS = 60_000;

/** A connection to the process that serves. */
export class Control implements Disposable {
  readonly #client: TtrpcClient;

  private constructor(client: TtrpcClient) {
    this.#client = client;
  }

  /** Connects; undefined if no process serves. */
  static async connect(path: string, poller: Poller): Promise<Control | undefined> {
    try {
      return new Control(await TtrpcClient.connect(path, poller));
    } catch (error) {
      if (failedWith(error, "ENOENT", "ECONNREFUSED")) return undefined;
      throw error;
    }
  }

  /** Makes a call. */
  async call<Request extends MessageTable, Answer extends MessageTable>(
    method: string,
    request: Request,
    values: Given<Request>,
    answer: Answer,
  ): Promise<MessageOf<Answer>> {
    const payload = encode(request, values);
    const call = { service: CONTROL_SERVICE, method, payload, timeoutMs: CALL_MS };
    return decode(answer, await this.#client.call(call));
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
