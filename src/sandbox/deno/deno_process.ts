/**
 * Deno programs of a sandbox.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { ContainerError } from "../../errors.ts";
import { listeningPorts } from "../http/listening_ports.ts";
import type { RequestOptions } from "../http/inner_http.ts";
import { ChildProcess, type Running } from "../processes/child_process.ts";
import type { Answers } from "./answers.ts";
import { callOf } from "./driver.ts";
import { encodeValue } from "./values.ts";

/** What a Deno program needs of its sandbox. */
export interface DenoHost {
  /** Makes a request to a port inside. */
  request(port: number, url: URL, init: RequestOptions | undefined): Promise<Response>;
}

/** In milliseconds. */
const LOOK_AGAIN = 10;

/** A Deno program that was started with `sandbox.deno.run`. */
export class DenoProcess extends ChildProcess {
  readonly #host: DenoHost;
  readonly #running: Running;
  #ready: Promise<boolean> | undefined;

  /** @ignore made by `sandbox.deno.run` */
  constructor(running: Running, host: DenoHost) {
    super(running);
    this.#running = running;
    this.#host = host;
  }

  /** True once it listens for requests, as by `Deno.serve`; false if it ends before. */
  get httpReady(): Promise<boolean> {
    return this.#ready ??= this.#port().then((port) => port !== undefined);
  }

  /**
   * Makes a request to the server in this program; the host that the URL names does not matter.
   *
   * @throws {ContainerError} `ContainerNotRunning` if the program ends without a server
   * @throws the signal's reason, also while there is no server yet
   */
  async fetch(url: string | URL, init?: RequestOptions): Promise<Response> {
    const port = await this.#port(init?.signal ?? undefined);
    if (port === undefined) {
      throw new ContainerError("ContainerNotRunning", "the program has ended, and served nothing");
    }
    const target = new URL(url);
    target.protocol = "http:"; // inside there is no TLS
    return await this.#host.request(port, target, init);
  }

  async #port(signal?: AbortSignal): Promise<number | undefined> {
    let isOver = false;
    const over = () => isOver = true;
    this.status.then(over, over);
    for (;;) {
      const [port] = listeningPorts(this.#running.process.pid);
      if (port !== undefined || isOver) return isOver ? undefined : port;
      signal?.throwIfAborted();
      await pause(LOOK_AGAIN);
    }
  }
}

/**
 * A Deno program that evaluates code, and remembers variables from one evaluation to the next. It
 * ends with `close`, or with its scope.
 */
export class DenoRepl extends DenoProcess {
  readonly #answers: Answers;
  readonly #running: Running;

  /** @ignore made by `sandbox.deno.repl` */
  constructor(running: Running, host: DenoHost, answers: Answers) {
    super(running, host);
    this.#answers = answers;
    this.#running = running;
    answers.begin();
    const end = () => answers.end();
    // Not with its status: what it has started may write to this program's output for long.
    running.process.wait().then(end, end).catch(() => {});
  }

  /**
   * Evaluates JavaScript or TypeScript; gives the value of its last expression, awaited. Dates, maps,
   * sets, bigints, bytes, errors and the like stay what they are; of an object of another class the
   * properties are kept. There the value stays in memory until the program ends, as in a terminal;
   * code that makes large ones again and again ends with `undefined`.
   *
   * @throws what the code throws; an error with its name, message, stack, cause and own properties
   * @throws {ContainerError} `ContainerNotRunning` if the program ends first
   */
  async eval<T = unknown>(code: string): Promise<T> {
    return await this.#answers.ask(code) as T;
  }

  /**
   * Calls a function there: one that was defined, by its name, or the source of one.
   *
   * @throws what the function throws
   */
  async call<T = unknown>(fn: string, ...args: unknown[]): Promise<T> {
    return await this.#answers.ask(callOf(fn, encodeValue(args))) as T;
  }

  /** Ends it, with all that it has started, and waits for its end. */
  async close(): Promise<void> {
    this.#running.process.killTree();
    await this.#running.process.wait();
    await this.#answers.end();
  }

  /** Closes it. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await super[Symbol.asyncDispose]();
  }
}
