/**
 * The birth of a container's first process, from the host's side: the twin of init/plan.ts.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import {
  AT_FDCWD,
  Fd,
  mknodAt,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  open,
  S_IFIFO,
  writeAll,
} from "../ffi/file.ts";
import { NAMESPACE_FLAGS } from "../ffi/namespaces.ts";
import { Pipe } from "../ffi/pipe.ts";
import type { Poller } from "../ffi/poll.ts";
import { type ExitStatus, openPidfd } from "../ffi/process.ts";
import { SyscallProgram } from "../ffi/program.ts";
import { receiveFd, socketPair } from "../ffi/socket.ts";
import { writeFully } from "../ffi/stream.ts";
import { encodeConfig, reportTail } from "../init/channel.ts";
import { HostFacts } from "../init/facts.ts";
import { initFailure } from "../init/failure.ts";
import type { CopyUp, PlannedOperation } from "../init/operation.ts";
import { mountedAt, planInit } from "../init/plan.ts";
import { isNew, joinsInhabited, launcherWaits } from "../init/steps/namespaces.ts";
import { delegateWork, workOf } from "../init/steps/parents_work.ts";
import { hasListener } from "../init/steps/seccomp.ts";
import type { TimeNamespace } from "../init/steps/time.ts";
import { doWork } from "../init/work.ts";
import { PIDFD, planBirth } from "./birth.ts";
import { openDoors } from "./cgroup_doors.ts";
import type { CgroupHost } from "./cgroups/detect.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { ConsoleFds, InitConfig, InitFds, InitSeccomp } from "./config/init_config.ts";
import { isIdMapped, isPeerOfHost } from "./config/mount_options.ts";
import type { Config, Mount } from "./config/types.ts";
import {
  attendedWork,
  chooseWay,
  type DirectProgram,
  type InitKind,
  layOutDirect,
  needsNoPlan,
  type StartWay,
  waitForParentsWork,
  withoutMemoryFiles,
} from "./direct_start.ts";
import { ContainerError } from "./errors.ts";
import { adjustOomScore, limit } from "./host_limits.ts";
import { writeIdMaps } from "./id_maps.ts";
import type { IdmappedMount } from "./idmapped_mounts.ts";
import { initCommand } from "./init_command.ts";
import {
  birthNamespaces,
  type FdLayout,
  hasParentsWork,
  layOutFds,
  makeInitConfig,
} from "./init_layout.ts";
import { awaitReady, InitStatus, type Launched, START_FIFO, STATUS_FIFO } from "./init_status.ts";
import { checkJoinedNamespaces, openJoined } from "./joined_namespaces.ts";
import { Child, type ParentProcess, requireSignal } from "./parent_process.ts";
import type { PlanTrace } from "./plan_trace.ts";
import type { NetDevices } from "./network/net_devices.ts";
import type { ProcessOptions } from "./process.ts";
import { checkProcMounts } from "./security/proc_mount.ts";
import { openProc } from "./security/procfs.ts";
import { type PipeStreams, ProcessFds } from "./stdio.ts";
import { Terminal } from "./terminal.ts";
import type { Lane } from "./trace.ts";
import { traced } from "./traced.ts";

/** What a birth needs. */
export interface InitProcessOptions {
  readonly id: string;
  /** The container's state folder. */
  readonly folder: string;
  readonly rootfs: string;
  /** The container's config with the process to run. */
  readonly config: Config;
  /** The filter that `config.linux.seccomp` was compiled to. */
  readonly seccomp: InitSeccomp | undefined;
  readonly bundle: string;
  readonly process: ProcessOptions;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  readonly poller: Poller;
  /** The Factory's init command. */
  readonly command: readonly string[] | undefined;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** Whether the rootfs is a skeleton that a tmpfs takes. */
  readonly onTmpfs: boolean;
  /** Who walks the plan. */
  readonly kind: InitKind;
  /** Where its start is traced. */
  readonly lane: Lane | undefined;
  /** Runs the hooks of `create` while init, of which it is told the number, waits. */
  readonly runHooks: (pid: number) => Promise<void>;
}

/** The ParentProcess of a container's first process. */
export class InitProcess implements ParentProcess, Disposable {
  readonly #options: InitProcessOptions;
  readonly #stack = new DisposableStack();
  #child: Child | undefined;
  #control: Fd | undefined;
  #console: Fd | undefined;
  #terminal: Terminal | undefined;
  #streams: PipeStreams = {};
  #devices: NetDevices | undefined;
  #way: StartWay | undefined;
  #work: CopyUp[] = [];
  #trace: PlanTrace | undefined;

  /** Prepares a birth; nothing happens before `start`. */
  constructor(options: InitProcessOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#born().pid;
  }

  /** This program's ends of the process's pipes. */
  get streams(): PipeStreams {
    return this.#streams;
  }

  /** How it was born; undefined before. */
  get way(): StartWay | undefined {
    return this.#way;
  }

  /** The trace of what the child does, if there is one. */
  get trace(): PlanTrace | undefined {
    return this.#trace;
  }

  /**
   * The birth: pipes, command and environment, namespaces, one config, clone3, cgroup, config sent,
   * init ready. The container waits for `release` then.
   *
   * @throws {ContainerError} `InitFailed` with what init reported, or `SystemError`
   */
  async start(): Promise<void> {
    const { id, config, lane } = this.#options;
    if (lane === undefined) return await this.#start();
    this.#trace = await lane.span("begin the child's trace", async () => {
      const { PlanTrace } = await import("./plan_trace.ts");
      return new PlanTrace(lane.trace, `init of ${id}`, config);
    });
    try {
      await this.#start();
    } catch (error) {
      this.#trace.end(error);
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { folder, config, poller, lane } = this.#options;
    const { linux = {} } = config;
    const namespaces = linux.namespaces ?? [];
    checkJoinedNamespaces(namespaces);
    checkProcMounts(config.mounts ?? []);
    using opened = new DisposableStack();
    const isMadeHere = (mount: Mount) =>
      isIdMapped(mount) || isPeerOfHost(mount, linux.rootfsPropagation);
    const idmapped = (config.mounts ?? []).some(isMadeHere)
      ? await traced(lane, "make the id-mapped mounts", async () => {
        const { openIdmappedMounts } = await import("./idmapped_mounts.ts");
        return await openIdmappedMounts(config, poller, opened);
      })
      : [];
    makeFifos(folder);
    const status = this.#stack.use(open(`${folder}/${STATUS_FIFO}`, O_RDONLY | O_NONBLOCK));
    const control = this.#stack.use(new Pipe());
    const init = this.#clone(control.reader, birthNamespaces(namespaces), idmapped);
    control.reader.close();
    this.#control = control.writer;
    const child = this.#born();
    adjustOomScore(child.pid, config.process?.oomScoreAdj);
    const moveLater = launcherWaits(linux);
    if (!moveLater) await this.#moveDevices(child);
    if (this.#way?.kind === "direct") attend(control.writer, attendedWork(config));
    else {
      await traced(lane, "send the config", () => sendConfig(control.writer, init, poller));
    }
    const isLauncher = joinsInhabited(namespaces);
    const onLaunched = (launched: Launched) => this.#onLaunched(launched, moveLater);
    const handlers = {
      onLaunched,
      onHooks: (pid: number) => traced(lane, "run the hooks", () => this.#runHooks(pid)),
      onWork: () => traced(lane, "work for the child", () => this.#doWork(init.fds)),
    };
    const launched = await traced(
      lane,
      "wait until init is ready",
      () => awaitReady(new InitStatus(status, poller), child, isLauncher, handlers),
    );
    if (launched !== undefined) await this.#adopt(launched);
    if (init.seccomp !== undefined && hasListener(init.seccomp)) {
      await traced(lane, "pass the filter's listener", () => this.#passListener(init.fds));
    }
    if (namespaces.some(({ type }) => type === "user")) {
      limit(this.pid, config.process?.rlimits ?? []);
    }
    if (this.#console !== undefined) await this.#takeTerminal(this.#console);
  }

  /** Lets init go on to wait for the start; it outlives this program from here on. */
  release(): void {
    const control = this.#control as Fd;
    writeByte(control);
    this.#stack.dispose();
  }

  /**
   * Sets the terminal's size.
   *
   * @throws {ContainerError} `NoProcessOps` if the process has no terminal of this program
   */
  resize(columns: number, rows: number): void {
    if (this.#terminal === undefined) {
      throw new ContainerError("NoProcessOps", "the process has no terminal");
    }
    this.#terminal.resize(columns, rows);
  }

  wait(): Promise<ExitStatus> {
    return this.#born().wait();
  }

  signal(signal: string | number): void {
    const number = requireSignal(signal);
    if (!this.#born().signal(number)) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  async terminate(): Promise<void> {
    await this.#child?.kill();
    // What can't be given back, the kernel keeps: it is the first error that is told.
    this.#devices?.giveBack();
    this.#stack.dispose();
    // Nobody was given this program's ends of the pipes, so nobody would close them.
    const { stdin, stdout, stderr } = this.#streams;
    this.#streams = {};
    await Promise.all([stdin?.abort(), stdout?.cancel(), stderr?.cancel()]);
  }

  /** Closes what the birth opened. */
  [Symbol.dispose](): void {
    this.#trace?.[Symbol.dispose]();
    this.#stack.dispose();
    this.#child?.[Symbol.dispose]();
  }

  /** Makes the child, up to init's execve; gives what init has to know. */
  #clone(control: Fd, namespaces: number, idmapped: readonly IdmappedMount[]): InitConfig {
    const { folder, config, process, host, cgroups, poller, lane } = this.#options;
    using stack = new DisposableStack();
    const withCgroups = (namespaces & NAMESPACE_FLAGS.cgroup) !== 0;
    const doors = openDoors(host, cgroups, withCgroups, stack);
    const isTerminal = config.process?.terminal === true;
    const has = {
      terminal: isTerminal,
      work: hasParentsWork(config, this.#options.onTmpfs),
      trace: this.#trace !== undefined,
    };
    const layout = layOutFds(process, has, doors, idmapped.map(({ mount }) => mount));
    const fds = stack.use(new ProcessFds(isTerminal ? ON_TERMINAL(process) : process, layout.end));
    const status = fds.pass(stack.use(open(`${folder}/${STATUS_FIFO}`, O_WRONLY)), layout.status);
    fds.pass(control, layout.control);
    fds.pass(stack.use(open(`${folder}/${START_FIFO}`, O_RDWR)), layout.start);
    for (const { fd, inside } of layout.late) fds.pass(inside, fd);
    layout.idmapped.forEach(({ fd }, k) => fds.pass((idmapped[k] as IdmappedMount).fd, fd));
    if (layout.console !== undefined) this.#passConsole(layout.console, fds, stack);
    if (layout.work !== undefined) {
      for (const free of [layout.work.from, layout.work.to]) fds.pass(control, free); // kept free
    }
    const init = this.#initConfig(layout, fds);
    const direct = traced(lane, "lay out the plan", () => this.#layOut(init, layout, fds));
    if (direct !== undefined) stack.use(direct.file);
    const isMapped = (namespaces & NAMESPACE_FLAGS.user) !== 0;
    const mapped = isMapped && direct === undefined ? stack.use(new Pipe()) : undefined;
    const planned = planBirth({
      namespaces,
      init: direct === undefined
        ? initCommand(this.#options.command, layout)
        : { fd: direct.file.number, args: direct.args },
      cgroups: doors,
      fds: fds.passed.map(({ fd, as }) => ({ fd: fd.number, as })),
      mapped: mapped?.reader.number,
      time: openTime(config, namespaces, stack),
    });
    const operations = this.#trace?.markBirth(planned) ?? planned;
    const child = traced(lane, "clone the child", () => spawn(operations, status.number, poller));
    this.#child = child;
    this.#trace?.follow(child.pid);
    this.#streams = fds.streams(poller);
    if (isMapped) {
      traced(lane, "write the id maps", () => writeIdMaps(child.pid, config.linux ?? {}));
    }
    if (mapped !== undefined) writeByte(mapped.writer);
    return init;
  }

  /** What init is told; with a trace it gets its memory, too. */
  #initConfig(layout: FdLayout, fds: ProcessFds): InitConfig {
    const init = makeInitConfig(this.#options, layout);
    const trace = this.#trace;
    if (trace === undefined || layout.trace === undefined) return init;
    fds.pass(trace.file, layout.trace);
    return { ...init, trace: trace.forInit(layout.trace) };
  }

  /** Lays out the plan as the child's program, if it goes that way. */
  #layOut(init: InitConfig, layout: FdLayout, fds: ProcessFds): DirectProgram | undefined {
    const { id, rootfs, kind } = this.#options;
    const { linux = {} } = init.config;
    this.#way = needsNoPlan(kind, linux);
    if (this.#way !== undefined) return undefined;
    const plan = planInit(init, new HostFacts(rootfs, mountedAt(init.config), fds.standard));
    this.#way = chooseWay(kind, plan, init.fds);
    if (this.#way.kind === "reexec") return undefined;
    this.#work = workOf(plan);
    const whole = [...waitForParentsWork(init.fds, attendedWork(this.#options.config)), ...plan];
    const delegated = delegateWork(whole, init.fds);
    const marked = init.trace === undefined
      ? delegated
      : this.#trace?.markProgram(delegated, init.trace.fd) ?? delegated;
    const program = layOutDirect(id, marked, init.fds, layout.end);
    if (program === undefined) this.#way = withoutMemoryFiles(kind);
    return program;
  }

  /**
   * Moves network devices into the network namespace of a child that waits: its own new one, or the
   * one that it will join.
   */
  async #moveDevices(child: Child): Promise<void> {
    const { namespaces = [], netDevices = {} } = this.#options.config.linux ?? {};
    if (Object.keys(netDevices).length === 0) return;
    const target = openJoined(namespaces, "network") ?? child.namespace("network");
    if (target === undefined) return; // what init said before its end is what failed
    const network = await import("./network/net_devices.ts");
    const devices = this.#stack.use(new network.NetDevices(target));
    this.#devices = devices;
    traced(this.#options.lane, "move the network devices", () => devices.move(netDevices));
  }

  /** Init waits for the hooks' end, and ends if they fail. */
  async #runHooks(pid: number): Promise<void> {
    const control = this.#control as Fd;
    try {
      await this.#options.runHooks(pid);
    } catch (error) {
      control.close();
      throw error;
    }
    writeByte(control);
  }

  /** The child shows the fds of its next work and waits. */
  #doWork({ work }: InitFds): void {
    const control = this.#control as Fd;
    const item = this.#work.shift();
    if (item === undefined || work === undefined) return;
    try {
      using from = this.#born().copyFd(work.from);
      using to = this.#born().copyFd(work.to);
      doWork(item, from, to);
    } catch (error) {
      control.close();
      throw error;
    }
    writeByte(control);
  }

  /** What the process that a launcher has made waits for; both end if it fails. */
  async #onLaunched({ first, pid }: Launched, moves: boolean): Promise<void> {
    const control = this.#control as Fd;
    const { config: { linux = {} }, lane } = this.#options;
    this.#trace?.follow(this.#born().pid, first, pid);
    try {
      if (moves) {
        using child = new Child(pid, openPidfd(pid), this.#options.poller);
        await this.#moveDevices(child);
        writeByte(control); // the launcher's
      }
      if (!isNew(linux.namespaces ?? [], "user")) return;
      traced(lane, "write the id maps", () => writeIdMaps(pid, linux));
      writeByte(control);
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Takes the container's process from a launcher, which has ended then like its first child. */
  async #adopt({ first, pid }: Launched): Promise<void> {
    const { poller } = this.#options;
    const launcher = this.#born();
    this.#child = new Child(pid, openPidfd(pid), poller);
    await new Child(first, openPidfd(first), poller).wait();
    await launcher.wait();
  }

  /**
   * Init has loaded the filter and waits. The listener's fd is the lowest that was free: the one
   * behind those of the hand-over.
   */
  async #passListener({ start }: InitFds): Promise<void> {
    const { id, bundle, config } = this.#options;
    const { passListener } = await import("./seccomp_listener.ts");
    await passListener(this.#born(), start + 1, { id, bundle, config });
  }

  /** Init has sent the terminal before it was ready. */
  async #takeTerminal(socket: Fd): Promise<void> {
    const { poller, process } = this.#options;
    const master = receiveFd(socket);
    if (master === undefined) throw new ContainerError("InitFailed", "init sent no terminal");
    const terminal = new Terminal(master);
    if (process.consoleSocket !== undefined) return await terminal.handOn(process.consoleSocket);
    this.#terminal = terminal;
    this.#streams = terminal.streams(poller);
  }

  #passConsole(numbers: ConsoleFds, fds: ProcessFds, stack: DisposableStack): void {
    const pair = socketPair();
    stack.use(pair.theirs);
    this.#console = this.#stack.use(pair.ours);
    fds.pass(pair.theirs, numbers.socket);
    fds.pass(pair.theirs, numbers.master); // keeps the number free for the master
  }

  #born(): Child {
    if (this.#child === undefined) throw new ContainerError("NoProcessOps", "init was not started");
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
const ON_TERMINAL = (process: ProcessOptions): ProcessOptions => ({
  ...process,
  stdin: "null",
  stdout: "null",
  stderr: process.consoleSocket === undefined ? "inherit" : "null",
});

/** Runs the birth program; it returns here once the child is init, or waits for its id maps. */
function spawn(operations: readonly PlannedOperation[], status: number, poller: Poller): Child {
  const program = new SyscallProgram(operations, reportTail(status, operations));
  program.run();
  // Before it may stand a mark of a trace.
  const clone = operations.findIndex(({ syscall }) => syscall === "clone3");
  const pid = program.result(clone);
  if (pid < 0) throw initFailure(operations[clone] as PlannedOperation, -pid);
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  return new Child(pid, new Fd(number), poller);
}

/** The fifos through which another hull starts the container and hears of its start. */
function makeFifos(folder: string): void {
  for (const name of [START_FIFO, STATUS_FIFO]) {
    mknodAt(AT_FDCWD, `${folder}/${name}`, S_IFIFO | 0o600);
  }
}

/** Sends the config; if init ends before it has read it all, its own message says why. */
async function sendConfig(control: Fd, init: InitConfig, poller: Poller): Promise<void> {
  try {
    await writeFully(control, encodeConfig(init), poller);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "EPIPE") throw error;
  }
}

/** Lets a child go on that waits for `work`; one that has ended has said why. */
function attend(control: Fd, work: string | undefined): void {
  if (work === undefined) return;
  try {
    writeByte(control);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "EPIPE") throw error;
  }
}

function writeByte(fd: Fd): void {
  writeAll(fd, new Uint8Array([1]));
}
