/**
 * The resident of a run of tests, and how many commands it has served.
 *
 * @module
 */

import { Poller } from "../../ffi/waiting/poll.ts";
import { ask } from "../../src/cli/resident/questions.ts";
import { until } from "../fixtures/until.ts";
import type { CountedClient } from "./counted_client.ts";

const READY_SECONDS = 30;

/** A resident that may be killed and begun again. */
export class Serving {
  readonly #client: CountedClient;
  readonly #poller = new Poller();
  readonly #log: string;
  #process: Deno.ChildProcess | undefined;
  #served = 0;

  private constructor(client: CountedClient, log: string) {
    this.#client = client;
    this.#log = log;
  }

  /** Begins one. */
  static async begin(client: CountedClient, log: string): Promise<Serving> {
    Deno.writeTextFileSync(log, "");
    const serving = new Serving(client, log);
    await serving.#begin();
    return serving;
  }

  /** Kills it at once and begins another. */
  async killAndBegin(): Promise<void> {
    const { served = 0 } = await this.#status() ?? {};
    this.#process?.kill("SIGKILL");
    await this.#process?.status;
    this.#served += served;
    await this.#begin();
  }

  /** Ends it; gives how many commands all have served, and what they said. */
  async end(): Promise<{ readonly served: number; readonly said: string }> {
    const { served } = await this.#status() ?? {};
    if (served === undefined) throw new Error("the resident has ended by itself");
    this.#process?.kill("SIGTERM");
    await this.#process?.status;
    return { served: this.#served + served, said: Deno.readTextFileSync(this.#log) };
  }

  async #begin(): Promise<void> {
    const script = 'exec "$@" >>"$0" 2>&1';
    const { launcher, socket } = this.#client;
    this.#process = new Deno.Command("sh", {
      args: ["-c", script, this.#log, launcher, "resident", "--socket", socket],
      stdin: "null",
    }).spawn();
    await until(async () => await this.#status() !== undefined, READY_SECONDS);
  }

  async #status() {
    try {
      return await ask(this.#client.socket, "status", this.#poller);
    } catch {
      return undefined; // it has ended meanwhile
    }
  }
}
