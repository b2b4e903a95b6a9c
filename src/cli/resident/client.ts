/**
 * The process of hull's caller that has its command done by this resident: it makes the system
 * calls that it is sent. See client_program.ts.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { decodeEnd, openPidfd, WNOWAIT } from "../../../ffi/processes/process.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import type { SyscallProgram } from "../../../ffi/program/program.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { initFailure } from "../../../init/operations/failure.ts";
import type { PlannedOperation } from "../../../init/operations/operation.ts";
import { reportTail } from "../../../init/words/channel.ts";
import { ContainerError } from "../../errors.ts";
import type { Stage } from "../caller/caller.ts";
import type { Bearer, Birth } from "../../process/bearer.ts";
import { Child, type StatusKeeper } from "../../process/parent_process.ts";
import { beginning } from "./client_beginning.ts";
import { BORN, planClientBirth, WATCHED } from "./client_birth.ts";
import { ClientChannel, ClientGone, type Connection } from "./client_channel.ts";
import { END, exit, takeEnd, waitFor } from "./client_end.ts";
import { ClientFds } from "./client_fds.ts";
import { ClientEnds, pidOn, tryOpenPidfd } from "./client_ends.ts";
import { ClientPrograms } from "./client_programs.ts";
import { type BirthToDo, layOutBirth } from "./laid_birth.ts";
import { type ClientAddresses, passStreams } from "./client_program.ts";
import { passSignals, takeSignals, type WaitingFds, type WatchedChild } from "./client_signals.ts";
import type { Peer } from "./peer.ts";
import { BearerOfTheWay } from "./bearer_of_the_way.ts";
import { receiveWords, resumingWords } from "./resumption.ts";

const MSG_NOSIGNAL = 0x4000;

/** What must be known of its process. */
export type ClientPeer = Pick<Peer, "pid" | "fds" | "ignored" | "environment" | "words">;

type Bytes = Uint8Array<ArrayBuffer>;
/** Takes the next program. */
const GO_ON: Operation = { syscall: "jump", args: [], onError: { jump: "receive" } };
/** Sends the program back, with its results. */
const ANSWER: Operation = {
  syscall: "sendto",
  args: [{ result: "socket" }, { self: "address" }, { self: "size" }, MSG_NOSIGNAL],
  onError: "continue",
};

/** A client that waits for what it is to do. */
export class Client implements Bearer, Disposable {
  readonly #channel: ClientChannel;
  readonly #programs: ClientPrograms;
  readonly #poller: Poller;
  readonly #addresses: ClientAddresses;
  readonly #peer: ClientPeer;
  /** The numbers of the fds that it has open. */
  readonly #open: ClientFds;
  readonly #leaving = new AbortController();
  #stage: Stage | undefined;
  /** Its children that are none of the command's. */
  #others: string | undefined;
  /** Its children whose end was told, and left as it is. */
  readonly #told = new Set<number>();
  readonly #ends = new ClientEnds();
  #onSignal: ((number: number) => void) | undefined;
  #onStreams: ((fds: readonly Fd[]) => void) | undefined;
  /** By what it waits where it waits for more than the next program. */
  #waiting: WaitingFds | undefined;
  #watched: WatchedChild | undefined;
  #mayEnd: (() => boolean) | undefined;
  #beforeBirth: (() => Promise<void>) | undefined;
  readonly held = new DisposableStack();

  /**
   * Takes a connection over.
   *
   * @param addresses where it takes what
   */
  constructor(to: Connection, poller: Poller, addresses: ClientAddresses, peer: ClientPeer) {
    this.#poller = poller;
    this.#addresses = addresses;
    this.#peer = peer;
    this.#open = new ClientFds(peer);
    this.#channel = new ClientChannel(to, poller, {
      answered: (memory) => this.#programs.answered(memory),
      signalled: (number) => this.#onSignal?.(number),
      passed: (fds) => this.#onStreams?.(fds),
      ended: (info) => this.#ended(info),
      left: () => this.#leave(),
    });
    this.#programs = new ClientPrograms(this.#channel, addresses);
  }

  /** What waits for all that this resident waits for. */
  get poller(): Poller {
    return this.#poller;
  }

  get pid(): number {
    return this.#peer.pid;
  }

  get environment(): readonly string[] {
    return this.#peer.environment;
  }

  /** Aborted once the client is gone. */
  get gone(): AbortSignal {
    return this.#leaving.signal;
  }

  /**
   * With the next program that it is sent the command begins: it waits for this resident as long as
   * it takes. A client that has given up before that does its command itself, so this program must do
   * nothing before it has answered.
   *
   * @param securebits this program's
   */
  begin(securebits: number): void {
    this.#programs.prepend(`begin ${securebits}`, beginning(securebits));
  }

  /**
   * Has it make system calls.
   *
   * @param fds passed to it, for the calls to take
   * @throws {SyscallError} if one fails that must not
   * @throws {ClientGone}
   */
  async run(operations: readonly Operation[], fds?: readonly number[]): Promise<SyscallProgram> {
    return await this.#programs.inTurn(async () => {
      const all = [...this.#programs.before, ...operations];
      const program = this.#programs.layOut(all, this.#answer());
      await this.#programs.ask(program, { fds, hasStreams: this.#onStreams !== undefined });
      const failure = program.failure();
      if (failure === undefined) return program;
      throw new SyscallError(all[failure.index]?.syscall ?? "", failure.errno);
    });
  }

  /**
   * Its standard streams.
   *
   * @param received closes them, also those of a client that is gone before it has answered
   */
  async streams(received: DisposableStack): Promise<readonly Fd[]> {
    let streams: readonly Fd[] = [];
    this.#onStreams = (fds) => streams = fds.map((fd) => received.use(fd));
    await this.run([passStreams()]);
    this.#onStreams = undefined;
    return streams;
  }

  /** Has it do something from which it does not come back. */
  async end(operations: readonly Operation[]): Promise<void> {
    await this.#programs.tell(() => operations, exit(1));
  }

  /** What ends it, with nothing left of what its command has waited for. */
  exiting(code: number): Operation[] {
    return [...[...this.#told].map(takeEnd), ...exit(code)];
  }

  /** Has it do its command itself. */
  async leave(): Promise<void> {
    this.#programs.forget();
    await this.end([{ syscall: "jump", args: [], onError: { jump: "cold" } }]);
  }

  /** Has it do at once what it was to do before its next program, and does not wait for that. */
  async hasten(): Promise<void> {
    await this.#programs.tell(() => this.#meanwhile(), [GO_ON]);
  }

  /** Has it pass on signals from its next program on, instead of taking their effect. */
  passSignals(numbers: readonly number[], onSignal: (number: number) => void): void {
    this.#onSignal = onSignal;
    this.#waiting = { signals: this.#open.next(), both: this.#open.next() };
    this.#programs.prepend(`signals ${numbers}`, takeSignals(numbers, this.#waiting));
  }

  /**
   * Lets it end with the process that its next birth leaves behind, by the code of that, if that is
   * all that is left to do then.
   *
   * @param mayEnd asked when the birth is planned
   */
  endWithChild(mayEnd: () => boolean): void {
    this.#mayEnd = mayEnd;
  }

  /** Has something done before each birth, such as that what was said is said before a child says more. */
  beforeBirth(prepare: () => Promise<void>): void {
    this.#beforeBirth = prepare;
  }

  /**
   * From now on, if it loses this resident, the launcher is told how far the command has come: the
   * client does nothing twice.
   */
  async tellStage(stage: Stage): Promise<void> {
    const words = this.#resumption(stage);
    if (words === undefined) return;
    const operations = () => [receiveWords(this.#addresses, words), ...this.#meanwhile()];
    await this.#programs.tell(operations, exit(1), [words]);
  }

  async bear(birth: Birth, more: number = WNOWAIT): Promise<Child> {
    await this.#beforeBirth?.();
    const { program, clone } = await this.#programs.inTurn(() => this.#bearNow(birth, more));
    const pid = program.result(clone);
    if (birth.endsSoon === true) {
      return Child.ofEnded(pid, decodeEnd(program.output(END)), this.#poller);
    }
    return this.#hold(pid, openPidfd(pid), more);
  }

  async #bearNow(birth: Birth, more: number): Promise<{ program: SyscallProgram; clone: number }> {
    const words = this.#resumption("begun");
    const messages = words === undefined ? [] : [words];
    const { program, plan, passed } = this.#layOutBirth(birth, more === WNOWAIT, words);
    const { operations, clone, isWatched } = plan;
    await this.#programs.ask(program, { messages, fds: passed });
    const pid = program.result(clone);
    if (pid < 0) throw initFailure(operations[clone] as PlannedOperation, -pid);
    if (pid === 0) {
      throw new ContainerError(
        "InitFailed",
        "the caller's process could not take what init needs",
        { hint: "its limit of open files may be too low" },
      );
    }
    if (isWatched) {
      this.#watch(program, birth.endsSoon === true ? pidOn(program.output(BORN.name)) : pid);
    }
    return { program, clone };
  }

  #layOutBirth(birth: Birth, isMain: boolean, words: Bytes | undefined): BirthToDo {
    const isLast = isMain && this.#mayEnd?.() === true;
    const both = isMain && this.#watched === undefined ? this.#waiting?.both : undefined;
    const { named, before } = this.#programs;
    const { ignored } = this.#peer;
    const waits = Object.values({ ...this.#waiting, ...this.#watched });
    const of = [named, [...this.#open.numbers], ignored, words?.length, isLast, both, waits];
    return layOutBirth(birth.memory, of, () => {
      const plan = planClientBirth(birth, { open: this.#open.numbers, ignored }, {
        first: before,
        before: words === undefined ? [] : [receiveWords(this.#addresses, words)],
        both,
        answer: (child) => this.#answer(child === undefined ? undefined : { ...child, isLast }),
      });
      const { operations, report } = plan;
      const tail = reportTail(report, operations, birth.said.know(operations));
      return { plan, program: this.#programs.layOut(operations, tail) };
    });
  }

  get ofTheWay(): Bearer {
    return new BearerOfTheWay(this);
  }

  adopt(pid: number, more: number = WNOWAIT): Child {
    const end = more === WNOWAIT ? this.#ends.of(pid) : undefined;
    if (end === undefined) {
      return this.#hold(pid, openPidfd(pid), more);
    }
    // It is the client that takes its end, so its number may be another's as soon as that is told.
    using opened = new DisposableStack();
    const pidfd = end.isTold ? undefined : tryOpenPidfd(pid);
    if (pidfd !== undefined) opened.use(pidfd);
    this.#channel.hear();
    if (end.isTold || pidfd === undefined) return Child.ofEnded(pid, end.status, this.#poller);
    opened.move();
    return this.#hold(pid, pidfd, more);
  }

  /** A child that is waited for no longer than the command lasts. */
  #hold(pid: number, pidfd: Fd, more: number): Child {
    return this.held.use(new Child(pid, pidfd, this.#poller, this.#keeper(pid, more)));
  }

  #keeper(pid: number, more: number): StatusKeeper {
    return {
      end: more === WNOWAIT ? this.#ends.of(pid)?.promise : undefined,
      status: async () => {
        const asked = this.run([waitFor(pid, more)]);
        if (more === WNOWAIT) this.#told.add(pid);
        return await asked.then((program) => decodeEnd(program.output(END)), unlessGone);
      },
    };
  }

  /** Waits until it may be left without harm to what it was sent: {@linkcode ClientChannel.heard}. */
  heard(): Promise<void> {
    return this.#channel.heard();
  }

  /** Leaves it: it finds that nobody serves it. */
  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }

  /** From now on it tells by itself how what it has born ends. */
  #watch(program: SyscallProgram, pid: number): void {
    const pidfd = program.result(WATCHED);
    if (pidfd < 0) return;
    if (this.#ends.await(pid).isTold) return;
    this.#open.add(pidfd);
    this.#watched = { pid, pidfd, isLast: false };
  }

  #ended(info: Bytes): void {
    this.#told.add(this.#ends.tell(info));
    this.#watched = undefined;
  }

  /** The launcher's words that tell of it; undefined if it has them, or can't have them. */
  #resumption(stage: Stage): Bytes | undefined {
    if (this.#stage === stage || this.#stage === "runs") return undefined;
    this.#stage = stage;
    // Whoever executes a command may have children already.
    this.#others ??= optionalText(`/proc/${this.pid}/task/${this.pid}/children`).trim();
    return resumingWords(this.#addresses, this.#peer.words, { stage, others: this.#others });
  }

  /** What it does while it is not told anything else. */
  #meanwhile(child: WatchedChild | undefined = this.#watched): readonly Operation[] {
    return this.#waiting === undefined ? [GO_ON] : passSignals(this.#waiting, child);
  }

  #answer(child?: WatchedChild): readonly Operation[] {
    return [ANSWER, ...this.#meanwhile(child)];
  }

  #leave(): void {
    const gone = new ClientGone();
    this.#programs.leave(gone);
    this.#leaving.abort(gone);
    this.#ends.leave();
    this[Symbol.dispose]();
  }
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof ClientGone)) throw error;
}
