/**
 * The birth of a container's first process up to the moment where it is init: fds in place, cgroups,
 * namespaces, and the program that it becomes.
 *
 * @module
 */

import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, O_RDWR, O_WRONLY, open } from "../../ffi/files/file.ts";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { socketPair } from "../../ffi/sockets/socket.ts";
import type { Work } from "../../init/operations/operation.ts";
import { joinsInhabited } from "../../init/steps/process/namespaces.ts";
import type { TimeNamespace } from "../../init/steps/process/time.ts";
import type { BirthOptions } from "../birth/birth.ts";
import { cloneInit, supervise } from "./birth_child.ts";
import { openDoors } from "../birth/cgroup_doors.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { ConsoleFds, InitConfig, InitSeccomp } from "../config/init_config.ts";
import type { ContainerNetwork } from "../config/types/network.ts";
import type { Config } from "../config/types/config.ts";
import { attendedWork, knownWay } from "../birth/direct_start.ts";
import type { InitKind, StartWay } from "../config/start_way.ts";
import type { IdmappedMount } from "../birth/idmapped_mounts.ts";
import { initCommand } from "../birth/init_command.ts";
import {
  birthNamespaces,
  type FdLayout,
  hasParentsWork,
  layOutFds,
  makeInitConfig,
} from "../birth/init_layout.ts";
import { layOutInit } from "../birth/init_program.ts";
import { type InitStatus, START_FIFO, STATUS_FIFO } from "../process/init_status.ts";
import { letGo } from "./init_words.ts";
import { openJoined } from "../namespaces/joined_namespaces.ts";
import type { Child } from "../process/parent_process.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import type { ProcessOptions } from "../process.ts";
import { openProc } from "../security/procfs.ts";
import { type PipeStreams, ProcessFds } from "../streams/stdio.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Lane } from "../trace/trace.ts";
import { traced } from "../trace/traced.ts";

/** What a birth needs. */
export interface InitBirthOptions {
  readonly id: string;
  /** The container's state folder. */
  readonly folder: string;
  readonly rootfs: string;
  /** The container's config with the process to run. */
  readonly config: Config;
  /** The interfaces and routes that it gets. */
  readonly network: ContainerNetwork | undefined;
  /**
   * Sets the limits, and gives the filter that `config.linux.seccomp` is compiled to. An init that has
   * to boot does so meanwhile.
   */
  readonly prepare: () => Promise<InitSeccomp | undefined>;
  readonly process: ProcessOptions;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  readonly poller: Poller;
  /** The Factory's init command. */
  readonly command: readonly string[] | undefined;
  readonly noPivot: boolean;
  /** See {@linkcode InitConfig.keyring}. */
  readonly keyring: string;
  /** Whether the rootfs is a skeleton that a tmpfs takes. */
  readonly onTmpfs: boolean;
  /** Whether a supervisor is to be init's parent: see `src/supervisor/supervisor.ts`. */
  readonly isSupervised: boolean;
  /** Whether the loopback interface of a new network namespace stays down. */
  readonly loopbackDown: boolean;
  /** Who walks the plan. */
  readonly kind: InitKind;
  /** Where its start is traced. */
  readonly lane: Lane | undefined;
}

/** What was made for a birth before. */
export interface Prepared {
  /** The child's end of the control pipe. */
  readonly control: Fd;
  /** What the child says. */
  readonly said: InitStatus;
  readonly idmapped: readonly IdmappedMount[];
  /** Whether init waits for its network. */
  readonly waitsForNetwork: boolean;
  /** The trace of what the child does. */
  readonly trace: PlanTrace | undefined;
}

/** A birth, and what has come of it so far. */
export class InitBirth implements Disposable {
  readonly #options: InitBirthOptions;
  readonly #stack = new DisposableStack();
  #child: Child | undefined;
  #supervisor: Supervisor | undefined;
  #console: Fd | undefined;
  #streams: PipeStreams = {};
  #way: StartWay | undefined;
  #work: readonly Work[] = [];

  /** Makes nothing yet. */
  constructor(options: InitBirthOptions) {
    this.#options = options;
  }

  /** What the clone made: init, or a launcher. It is the caller's. */
  get child(): Child | undefined {
    return this.#child;
  }

  /** The process that records how init ends. It is the caller's. */
  get supervisor(): Supervisor | undefined {
    return this.#supervisor;
  }

  /** Where init sends the terminal. */
  get console(): Fd | undefined {
    return this.#console;
  }

  /** This program's ends of the process's pipes. */
  get streams(): PipeStreams {
    return this.#streams;
  }

  /** How it goes. */
  get way(): StartWay | undefined {
    return this.#way;
  }

  /** What this program does for the child meanwhile, in its order. */
  get work(): readonly Work[] {
    return this.#work;
  }

  /** What is done for a child before its plan goes on; undefined if nothing. */
  get attended(): string | undefined {
    return attendedWork(this.#options.config, this.#options.network !== undefined);
  }

  /**
   * Makes the child, up to init's execve; gives what init has to know.
   *
   * @throws {ContainerError} `InitFailed` with what the child reported, or `SystemError`
   */
  async make(prepared: Prepared): Promise<InitConfig> {
    const { config, process, host, cgroups, kind, lane, prepare } = this.#options;
    const { idmapped, trace } = prepared;
    const boots = knownWay(kind, config.linux ?? {}) !== undefined;
    const seccomp = boots ? undefined : await prepare();
    const namespaces = birthNamespaces(config.linux?.namespaces ?? []);
    using stack = new DisposableStack();
    const withCgroups = (namespaces & NAMESPACE_FLAGS.cgroup) !== 0;
    const doors = openDoors(host, cgroups, withCgroups, stack);
    const terminal = config.process?.terminal === true;
    const work = hasParentsWork(config, this.#options.onTmpfs);
    const has = { terminal, work, trace: trace !== undefined };
    const layout = layOutFds(process, has, doors, idmapped.map(({ mount }) => mount));
    const fds = stack.use(
      new ProcessFds(terminal ? streamsOnTerminal(process) : process, layout.end),
    );
    const status = this.#passFds(layout, prepared, fds, stack);
    const init = this.#initConfig(layout, prepared, seccomp);
    const direct = traced(
      lane,
      "lay out the plan",
      () => this.#layOut(init, layout, fds, prepared),
    );
    if (direct !== undefined) stack.use(direct.file);
    await this.#options.poller.giveTurn();
    const isMapped = (namespaces & NAMESPACE_FLAGS.user) !== 0;
    const mapped = isMapped && direct === undefined ? stack.use(new Pipe()) : undefined;
    const child = await this.#bear(
      {
        namespaces,
        init: direct === undefined
          ? initCommand(this.#options.command, layout)
          : { fd: direct.file.number, args: direct.args },
        cgroups: doors,
        fds: fds.passed,
        mapped: mapped?.reader.number,
        time: openTime(config, namespaces, stack),
      },
      status,
      prepared,
    );
    this.#streams = fds.streams(this.#options.poller);
    if (isMapped) {
      await traced(lane, "write the id maps", async () => {
        (await import("../namespaces/id_maps.ts")).writeIdMaps(child.pid, config.linux ?? {});
      });
    }
    if (mapped !== undefined) letGo(mapped.writer);
    const filter = boots ? await prepare() : undefined;
    return filter === undefined ? init : { ...init, seccomp: filter };
  }

  /** Closes this program's end of the terminal's socket. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  /** Gives the number of the child's end of the status fifo. */
  #passFds(
    layout: FdLayout,
    { control, idmapped, trace }: Prepared,
    fds: ProcessFds,
    stack: DisposableStack,
  ): number {
    const { folder } = this.#options;
    const status = fds.pass(stack.use(open(`${folder}/${STATUS_FIFO}`, O_WRONLY)), layout.status);
    fds.pass(control, layout.control);
    fds.pass(stack.use(open(`${folder}/${START_FIFO}`, O_RDWR)), layout.start);
    for (const { fd, inside } of layout.late) fds.pass(inside, fd);
    layout.idmapped.forEach(({ fd }, k) => fds.pass((idmapped[k] as IdmappedMount).fd, fd));
    if (layout.console !== undefined) this.#passConsole(layout.console, fds, stack);
    if (layout.work !== undefined) {
      for (const free of [layout.work.from, layout.work.to]) fds.pass(control, free); // kept free
    }
    if (trace !== undefined && layout.trace !== undefined) {
      // A supervisor closes the file's own number once it has the memory.
      fds.pass(stack.use(duplicate(trace.file, layout.end)), layout.trace);
    }
    return status;
  }

  #passConsole(numbers: ConsoleFds, fds: ProcessFds, stack: DisposableStack): void {
    const pair = socketPair();
    stack.use(pair.theirs);
    this.#console = this.#stack.use(pair.ours);
    fds.pass(pair.theirs, numbers.socket);
    fds.pass(pair.theirs, numbers.master); // keeps the number free for the master
  }

  /** What init is told; with a trace it has its memory, too. */
  #initConfig(
    layout: FdLayout,
    { trace, waitsForNetwork }: Prepared,
    seccomp: InitSeccomp | undefined,
  ): InitConfig {
    const init = { ...makeInitConfig({ ...this.#options, seccomp }, layout), waitsForNetwork };
    if (trace === undefined || layout.trace === undefined) return init;
    return { ...init, trace: trace.forInit(layout.trace) };
  }

  #layOut(init: InitConfig, layout: FdLayout, fds: ProcessFds, { said, trace }: Prepared) {
    const { kind } = this.#options;
    const { standard } = fds;
    const { attended } = this;
    const program = layOutInit({ kind, init, said, attended, standard, above: layout.end, trace });
    this.#way = program.way;
    this.#work = program.work;
    return program.direct;
  }

  /** A child of this program, or of a supervisor. */
  async #bear(birth: BirthOptions, status: number, { said, trace }: Prepared): Promise<Child> {
    const { id, folder, config, poller, isSupervised, lane } = this.#options;
    if (isSupervised) {
      const isLauncher = joinsInhabited(config.linux?.namespaces ?? []);
      const whole = { id, folder, birth, status, isLauncher, poller, trace };
      const made = await traced(lane, "start the supervisor", () => supervise(whole, said));
      this.#supervisor = made.supervisor;
      this.#child = made.child;
    } else {
      this.#child = traced(
        lane,
        "clone the child",
        () => cloneInit(birth, status, said, poller, trace),
      );
    }
    trace?.follow(this.#child.pid);
    return this.#child;
  }
}

/** The time namespace that the child enters: a new one, or one to join. */
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
 * Before there is a terminal, init has this program's stderr for its last words. Not where the
 * terminal goes to another: init's other threads keep the stream up to execve, and who called may
 * read it to its end before the start, as containerd's shim does.
 */
const streamsOnTerminal = (process: ProcessOptions): ProcessOptions => ({
  ...process,
  stdin: "null",
  stdout: "null",
  stderr: process.consoleSocket === undefined ? "inherit" : "null",
});
