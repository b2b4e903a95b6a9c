/**
 * The process of hull's caller that has its command done by this resident: it makes the system
 * calls that it is sent. See client_program.ts.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { duplicate } from "../../../ffi/files/descriptor.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { decodeEnd, openPidfd } from "../../../ffi/processes/process.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { receivePacket, sendPackets } from "../../../ffi/sockets/packet_socket.ts";
import { EPOLLOUT, type Poller } from "../../../ffi/waiting/poll.ts";
import { initFailure } from "../../../init/operations/failure.ts";
import type { PlannedOperation } from "../../../init/operations/operation.ts";
import { reportTail } from "../../../init/words/channel.ts";
import { ContainerError } from "../../errors.ts";
import type { Stage } from "../caller/caller.ts";
import type { Bearer, Birth } from "../../process/bearer.ts";
import { Child, type StatusKeeper } from "../../process/parent_process.ts";
import { type Beginning, beginning, SECUREBITS } from "./client_beginning.ts";
import { END, planClientBirth, takeEnd, waitFor, WNOWAIT } from "./client_birth.ts";
import { type ClientAddresses, clientLabels, FRAME_SIZE, STREAMS_SIZE } from "./client_program.ts";
import { passSignals, SIGNAL_SIZE, signalIn, takeSignals } from "./client_signals.ts";
import type { Peer } from "./peer.ts";
import { BearerOfTheWay } from "./bearer_of_the_way.ts";
import { receiveWords, resumingWords } from "./resumption.ts";

const MSG_NOSIGNAL = 0x4000;
const STDERR = 2;

/** The caller is gone: nobody is left to do anything for. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** What must be known of its process. */
export type ClientPeer = Pick<Peer, "identity" | "fds" | "ignored" | "environment" | "words">;

type Bytes = Uint8Array<ArrayBuffer>;

/** Takes the next program. */
const GO_ON: Operation = { syscall: "jump", args: [], onError: { jump: "receive" } };
/** Sends the program back, with its results, and takes the next. */
const ANSWER: readonly Operation[] = [
  {
    syscall: "sendto",
    args: [{ result: "socket" }, { self: "address" }, { self: "size" }, MSG_NOSIGNAL],
    onError: "continue",
  },
  GO_ON,
];

/** A client that waits for what it is to do. */
export class Client implements Bearer, Disposable {
  readonly held = new DisposableStack();
  readonly #socket: Fd;
  readonly #poller: Poller;
  readonly #addresses: ClientAddresses;
  readonly #peer: ClientPeer;
  /** The numbers of the fds that it has open. */
  readonly #open: Set<number>;
  readonly #leaving = new AbortController();
  readonly #outside = clientLabels();
  #stage: Stage | undefined;
  /** Its children that are none of the command's. */
  #others: string | undefined;
  /** Settled once nothing is asked of it. */
  #turn: Promise<void> = Promise.resolve();
  #answered: PromiseWithResolvers<Bytes> | undefined;
  /** The greatest size of what it may say now: memory for more would be cleared each time. */
  #expected = SIGNAL_SIZE;
  /** Its children whose end was told, and left as it is. */
  readonly #told = new Set<number>();
  #onSignal: ((number: number) => void) | undefined;
  #onStreams: ((fds: readonly Fd[]) => void) | undefined;
  /** What it does while it is not told anything else. */
  #meanwhile: readonly Operation[] | undefined;

  /**
   * Takes a connection over.
   *
   * @param addresses where it takes what
   */
  constructor(socket: Fd, poller: Poller, addresses: ClientAddresses, peer: ClientPeer) {
    this.#socket = socket;
    this.#poller = poller;
    this.#addresses = addresses;
    this.#peer = peer;
    this.#open = new Set(peer.fds);
    this.#listen().catch(() => this.#leave());
  }

  /** What waits for all that this resident waits for. */
  get poller(): Poller {
    return this.#poller;
  }

  get pid(): number {
    return this.#peer.identity.pid;
  }

  get environment(): readonly string[] {
    return this.#peer.environment;
  }

  /** Aborted once the client is gone. */
  get gone(): AbortSignal {
    return this.#leaving.signal;
  }

  /**
   * Has it make system calls.
   *
   * @throws {SyscallError} if one fails that must not
   * @throws {ClientGone}
   */
  async run(operations: readonly Operation[]): Promise<SyscallProgram> {
    const program = this.#program([...operations, ...ANSWER], ANSWER);
    await this.#ask(program);
    const failure = program.failure();
    if (failure === undefined) return program;
    throw new SyscallError(operations[failure.index]?.syscall ?? "", failure.errno);
  }

  /**
   * Begins: it waits for this resident as long as it takes. A client that has given up meanwhile
   * does its command itself.
   *
   * @param received takes its standard streams
   * @throws {ClientGone} if it has given up
   */
  async begin(received: DisposableStack): Promise<Beginning> {
    let streams: readonly Fd[] = [];
    this.#onStreams = (fds) => streams = fds.map((fd) => received.use(fd));
    const program = await this.run(beginning());
    this.#onStreams = undefined;
    return { securebits: program.result(SECUREBITS), streams };
  }

  /** Has it do something from which it does not come back. */
  async end(operations: readonly Operation[]): Promise<void> {
    await this.#inTurn(() => this.#send(this.#program(operations, exit(1))));
  }

  /** What ends it, with nothing left of what its command has waited for. */
  exiting(code: number): Operation[] {
    return [...[...this.#told].map(takeEnd), ...exit(code)];
  }

  /** Has it do its command itself. */
  async leave(): Promise<void> {
    await this.end([{ syscall: "jump", args: [], onError: { jump: "cold" } }]);
  }

  /**
   * Has it pass on signals from now on, instead of taking their effect.
   *
   * @throws {ClientGone}
   */
  async passSignals(numbers: readonly number[], onSignal: (number: number) => void): Promise<void> {
    this.#onSignal = onSignal;
    const program = await this.run(takeSignals(numbers));
    const [both, signals] = [program.result("both"), program.result("signals")];
    this.#open.add(both).add(signals);
    this.#meanwhile = passSignals(both, signals);
    await this.#goOnMeanwhile();
  }

  /**
   * From now on, if it loses this resident, the launcher is told how far the command has come: the
   * client does nothing twice.
   */
  async tellStage(stage: Stage): Promise<void> {
    const words = this.#resumption(stage);
    if (words === undefined) return;
    const program = this.#program([receiveWords(this.#addresses, words), GO_ON], exit(1));
    await this.#inTurn(async () => {
      await this.#send(program, [words]);
      await this.#goOnMeanwhile();
    });
  }

  async bear(birth: Birth, more: number = WNOWAIT): Promise<Child> {
    const words = this.#resumption("begun");
    const messages = words === undefined ? [] : [words];
    const before = messages.map((message) => receiveWords(this.#addresses, message));
    const inherited = { open: this.#open, ignored: this.#peer.ignored };
    const plan = planClientBirth(birth, inherited, before, ANSWER);
    const { operations, clone, passed, report } = plan;
    const tail = reportTail(report, operations, birth.said.know(operations));
    const program = this.#program(operations, tail);
    await this.#ask(program, messages, passed);
    const pid = program.result(clone);
    if (pid < 0) throw initFailure(operations[clone] as PlannedOperation, -pid);
    if (pid === 0) {
      throw new ContainerError(
        "InitFailed",
        "the caller's process could not take what init needs",
        { hint: "its limit of open files may be too low" },
      );
    }
    if (birth.endsSoon === true) {
      return Child.ofEnded(pid, decodeEnd(program.output(END)), this.#poller);
    }
    return new Child(pid, openPidfd(pid), this.#poller, this.keeper(pid, more));
  }

  get ofTheWay(): Bearer {
    return new BearerOfTheWay(this);
  }

  keeper(pid: number, more: number = WNOWAIT): StatusKeeper {
    return {
      status: async () => {
        const asked = this.run([waitFor(pid, more)]);
        if (more === WNOWAIT) this.#told.add(pid);
        return await asked.then((program) => decodeEnd(program.output(END)), unlessGone);
      },
    };
  }

  /** Leaves it: it finds that nobody serves it. */
  [Symbol.dispose](): void {
    if (!this.#socket.isOpen) return;
    this.#poller.cancel(this.#socket);
    this.#socket.close();
  }

  /** The launcher's words that tell of it; undefined if it has them, or can't have them. */
  #resumption(stage: Stage): Bytes | undefined {
    if (this.#stage === stage || this.#stage === "runs") return undefined;
    this.#stage = stage;
    // Whoever executes a command may have children already.
    this.#others ??= optionalText(`/proc/${this.pid}/task/${this.pid}/children`).trim();
    return resumingWords(this.#addresses, this.#peer.words, { stage, others: this.#others });
  }

  #program(operations: readonly Operation[], tail: readonly Operation[]): SyscallProgram {
    const place = { base: this.#addresses.frame, outside: this.#outside };
    return new SyscallProgram(operations, tail, place);
  }

  /** It is told one thing after another. */
  async #inTurn(tell: () => Promise<void>): Promise<void> {
    const told = this.#turn.then(tell);
    this.#turn = told.catch(() => {}); // thrown to who told it
    await told;
  }

  /** Has it make a program's calls, and takes their results. */
  async #ask(
    program: SyscallProgram,
    messages: readonly Bytes[] = [],
    fds: readonly number[] = [],
  ): Promise<void> {
    await this.#inTurn(() => this.#askNow(program, messages, fds));
  }

  async #askNow(
    program: SyscallProgram,
    messages: readonly Bytes[],
    fds: readonly number[],
  ): Promise<void> {
    if (this.gone.aborted) throw new ClientGone();
    this.#answered = Promise.withResolvers();
    const { promise } = this.#answered;
    this.#expected = Math.max(SIGNAL_SIZE, program.memory.length);
    promise.catch(() => {}); // thrown where it is awaited
    await this.#send(program, messages, fds);
    const answer = await promise;
    if (answer.length !== program.memory.length) throw new ClientGone();
    program.memory.set(answer);
    await this.#goOnMeanwhile();
  }

  async #goOnMeanwhile(): Promise<void> {
    if (this.#meanwhile !== undefined) await this.#send(this.#program(this.#meanwhile, exit(1)));
  }

  /** Sends a program, and behind it what that takes: messages, then fds. */
  async #send(
    { memory }: SyscallProgram,
    messages: readonly Bytes[] = [],
    fds: readonly number[] = [],
  ): Promise<void> {
    if (memory.length > FRAME_SIZE) {
      throw new ContainerError("SystemError", "the caller's process can't take so long a program");
    }
    const byte = new Uint8Array(1);
    let left: { readonly bytes: Bytes; readonly fd?: number }[] = [
      { bytes: memory },
      ...messages.map((bytes) => ({ bytes })),
      ...fds.map((fd) => ({ bytes: byte, fd })),
    ];
    for (;;) {
      left = left.slice(this.#unlessGone(() => sendPackets(this.#socket, left)));
      if (left.length === 0) return;
      using way = duplicate(this.#socket); // the socket itself is waited for already
      await this.#poller.wait(way, EPOLLOUT);
    }
  }

  /** Takes what it says. */
  async #listen(): Promise<void> {
    for (;;) {
      const most = this.#onStreams === undefined ? 0 : STDERR + 1;
      const packet = this.#unlessGone(() => receivePacket(this.#socket, this.#expected, most));
      if (packet === undefined) {
        await this.#poller.wait(this.#socket);
        if (!this.#socket.isOpen) return this.#leave();
      } else if (packet.bytes.length === 0) return this.#leave();
      else if (packet.bytes.length === STREAMS_SIZE) this.#onStreams?.(packet.fds);
      else if (packet.bytes.length === SIGNAL_SIZE) this.#onSignal?.(signalIn(packet.bytes));
      else this.#answered?.resolve(packet.bytes);
    }
  }

  #leave(): void {
    const gone = new ClientGone();
    this.#answered?.reject(gone);
    this.#leaving.abort(gone);
    this[Symbol.dispose]();
  }

  #unlessGone<Result>(call: () => Result): Result {
    try {
      return call();
    } catch (error) {
      if (error instanceof SyscallError && /^(EPIPE|ECONNRESET|EBADF)$/.test(error.code)) {
        throw new ClientGone();
      }
      throw error;
    }
  }
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof ClientGone)) throw error;
}

/** Ends it. */
function exit(code: number): Operation[] {
  return [{ syscall: "exit_group", args: [code], onError: "continue" }];
}
