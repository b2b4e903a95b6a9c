/**
 * A container's first process, from the host's side, up to its end: the twin of init/plan.ts.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { type Fd, O_NONBLOCK, O_RDONLY, open } from "../../ffi/files/file.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { type ExitStatus, openPidfd } from "../../ffi/processes/process.ts";
import { receiveFd } from "../../ffi/sockets/socket.ts";
import {
  isForkedLate,
  isNew,
  joinsInhabited,
  launcherMakesNetwork,
} from "../../init/steps/process/namespaces.ts";
import { hasListener } from "../../init/steps/process/seccomp.ts";
import type { InitConfig, InitFds } from "../config/init_config.ts";
import { isIdMapped, isPeerOfHost } from "../config/mount_options.ts";
import type { ChildWork } from "./child_work.ts";
import type { ContainerNetwork } from "../config/types/network.ts";
import type { Mount } from "../config/types/config.ts";
import type { StartWay } from "../config/start_way.ts";
import { ContainerError } from "../errors.ts";
import { adjustOomScore, limit, schedule } from "../process/host_limits.ts";
import type { IdmappedMount } from "../birth/idmapped_mounts.ts";
import { InitBirth, type InitBirthOptions } from "./init_birth.ts";
import { InitNetwork } from "./init_network.ts";
import {
  awaitReady,
  InitStatus,
  type Launched,
  makeFifos,
  STATUS_FIFO,
} from "../process/init_status.ts";
import { attend, letGo, sendConfig } from "./init_words.ts";
import { requireNotHosts } from "../namespaces/host_namespaces.ts";
import { checkJoinedNamespaces } from "../namespaces/joined_namespaces.ts";
import { withLowLimit, withOomKill } from "../process/oom_kill.ts";
import { Child, NOT_TOLD, type ParentProcess, requireSignal } from "../process/parent_process.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";
import { checkProcMounts } from "../security/proc_mount.ts";
import { closeStreams, type PipeStreams } from "../streams/stdio.ts";
import type { Terminal } from "../streams/terminal.ts";
import { traced } from "../trace/traced.ts";
import { finish } from "../failures/undo.ts";

/** What a first process is made of. */
export interface InitProcessOptions extends InitBirthOptions {
  readonly bundle: string;
  /** Runs the hooks of `create` while init, of which it is told the number, waits. */
  readonly runHooks: (pid: number) => Promise<void>;
}

/** The ParentProcess of a container's first process. */
export class InitProcess implements ParentProcess, Disposable {
  readonly #options: InitProcessOptions;
  readonly #stack = new DisposableStack();
  readonly #birth: InitBirth;
  readonly #network: InitNetwork;
  #adopted: Child | undefined;
  #control: Fd | undefined;
  #terminal: Terminal | undefined;
  #streams: PipeStreams | undefined;
  #work: ChildWork | undefined;
  #ending: Promise<ExitStatus | undefined> | undefined;
  #trace: PlanTrace | undefined;
  /** What looks for its end as long as nobody else does. */
  #unasked: Disposable | undefined;

  /** Prepares a birth; nothing happens before `start`. */
  constructor(options: InitProcessOptions) {
    this.#options = options;
    this.#birth = this.#stack.use(new InitBirth(options));
    this.#network = this.#stack.use(new InitNetwork(options.config.linux ?? {}, options.network));
  }

  get pid(): number {
    return this.#born().pid;
  }

  /** The process that records how this one ends. */
  get supervisor(): ProcessIdentity | undefined {
    return this.#birth.supervisor?.identity;
  }

  /** The container's network, with the names that its interfaces have got. */
  get network(): ContainerNetwork | undefined {
    return this.#network.made;
  }

  /** This program's ends of the process's pipes. */
  get streams(): PipeStreams {
    return this.#streams ?? this.#birth.streams;
  }

  /** How it was born; undefined before. */
  get way(): StartWay | undefined {
    return this.#birth.way;
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
    const trace = await lane.span("begin the child's trace", async () => {
      const { PlanTrace } = await import("../trace/plan_trace.ts");
      return new PlanTrace(lane.trace, `init of ${id}`, config);
    });
    this.#trace = trace;
    try {
      await this.#start();
    } catch (error) {
      trace.end(error);
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { config, lane, poller } = this.#options;
    const namespaces = config.linux?.namespaces ?? [];
    checkJoinedNamespaces(namespaces);
    requireNotHosts(config); // the paths may lead elsewhere by now
    checkProcMounts(config.mounts ?? []);
    using opened = new DisposableStack();
    const idmapped = await this.#openMounts(opened);
    const { said, init, control } = await this.#bear(idmapped);
    const child = this.#born();
    adjustOomScore(child.pid, config.process?.oomScoreAdj);
    const networkLater = this.#network.isNeeded && launcherMakesNetwork(namespaces);
    if (!networkLater) await this.#setUpNetwork(child);
    if (this.way?.kind === "direct") attend(control, this.#birth.attended);
    else await traced(lane, "send the config", () => sendConfig(control, init, poller));
    const handlers = {
      onLaunched: (launched: Launched) => this.#onLaunched(launched, networkLater),
      onHooks: (pid: number) => traced(lane, "run the hooks", () => this.#runHooks(pid)),
      onWork: (number: number) =>
        traced(lane, "work for the child", () => this.#doWork(init.fds, number)),
      onAbort: async () => {
        await child.kill();
        control.close();
      },
    };
    const born = {
      pid: child.pid,
      wait: async () => withLowLimit(await this.wait(), this.#options.cgroups),
    };
    const isReady = () => awaitReady(said, born, joinsInhabited(namespaces), handlers);
    const launched = await traced(lane, "wait until init is ready", isReady);
    if (launched !== undefined) await this.#adopt(launched);
    if (init.seccomp !== undefined && hasListener(init.seccomp)) {
      await traced(lane, "pass the filter's listener", () => this.#passListener(init.fds));
    }
    const { rlimits = [], scheduler } = config.process ?? {};
    if (namespaces.some(({ type }) => type === "user")) limit(this.pid, rlimits);
    if (isForkedLate(namespaces) && scheduler !== undefined) schedule(this.pid, scheduler);
    if (this.#birth.console !== undefined) await this.#takeTerminal(this.#birth.console);
    poller.signal?.throwIfAborted();
  }

  /** Lets init go on to wait for the start; it outlives this program from here on. */
  release(): void {
    letGo(this.#control as Fd);
    this.#stack.dispose();
    this.#reapUnasked();
  }

  /** With a container's first process ends all of its pid namespace. */
  killTree(): void {
    this.#born().signal(SIGKILL);
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

  interruptKey(): number | undefined {
    return this.#terminal?.interruptKey();
  }

  /** See `Terminal`. */
  async typeEnd(signal: AbortSignal): Promise<void> {
    await this.#terminal?.typeEnd(this.#options.poller, signal);
  }

  async wait(): Promise<ExitStatus> {
    return await this.ended() ?? await this.#born().wait();
  }

  /**
   * Takes the status of one that nobody waits for, so that it stays no zombie of this program, whoever
   * ends it. A signal keeps no program from its end, as a wait would.
   */
  #reapUnasked(): void {
    const { poller, isSupervised } = this.#options;
    if (isSupervised || poller.isAlone) return;
    const look = () => {
      if (this.#child?.takeEnd() === true) void this.ended();
    };
    Deno.addSignalListener("SIGCHLD", look);
    this.#unasked = { [Symbol.dispose]: () => Deno.removeSignalListener("SIGCHLD", look) };
    look(); // it may be faster
  }

  /** Waits for its end; undefined if nobody knows how it ended, since its supervisor was killed. */
  ended(): Promise<ExitStatus | undefined> {
    const { cgroups } = this.#options;
    this.#unasked?.[Symbol.dispose]();
    this.#unasked = undefined;
    // Looked up once, at the end: the cgroups go with the container.
    this.#ending ??= this.#born().ended().then((status) => withOomKill(status, cgroups));
    return this.#ending;
  }

  signal(signal: string | number): void {
    const number = requireSignal(signal);
    if (!this.#born().signal(number)) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  async terminate(): Promise<void> {
    await finish(
      () => this.#child?.kill(),
      () => this.#network.undo(),
      () => this.#stack.dispose(),
      () => {
        // Nobody was given this program's ends of the pipes, so nobody would close them.
        const { streams } = this;
        this.#streams = {};
        return closeStreams(streams);
      },
    );
  }

  /** Closes what the birth opened. */
  [Symbol.dispose](): void {
    this.#unasked?.[Symbol.dispose]();
    this.#unasked = undefined;
    this.#trace?.[Symbol.dispose]();
    this.#stack.dispose();
    this.#child?.[Symbol.dispose]();
    this.#birth.supervisor?.[Symbol.dispose]();
  }

  /** Mounts that this program makes for the child. */
  async #openMounts(opened: DisposableStack): Promise<readonly IdmappedMount[]> {
    const { config, poller, lane } = this.#options;
    const isMadeHere = (mount: Mount) =>
      isIdMapped(mount) || isPeerOfHost(mount, config.linux?.rootfsPropagation);
    if (!(config.mounts ?? []).some(isMadeHere)) return [];
    return await traced(lane, "make the id-mapped mounts", async () => {
      const { openIdmappedMounts } = await import("../birth/idmapped_mounts.ts");
      return await openIdmappedMounts(config, poller, opened);
    });
  }

  /** Makes the child, and the ways over which the two speak. */
  async #bear(
    idmapped: readonly IdmappedMount[],
  ): Promise<{ said: InitStatus; init: InitConfig; control: Fd }> {
    const { folder, poller, isSupervised } = this.#options;
    makeFifos(folder);
    const status = this.#stack.use(open(`${folder}/${STATUS_FIFO}`, O_RDONLY | O_NONBLOCK));
    const control = this.#stack.use(new Pipe());
    const said = new InitStatus(status, poller, isSupervised ? NOT_TOLD : undefined);
    const init = await this.#birth.make({
      control: control.reader,
      said,
      idmapped,
      waitsForNetwork: this.#network.isNeeded,
      trace: this.#trace,
    });
    control.reader.close();
    this.#control = control.writer;
    return { said, init, control: control.writer };
  }

  async #setUpNetwork(child: Child): Promise<void> {
    if (!this.#network.isNeeded) return;
    const { lane, poller: { signal } } = this.#options;
    await traced(lane, "make the network", () => this.#network.setUp(child, signal));
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
    letGo(control);
  }

  /** The child shows the fds of its next work and waits. */
  async #doWork({ work: fds }: InitFds, number: number): Promise<void> {
    const { ChildWork } = await import("./child_work.ts");
    const doors = this.#options.cgroups.entries().filter((entry) => entry.late);
    this.#work ??= new ChildWork(this.#birth.work, doors.map(({ path }) => path));
    const copyFd = (number: number) => this.#born().copyFd(number);
    this.#work.do(number, { copyFd, control: this.#control as Fd, fds });
  }

  /** What the process that a launcher has made waits for; both end if it fails. */
  async #onLaunched({ first, pid }: Launched, networkLater: boolean): Promise<void> {
    const control = this.#control as Fd;
    const { config: { linux = {} }, lane, poller } = this.#options;
    this.#trace?.follow(this.pid, first, pid);
    try {
      if (networkLater) {
        using child = new Child(pid, openPidfd(pid), poller, NOT_TOLD);
        await this.#setUpNetwork(child);
        letGo(control); // the launcher's
      }
      if (!isNew(linux.namespaces ?? [], "user")) return;
      await traced(lane, "write the id maps", async () => {
        (await import("../namespaces/id_maps.ts")).writeIdMaps(pid, linux);
      });
      letGo(control);
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** Takes the container's process from a launcher, which has ended then like its first child. */
  async #adopt({ first, pid }: Launched): Promise<void> {
    const { poller } = this.#options;
    const launcher = this.#born();
    const { supervisor } = this.#birth;
    if (supervisor !== undefined) {
      using made = openPidfd(first);
      const pidfd = openPidfd(pid);
      this.#adopted = new Child(pid, pidfd, poller, supervisor);
      supervisor.adopt(pidfd, made);
      return launcher[Symbol.dispose]();
    }
    this.#adopted = new Child(pid, openPidfd(pid), poller);
    await new Child(first, openPidfd(first), poller).wait();
    await launcher.wait();
  }

  /**
   * Init has loaded the filter and waits. The listener's fd is the lowest that was free: the one
   * behind those of the hand-over.
   */
  async #passListener({ start }: InitFds): Promise<void> {
    const { id, bundle, config, poller } = this.#options;
    const { passListener } = await import("../process/seccomp_listener.ts");
    const { signal } = poller;
    await passListener(this.#born(), start + 1, { id, bundle, config }, signal);
  }

  /** Init has sent the terminal before it was ready. */
  async #takeTerminal(socket: Fd): Promise<void> {
    const { poller, process } = this.#options;
    const master = receiveFd(socket);
    if (master === undefined) throw new ContainerError("InitFailed", "init sent no terminal");
    const { Terminal } = await import("../streams/terminal.ts");
    const terminal = new Terminal(master);
    const { consoleSocket } = process;
    if (consoleSocket !== undefined) return await terminal.handOn(consoleSocket, poller.signal);
    if (process.bareNewlines === true) terminal.leaveNewlines();
    this.#terminal = terminal;
    this.#streams = terminal.streams(poller);
  }

  get #child(): Child | undefined {
    return this.#adopted ?? this.#birth.child;
  }

  #born(): Child {
    const child = this.#child;
    if (child === undefined) throw new ContainerError("NoProcessOps", "init was not started");
    return child;
  }
}
