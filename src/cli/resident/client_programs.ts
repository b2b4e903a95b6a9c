/**
 * The programs that a client is sent, one after another.
 *
 * @module
 */

import type { Operation } from "../../../ffi/program/operation.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { type ClientChannel, ClientGone } from "./client_channel.ts";
import type { ClientAddresses } from "./client_program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What one client is asked. */
export class ClientPrograms {
  readonly #channel: ClientChannel;
  readonly #addresses: ClientAddresses;
  #before: readonly Operation[] = [];
  #named = "";
  /** Settled once nothing is asked of it. */
  #turn: Promise<void> = Promise.resolve();
  #answered: PromiseWithResolvers<Bytes> | undefined;
  #isGone = false;

  /**
   * Asks nothing yet.
   *
   * @param addresses where it takes what
   */
  constructor(channel: ClientChannel, addresses: ClientAddresses) {
    this.#channel = channel;
    this.#addresses = addresses;
  }

  /** What it does before the next program, and has not been sent yet. */
  get before(): readonly Operation[] {
    return this.#before;
  }

  /** What that is, in words. */
  get named(): string {
    return this.#named;
  }

  /**
   * Has it do more before the next program.
   *
   * @param name tells these operations from all others
   */
  prepend(name: string, operations: readonly Operation[]): void {
    this.#before = [...this.#before, ...operations];
    this.#named += ` ${name}`;
  }

  /** Has it do nothing before the next program. */
  forget(): void {
    this.#before = [];
    this.#named = "";
  }

  /** A program that lies where it takes them. */
  layOut(operations: readonly Operation[], tail: readonly Operation[]): SyscallProgram {
    const { frame, labels } = this.#addresses;
    return new SyscallProgram(operations, tail, { base: frame, outside: labels });
  }

  /** It is told one thing after another. */
  async inTurn<Result>(tell: () => Promise<Result>): Promise<Result> {
    const told = this.#turn.then(tell);
    this.#turn = told.then(() => {}, () => {}); // thrown to who told it
    return await told;
  }

  /**
   * Has it do something, without an answer.
   *
   * @param operations asked for when it is its turn
   * @param tail where a failure goes on
   */
  async tell(
    operations: () => readonly Operation[],
    tail: readonly Operation[],
    messages?: readonly Bytes[],
  ): Promise<void> {
    await this.inTurn(() => {
      return this.#send(this.layOut([...this.before, ...operations()], tail), messages);
    });
  }

  /**
   * Has it make the calls of a program that begins with what was to be done before, and takes their
   * results; to be called in its turn.
   *
   * @throws {ClientGone}
   */
  async ask(
    program: SyscallProgram,
    { messages, fds, hasStreams = false }: Beside = {},
  ): Promise<void> {
    if (this.#isGone) throw new ClientGone();
    this.#answered = Promise.withResolvers();
    const { promise } = this.#answered;
    promise.catch(() => {}); // thrown where it is awaited
    this.#channel.expect(program.memory.length, hasStreams);
    await this.#send(program, messages, fds);
    const answer = await promise;
    if (answer.length !== program.memory.length) throw new ClientGone();
    program.memory.set(answer);
  }

  /** It has answered. */
  answered(memory: Bytes): void {
    this.#answered?.resolve(memory);
  }

  /** It is gone. */
  leave(gone: ClientGone): void {
    this.#isGone = true;
    this.#answered?.reject(gone);
  }

  async #send(
    { memory }: SyscallProgram,
    messages?: readonly Bytes[],
    fds?: readonly number[],
  ): Promise<void> {
    await this.#channel.send(memory, messages, fds);
    this.forget();
  }
}

/** What goes with a program. */
export interface Beside {
  readonly messages?: readonly Bytes[] | undefined;
  readonly fds?: readonly number[] | undefined;
  /** Whether it passes its streams. */
  readonly hasStreams?: boolean | undefined;
}
