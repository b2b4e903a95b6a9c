/**
 * Calls of methods over D-Bus, and signals. Nothing here blocks the event loop, and every wait has
 * a limit.
 *
 * Source: D-Bus specification; busctl(1) shows what is there to call.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { Alarm } from "../../ffi/waiting/alarm.ts";
import { Poller } from "../../ffi/waiting/poll.ts";
import { type Asked, ended, late, malformed, refused, unsayable } from "./bus_errors.ts";
import { type Connection, EndOfStream } from "./connection.ts";
import { openWithin } from "./open_within.ts";
import { KeptSignals } from "./kept_signals.ts";
import {
  decodeWanted,
  encodeMessage,
  ERROR,
  type Head,
  type Message,
  METHOD_CALL,
  METHOD_RETURN,
  SIGNAL,
} from "./message.ts";
import { DBusFormatError } from "./signature.ts";

/** A value that says its own type. */
export interface Variant {
  /** One complete type, such as `t` or `a(st)`. */
  readonly signature: string;
  /** As in `marshal.ts`. */
  readonly value: unknown;
}

/** How a bus is connected to. */
export interface BusOptions {
  /** Milliseconds for the connection: 30,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds for each call that has no limit of its own: as for the connection. */
  readonly answerMs?: number | undefined;
  /** The socket is a program's own, such as /run/systemd/private, and no bus. */
  readonly isPeer?: boolean | undefined;
  /** Waits; without it the bus has one of its own. Once its signal is aborted, the bus is closed. */
  readonly poller?: Poller | undefined;
}

/** A method and what it gets. */
export interface MethodCall {
  /** Whose method; a peer needs none. */
  readonly destination?: string | undefined;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** The types of the body, such as `ssa(sv)`; none by default. */
  readonly signature?: string | undefined;
  readonly body?: readonly unknown[] | undefined;
  /** Milliseconds; that of the bus by default. */
  readonly timeout?: number | undefined;
}

/** A signal that is waited for. */
export interface WantedSignal {
  readonly interface: string;
  readonly member: string;
  /** Whether it is the one, by what it holds. */
  readonly fits: (body: readonly unknown[]) => boolean;
  /** Milliseconds; that of the bus by default. */
  readonly timeout?: number | undefined;
}

const TIMEOUT_MS = 30_000;
const THE_BUS = "org.freedesktop.DBus";
const DRIVER = { destination: THE_BUS, path: "/org/freedesktop/DBus", interface: THE_BUS } as const;

/** Somebody who waits for a message. */
interface Waiter {
  readonly what: string;
  readonly timeout: number;
  readonly accepts: (message: Message) => boolean;
}

type Waiting = Waiter & ReturnType<typeof Promise.withResolvers<Message>>;

/**
 * A connection to a bus. It only reads while somebody waits, so one that is held without use keeps
 * no program alive.
 */
export class Bus implements Disposable {
  readonly #connection: Connection;
  readonly #alarm: Alarm;
  readonly #resources: DisposableStack;
  readonly #path: string;
  readonly #timeout: number;
  readonly #isPeer: boolean;
  readonly #waiting = new Set<Waiting>();
  /** The unique names whose signals count; undefined: everybody's do. */
  #senders: Set<string> | undefined = new Set();
  /** The signals that the rules name; undefined: all, as long as there is no rule. */
  #members: Set<string> | undefined;
  #hearsAll = false;
  #isListening = false;
  readonly #kept = new KeptSignals();
  #serial = 0;
  #isReading = false;
  #end: { readonly cause: unknown } | undefined;

  private constructor(
    connection: Connection,
    alarm: Alarm,
    resources: DisposableStack,
    path: string,
    options: BusOptions,
  ) {
    this.#connection = connection;
    this.#alarm = alarm;
    this.#resources = resources;
    this.#path = path;
    this.#timeout = options.answerMs ?? options.timeout ?? TIMEOUT_MS;
    this.#isPeer = options.isPeer ?? false;
  }

  /**
   * Connects to a Unix socket as the user who runs this.
   *
   * @param path the socket's path, or an abstract name that begins with `@`
   * @throws {ContainerError} `SystemError` if nobody listens, does not let this user in, or does
   *   not answer in time
   */
  static async connect(path: string, options: BusOptions = {}): Promise<Bus> {
    const begin = performance.now();
    const timeout = options.timeout ?? TIMEOUT_MS;
    using stack = new DisposableStack();
    const poller = options.poller ?? stack.use(new Poller());
    const alarm = stack.use(new Alarm(poller));
    const connection = stack.use(await openWithin(path, poller, alarm, timeout));
    const bus = new Bus(connection, alarm, stack.move(), path, options);
    if (bus.#isPeer) return bus;
    try {
      const left = Math.max(1, timeout - (performance.now() - begin));
      await bus.call({ ...DRIVER, member: "Hello", timeout: left });
    } catch (error) {
      bus[Symbol.dispose]();
      throw error;
    }
    return bus;
  }

  /**
   * Calls a method.
   *
   * @returns the values that it answers
   * @throws {ContainerError} `SystemError` if it answers with an error (see `answeredWith`), not in
   *   time or nothing at all
   */
  async call(wanted: MethodCall): Promise<readonly unknown[]> {
    const { timeout = this.#timeout, member: what, ...rest } = wanted;
    const serial = this.#serial = this.#serial % 0xffffffff + 1;
    const asked = { path: this.#path, what };
    const bytes = encoded({ ...rest, type: METHOD_CALL, serial, member: what }, asked);
    const accepts = ({ type, replySerial }: Message) =>
      replySerial === serial && (type === METHOD_RETURN || type === ERROR);
    const answer = await this.#first({ what, timeout, accepts }, bytes);
    const { type, errorName = "", body = [] } = answer;
    if (type === ERROR) throw refused(asked, errorName, body);
    return body;
  }

  /**
   * Has the bus send signals from now on. If the rule names a sender, as it should, signals of
   * others are ignored: on the system's bus every user may send any signal to anybody. A peer sends
   * what it sends without a rule.
   *
   * @param rule such as `type='signal',sender='org.freedesktop.systemd1',member='JobRemoved'`
   * @throws {ContainerError} as {@linkcode Bus.call}
   */
  async addMatch(rule: string): Promise<void> {
    const member = named("member", rule);
    if (member === undefined) this.#hearsAll = true;
    else (this.#members ??= new Set()).add(member);
    if (!this.#isPeer) {
      const sender = named("sender", rule);
      if (sender === undefined) this.#senders = undefined;
      else this.#senders?.add(await this.#ownerOf(sender));
      this.#isListening = true; // before the answer: a signal may come right behind it
      await this.call({ ...DRIVER, member: "AddMatch", signature: "s", body: [rule] });
    }
    this.#isListening = true;
  }

  /**
   * Waits for a signal; one that has come since `addMatch` and that nobody has waited for counts as
   * well. All who wait for the same signal at the same time get it, and nobody afterwards.
   *
   * @returns what the first signal that fits holds
   * @throws {ContainerError} `SystemError` if none comes in time, or the connection ends
   */
  async signal(wanted: WantedSignal): Promise<readonly unknown[]> {
    const { interface: name, member, fits, timeout = this.#timeout } = wanted;
    const accepts = (message: Message) =>
      message.type === SIGNAL && message.interface === name && message.member === member &&
      fits(message.body ?? []);
    const { body = [] } = this.#kept.take(accepts) ??
      await this.#first({ what: `the signal ${member}`, timeout, accepts });
    return body;
  }

  /** Whether the connection stands: neither end has closed it. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Closes the connection; who still waits gets an error. */
  [Symbol.dispose](): void {
    this.#close(undefined);
  }

  async #ownerOf(name: string): Promise<string> {
    if (name.startsWith(":")) return name;
    const wanted = { ...DRIVER, member: "GetNameOwner", signature: "s", body: [name] };
    return String((await this.call(wanted))[0]);
  }

  /** Sends something, and waits for the first message that is accepted. */
  async #first(waiter: Waiter, bytes?: Uint8Array<ArrayBuffer>): Promise<Message> {
    if (this.#end !== undefined) throw this.#told(waiter.what, this.#end.cause);
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const waiting: Waiting = { ...waiter, promise, resolve, reject };
    this.#waiting.add(waiting);
    const callOff = this.#alarm.after(waiter.timeout, () => this.#tooLate(waiting));
    if (bytes !== undefined) this.#connection.send(bytes).catch((error) => this.#close(error));
    void this.#read();
    try {
      return await promise;
    } finally {
      callOff();
      this.#waiting.delete(waiting);
      if (this.#waiting.size === 0) this.#connection.rest();
    }
  }

  #tooLate(waiting: Waiting): void {
    const error = late({ path: this.#path, what: waiting.what }, waiting.timeout);
    waiting.reject(error);
    if (this.#connection.isSending) this.#close(error); // a part of a message helps nobody
  }

  /** Reads for as long as somebody waits. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#waiting.size > 0) {
        const bytes = await this.#connection.receive(() => this.#waiting.size > 0);
        const message = bytes && decodeWanted(bytes, (head) => this.#isWanted(head));
        if (message !== undefined) this.#take(message, bytes?.length ?? 0);
      }
    } catch (error) {
      this.#close(error);
    } finally {
      this.#isReading = false;
    }
  }

  /** Whether it may be waited for. */
  #isWanted({ type, sender = "", member = "" }: Head): boolean {
    if (type !== SIGNAL) return true;
    if (!this.#isPeer && this.#senders?.has(sender) === false) return false;
    return this.#hearsAll || (this.#members?.has(member) ?? true);
  }

  #take(message: Message, size: number): void {
    const { type } = message;
    let isTaken = false;
    for (const waiting of [...this.#waiting]) {
      if (!accepted(waiting, message)) continue;
      isTaken = true;
      this.#waiting.delete(waiting);
      waiting.resolve(message);
    }
    if (type === SIGNAL && !isTaken && this.#isListening) this.#kept.keep(message, size);
  }

  #close(cause: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { cause };
    for (const { what, reject } of this.#waiting) reject(this.#told(what, cause));
    this.#waiting.clear();
    this.#kept.clear();
    this.#resources.dispose();
  }

  /** Why something can't be had from a connection that has ended. */
  #told(what: string, cause: unknown): unknown {
    const asked = { path: this.#path, what };
    if (cause instanceof DBusFormatError) return malformed(asked, cause);
    const isEnd = cause === undefined || cause instanceof EndOfStream ||
      cause instanceof SyscallError;
    return isEnd ? ended(asked, cause) : cause;
  }
}

function encoded(message: Message, asked: Asked): Uint8Array<ArrayBuffer> {
  try {
    return encodeMessage(message);
  } catch (error) {
    throw error instanceof DBusFormatError ? unsayable(asked, error) : error;
  }
}

/** What a rule has for a key. */
function named(key: "member" | "sender", rule: string): string | undefined {
  return new RegExp(`(?:^|,)\\s*${key}='([^']*)'`).exec(rule)?.[1];
}

/** What the caller's own check throws goes to the caller. */
function accepted(waiting: Waiting, message: Message): boolean {
  try {
    return waiting.accepts(message);
  } catch (error) {
    waiting.reject(error);
    return false;
  }
}
