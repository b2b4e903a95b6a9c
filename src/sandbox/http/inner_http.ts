/**
 * Requests of this program, and of others on this host, to servers in a sandbox.
 *
 * @module
 */

import { Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import { Forwarder } from "./forwarder.ts";
import { connectInside } from "./inner_connection.ts";

/** What a request may have. */
export type RequestOptions = RequestInit;

/** A port inside, as this program alone reaches it. */
interface Door extends AsyncDisposable {
  readonly client: Deno.HttpClient;
}

/** The ways from this program into one sandbox's network. */
export class InnerHttp implements AsyncDisposable {
  readonly #first: ProcessIdentity;
  readonly #doors = new Map<number, Promise<Door>>();
  readonly #shown = new Map<number, Promise<{ readonly url: string; readonly way: Forwarder }>>();
  #poller: Poller | undefined;

  /** Opens nothing yet. */
  constructor(first: ProcessIdentity) {
    this.#first = first;
  }

  /** Makes a request to a port inside. */
  async fetch(port: number, url: URL, init: RequestOptions = {}): Promise<Response> {
    let door = this.#doors.get(port);
    if (door === undefined) this.#doors.set(port, door = this.#openDoor(port));
    const { client } = await door;
    return await fetch(url, { ...init, client });
  }

  /** Has a port of this host's loopback interface lead to one inside; gives its URL. */
  async expose(port: number): Promise<string> {
    let shown = this.#shown.get(port);
    if (shown === undefined) this.#shown.set(port, shown = this.#show(port));
    return (await shown).url;
  }

  /** Closes all ways. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [doors, shown] = [[...this.#doors.values()], [...this.#shown.values()]];
    this.#doors.clear();
    this.#shown.clear();
    for (const door of doors) await (await door)[Symbol.asyncDispose]();
    for (const each of shown) await (await each).way[Symbol.asyncDispose]();
    this.#poller?.[Symbol.dispose]();
    this.#poller = undefined;
  }

  /** By a socket in a folder that only this user may enter. */
  async #openDoor(port: number): Promise<Door> {
    const folder = await Deno.makeTempDir({ prefix: "hull-sandbox-" });
    const path = `${folder}/socket`;
    try {
      const way = this.#forward(Deno.listen({ transport: "unix", path }), port);
      const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
      return {
        client,
        async [Symbol.asyncDispose]() {
          client.close();
          await way[Symbol.asyncDispose]();
          await Deno.remove(folder, { recursive: true });
        },
      };
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  #show(port: number): Promise<{ readonly url: string; readonly way: Forwarder }> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port: outer } = listener.addr;
    const way = this.#forward(listener, port);
    return Promise.resolve({ url: `http://127.0.0.1:${outer}`, way });
  }

  #forward(listener: Deno.TcpListener | Deno.UnixListener, port: number): Forwarder {
    const poller = this.#poller ??= new Poller();
    return new Forwarder(listener, () => connectInside(this.#first, port, poller), poller);
  }
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]);

/**
 * The port that a URL names inside.
 *
 * @throws {ContainerError} `Unsupported` for another host than the sandbox itself, and for HTTPS
 */
export function innerPort(url: URL, own: string): number {
  const isOwn = LOOPBACK.has(url.hostname) || url.hostname === own;
  if (url.protocol === "http:" && isOwn) return Number(url.port || 80);
  throw new ContainerError("Unsupported", `the sandbox can't be asked for ${url.origin}`, {
    hint:
      "requests go to servers in the sandbox, as http://localhost:8080/; a program inside can " +
      "make others, such as sandbox.sh`curl …`",
  });
}
