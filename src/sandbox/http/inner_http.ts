/**
 * Requests of this program, and of others on this host, to servers in a sandbox.
 *
 * @module
 */

import { randomHex } from "../../../ffi/c/random.ts";
import { O_DIRECTORY, O_PATH, open } from "../../../ffi/files/file.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import { requireAlive } from "../../exec/joined_container.ts";
import { finish } from "../../failures/undo.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";
import { Forwarder } from "./forwarder.ts";
import { connectInside } from "./inner_connection.ts";
import { type InnerRequest, redirected } from "./redirect.ts";

/** What a request may have. */
export type RequestOptions = RequestInit;

/** A port inside, as this program alone reaches it. */
interface Door extends AsyncDisposable {
  readonly client: Deno.HttpClient;
}

/** The ways from this program into one sandbox's network. */
export class InnerHttp implements AsyncDisposable {
  readonly #first: ProcessIdentity;
  readonly #folder: string;
  readonly #own: string;
  readonly #doors = new Map<number, Door>();
  readonly #shown = new Map<number, { readonly url: string; readonly way: Forwarder }>();
  #poller: Poller | undefined;
  #isClosed = false;

  /**
   * Opens nothing yet.
   *
   * @param folder that of the sandbox's state, which goes with it
   * @param own the sandbox's id
   */
  constructor(first: ProcessIdentity, folder: string, own: string) {
    this.#own = own;
    this.#first = first;
    this.#folder = folder;
  }

  /**
   * Makes a request to a port inside. What it is sent on to is inside, too: a client follows by the
   * way that it has, so a server could speak for any other.
   */
  async fetch(port: number, url: URL, init: RequestOptions = {}): Promise<Response> {
    const { redirect = "follow" } = init;
    if (redirect !== "follow") return await this.#once(port, url, init);
    let request: InnerRequest = { url, init };
    let to = port;
    for (let count = 0; count <= MOST_REDIRECTS; count++) {
      const { url, init } = request;
      const response = await this.#once(to, url, { ...init, redirect: "manual" });
      const next = redirected(request, response);
      if (next === undefined) return response;
      await response.body?.cancel();
      if (next.url.origin !== url.origin) to = innerPort(next.url, this.#own);
      request = next;
    }
    throw new TypeError(`the server sends the request on more than ${MOST_REDIRECTS} times`);
  }

  async #once(port: number, url: URL, init: RequestOptions): Promise<Response> {
    this.#requireOpen();
    let door = this.#doors.get(port);
    if (door === undefined) this.#doors.set(port, door = this.#openDoor(port));
    return await fetch(url, { ...init, client: door.client });
  }

  /** Has a port of this host's loopback interface lead to one inside; gives its URL. */
  expose(port: number): string {
    if (!(Number.isInteger(port) && port > 0 && port < 65536)) {
      throw new ContainerError("ConfigInvalid", `there is no port ${port}`, {
        hint: "ports are from 1 to 65535",
      });
    }
    this.#requireOpen();
    let shown = this.#shown.get(port);
    if (shown === undefined) this.#shown.set(port, shown = this.#show(port));
    return shown.url;
  }

  /** Closes all ways, for good. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const ways = [...this.#doors.values(), ...[...this.#shown.values()].map(({ way }) => way)];
    const poller = this.#poller;
    this.#doors.clear();
    this.#shown.clear();
    this.#poller = undefined;
    await finish(...ways.map((way) => async () => await way[Symbol.asyncDispose]()), () => {
      poller?.[Symbol.dispose]();
    });
  }

  /** What is opened later nobody would close. */
  #requireOpen(): void {
    requireAlive(this.#first);
    if (!this.#isClosed) return;
    throw new ContainerError("ContainerNotRunning", "this program has closed the sandbox", {
      hint: "Sandbox.connect finds one again that goes on",
    });
  }

  /**
   * By a socket in the folder of the sandbox's state, which only this user may enter: whatever ends
   * this program, the socket goes with the sandbox.
   */
  #openDoor(port: number): Door {
    using stack = new DisposableStack();
    const folder = stack.use(open(this.#folder, O_PATH | O_DIRECTORY));
    const path = `/proc/self/fd/${folder.number}/door-${randomHex(8)}`; // its own could be too long
    const way = this.#forward(Deno.listen({ transport: "unix", path }), port);
    Deno.chmodSync(path, 0o600);
    const client = stack.use(Deno.createHttpClient({ proxy: { transport: "unix", path } }));
    const opened = stack.move();
    return {
      client,
      async [Symbol.asyncDispose]() {
        using _opened = opened;
        await Deno.remove(path).catch(() => {}); // the sandbox has gone, and its folder with it
        client.close();
        await way[Symbol.asyncDispose]();
      },
    };
  }

  #show(port: number): { readonly url: string; readonly way: Forwarder } {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const way = this.#forward(listener, port);
    return { url: `http://127.0.0.1:${listener.addr.port}`, way };
  }

  #forward(listener: Deno.TcpListener | Deno.UnixListener, port: number): Forwarder {
    const poller = this.#poller ??= new Poller();
    return new Forwarder(listener, () => connectInside(this.#first, port, poller), poller);
  }
}

/** As the Fetch standard has it. */
const MOST_REDIRECTS = 20;

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]);

/**
 * The port that a URL names inside.
 *
 * @throws {ContainerError} `Unsupported` for another host than the sandbox itself, and for HTTPS
 */
export function innerPort(url: URL, own: string): number {
  const isOwn = LOOPBACK.has(url.hostname) || url.hostname === own;
  if (url.protocol === "http:" && isOwn) return Number(url.port || 80);
  throw new ContainerError(
    "Unsupported",
    `the sandbox can't be asked for ${url.protocol}//${url.host}`,
    {
      hint:
        "requests go to servers in the sandbox, as http://localhost:8080/; a program inside can " +
        "make others, such as sandbox.sh`curl …`",
    },
  );
}
