/**
 * The supervisor of a container: the parent of the container's first process, which outlives the
 * program that made the container and records how the process ended. The kernel tells only a parent
 * how a process ended. Later callers (`hull wait`, `hull state`, a daemon that was started again)
 * read the supervisor's record.
 *
 * It is a syscall program (ffi/program/program_image.ts) of some 20 kB of memory, not a runtime. A
 * process can't be given to another parent, so the supervisor itself makes it: the birth's program
 * is a part of the supervisor's.
 *
 *     the program ── supervisor ── init
 *          ▲ │  init's number │ ▲     │ its end
 *          │ └──────────────┐ │ └─────┘
 *          └── socket ──────┴─┘──▶ record
 *
 * @module
 */

import { type Fd, read } from "../../ffi/files/file.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { type ExitStatus, openPidfd } from "../../ffi/processes/process.ts";
import { programImage } from "../../ffi/program/program_image.ts";
import { sendFds, socketPair } from "../../ffi/sockets/socket.ts";
import { reportTail } from "../../init/words/channel.ts";
import { birthFds } from "../birth/birth_fds.ts";
import { createExitRecord, openExitRecord, readExitRecord } from "./exit_record.ts";
import { startProgram } from "../process/memory_program.ts";
import { Child, type StatusKeeper } from "../process/parent_process.ts";
import { identify, type ProcessIdentity } from "../state/process_identity.ts";
import { PID_SIZE, type Supervision, supervisorProgram } from "./supervisor_program.ts";

const NAME = "hull-supervisor";

/** A birth below a supervisor. */
export interface SupervisedBirth extends Omit<Supervision, "memory"> {
  /** The container's id, which names the supervisor in process lists. */
  readonly id: string;
  /** The container's state folder, which gets the record. */
  readonly folder: string;
  /** Where a failure of the birth is reported. */
  readonly status: number;
  /** See {@linkcode Supervision}. */
  readonly memory?: OpenMemoryFiles | undefined;
  readonly poller: Poller;
}

/** The files of `MemoryFiles`, open in this program. */
export interface OpenMemoryFiles {
  readonly counts: Fd;
  readonly counter?: Fd | undefined;
}

/** A supervisor with its child. */
export interface Supervised {
  readonly supervisor: Supervisor;
  readonly child: Child;
}

/** A supervisor as the program that started it sees it. */
export class Supervisor implements StatusKeeper, Disposable {
  /** The supervisor's own process. */
  readonly identity: ProcessIdentity;
  readonly #process: Child;
  readonly #socket: Fd;
  readonly #record: Fd;

  private constructor(process: Child, socket: Fd, record: Fd) {
    this.identity = identify(process.pid) as ProcessIdentity; // nobody else reaps it
    this.#process = process;
    this.#socket = socket;
    this.#record = record;
  }

  /**
   * Starts a supervisor, and below it the child.
   *
   * @returns undefined if the child could not be made: why stands in the report
   * @throws {ContainerError} `Unsupported` where the host forbids executable files in memory
   */
  static async start(supervised: SupervisedBirth): Promise<Supervised | undefined> {
    const { folder, poller } = supervised;
    using stack = new DisposableStack();
    const record = stack.use(createExitRecord(folder));
    const reader = stack.use(openExitRecord(folder) as Fd);
    const sockets = socketPair();
    stack.use(sockets.theirs);
    const socket = stack.use(sockets.ours);
    const pid = launch(supervised, sockets.theirs, record);
    const supervisor = new Supervisor(new Child(pid, openPidfd(pid), poller), socket, reader);
    stack.move();
    record.close();
    sockets.theirs.close();
    // An abort must not end this wait: nobody could undo what the supervisor makes meanwhile.
    const number = await receiveNumber(socket, poller.endless);
    if (number === undefined) {
      await supervisor.status();
      supervisor[Symbol.dispose]();
      return undefined;
    }
    const child = new Child(number, openPidfd(number), poller, supervisor);
    if (!supervised.isLauncher) supervisor.release();
    return { supervisor, child };
  }

  /** Tells a launcher's supervisor which processes the launcher made. */
  adopt(process: Fd, first: Fd): void {
    sendFds(this.#socket, [process, first], "adopt");
    this.release();
  }

  /**
   * Lets it wait for the end of its child, and take the status. Up to this call the child's pid
   * can't be reused.
   */
  release(): void {
    this.#socket.close();
  }

  /** How the process ended, once it has ended; undefined if the supervisor died. */
  async status(): Promise<ExitStatus | undefined> {
    this.release();
    await this.#process.wait();
    return this.#record.isOpen ? readExitRecord(this.#record) : undefined;
  }

  /** Closes what this program holds; the supervisor goes on. */
  [Symbol.dispose](): void {
    this.#socket.close();
    this.#record.close();
    this.#process[Symbol.dispose]();
  }
}

/** The child's number; undefined if the supervisor ended without one. */
async function receiveNumber(socket: Fd, poller: Poller): Promise<number | undefined> {
  await poller.wait(socket);
  const bytes = read(socket, PID_SIZE);
  if (bytes === undefined || bytes.length < PID_SIZE) return undefined;
  return new DataView(bytes.buffer).getInt32(0, true);
}

/** Starts the supervisor; returns its number once it runs. */
function launch(supervised: SupervisedBirth, theirs: Fd, ended: Fd): number {
  const { id, birth, status, trace, memory } = supervised;
  const { fds } = birth;
  using stack = new DisposableStack();
  // Above all numbers that the birth puts in place, so that the supervisor's own fds are not
  // replaced.
  const end = Math.max(2, ...fds.map(({ as }) => as)) + 1;
  const above = (fd: Fd) => stack.use(duplicate(fd, end)).number;
  const socket = above(theirs);
  const record = above(ended);
  const watched = memory && {
    counts: above(memory.counts),
    counter: memory.counter && above(memory.counter),
  };
  const inherited = [
    socket,
    record,
    ...Object.values(watched ?? {}).filter((number) => number !== undefined),
    status,
    ...birthFds(birth),
    ...(trace === undefined ? [] : [trace.file.number]),
  ];
  const whole = { ...supervised, memory: watched };
  const operations = supervisorProgram(whole, inherited, socket, record);
  const image = programImage(operations, reportTail(status, operations));
  return startProgram(image, { words: [NAME, id], inherited, who: "the supervisor" });
}
