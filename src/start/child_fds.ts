/**
 * The fds of a child that becomes init, on their way into it.
 *
 * @module
 */

import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, O_RDWR, O_WRONLY, open } from "../../ffi/files/file.ts";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { socketPair } from "../../ffi/sockets/socket.ts";
import type { TimeNamespace } from "../../init/steps/process/time.ts";
import type { CgroupDoor } from "../birth/birth.ts";
import { openDoors } from "../birth/cgroup_doors.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { IdmappedMount } from "../birth/idmapped_mounts.ts";
import { birthNamespaces, type FdLayout, hasParentsWork, layOutFds } from "../birth/init_layout.ts";
import type { Config } from "../config/types/config.ts";
import { openJoined } from "../namespaces/joined_namespaces.ts";
import { START_FIFO, STATUS_FIFO } from "../process/init_status.ts";
import type { ProcessOptions } from "../process.ts";
import { openProc } from "../security/procfs.ts";
import { type PassedFd, type PipeStreams, ProcessFds } from "../streams/stdio.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { openLaterDoors } from "./late.ts";
import type { StartSubject } from "./start_subject.ts";

/** What a child gets, each under a number of its own; closed on this side when it is disposed. */
export class ChildFds implements Disposable {
  /** The flags of the namespaces that the birth makes. */
  readonly namespaces: number;
  /** The ways into the container's cgroups. */
  readonly doors: readonly CgroupDoor[];
  /** The numbers in the child. */
  readonly layout: FdLayout;
  /** The number of the status fifo up to the child's execve. */
  readonly status: number;
  /** The time namespace that the child enters: a new one, or one to join. */
  readonly time: TimeNamespace | undefined;
  readonly #cgroups: CgroupManager;
  readonly #fds: ProcessFds;
  /** This program's end of the socket over which init sends the terminal. */
  readonly console: Fd | undefined;
  readonly #stack: DisposableStack;

  /**
   * Opens all of it.
   *
   * @param control the child's end of the control pipe
   * @param trace the trace of what the child does
   * @param opened closes what stays open longer than this
   * @throws {SyscallError}
   */
  constructor(
    subject: StartSubject,
    control: Fd,
    mounts: readonly IdmappedMount[],
    trace: PlanTrace | undefined,
    opened: DisposableStack,
  ) {
    const { config, process, host, cgroups, folder, onTmpfs } = subject;
    using stack = new DisposableStack();
    this.namespaces = birthNamespaces(config.linux?.namespaces ?? [], host);
    const comesBack = (this.namespaces & NAMESPACE_FLAGS.cgroup) !== 0;
    this.#cgroups = cgroups;
    this.doors = openDoors(host, cgroups, comesBack, stack);
    const terminal = config.process?.terminal === true;
    const has = { terminal, work: hasParentsWork(config, onTmpfs), trace: trace !== undefined };
    this.layout = layOutFds(process, has, this.doors, mounts.map(({ mount }) => mount));
    const { layout } = this;
    const stdio = terminal ? withoutTerminal(process) : process;
    const fds = stack.use(new ProcessFds(stdio, layout.end));
    this.#fds = fds;
    this.status = fds.pass(stack.use(open(`${folder}/${STATUS_FIFO}`, O_WRONLY)), layout.status);
    fds.pass(control, layout.control);
    fds.pass(stack.use(open(`${folder}/${START_FIFO}`, O_RDWR)), layout.start);
    for (const { fd, inside } of layout.late) fds.pass(inside, fd);
    layout.idmapped.forEach(({ fd }, k) => fds.pass((mounts[k] as IdmappedMount).fd, fd));
    if (layout.console !== undefined) {
      const pair = socketPair();
      stack.use(pair.theirs);
      this.console = opened.use(pair.ours);
      fds.pass(pair.theirs, layout.console.socket);
      fds.pass(pair.theirs, layout.console.master); // keeps the number free for the master
    }
    if (layout.work !== undefined) {
      for (const free of [layout.work.from, layout.work.to]) fds.pass(control, free); // kept free
    }
    if (trace !== undefined && layout.trace !== undefined) {
      // A supervisor closes the file's own number once it has the memory.
      fds.pass(stack.use(duplicate(trace.file, layout.end)), layout.trace);
    }
    this.time = openTime(config, this.namespaces, stack);
    this.#stack = stack.move();
  }

  /**
   * Opens the ways into cgroups that systemd has made meanwhile.
   *
   * @throws {SyscallError}
   */
  async openLaterDoors(): Promise<void> {
    if (this.#cgroups.made !== undefined) await openLaterDoors(this.#cgroups, this.doors);
  }

  /** The fds that are put in place, each with the number that it gets. */
  get passed(): readonly PassedFd[] {
    return this.#fds.passed;
  }

  /** The fds of this program that are the process's 0, 1 and 2. */
  get standard(): readonly number[] {
    return this.#fds.standard;
  }

  /** Whether the ids of a new user namespace are to be mapped. */
  get hasMaps(): boolean {
    return (this.namespaces & NAMESPACE_FLAGS.user) !== 0;
  }

  /** This program's ends of the pipes; to be taken once the child has its own. */
  streams(poller: Poller): PipeStreams {
    return this.#fds.streams(poller);
  }

  /** Takes something over, to be closed with the rest. */
  own<Owned extends Disposable>(owned: Owned): Owned {
    return this.#stack.use(owned);
  }

  /** Closes them on this side. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

function openTime(
  { linux: { namespaces = [], timeOffsets = {} } = {} }: Config,
  made: number,
  stack: DisposableStack,
): TimeNamespace | undefined {
  const joined = openJoined(namespaces, "time");
  if (joined !== undefined) return { joined: stack.use(joined).number };
  if ((made & NAMESPACE_FLAGS.time) === 0) return undefined;
  return { proc: stack.use(openProc()).number, offsets: timeOffsets };
}

/**
 * Until there is a terminal, init can write errors to this program's stderr. This is not done if
 * the terminal goes to another program: init's other threads keep the stream open up to execve, and
 * the caller may read it to its end before the start, as containerd's shim does.
 */
function withoutTerminal(process: ProcessOptions): ProcessOptions {
  const stderr = process.consoleSocket === undefined ? "inherit" : "null";
  return { ...process, stdin: "null", stdout: "null", stderr };
}
