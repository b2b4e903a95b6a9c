/**
 * The steps of a start that make the child: its mounts and pipes, its fds, its plan, the clone.
 * first_process.ts calls them in order.
 *
 * @module
 */

import { type Fd, O_NONBLOCK, O_RDONLY, open } from "../../ffi/files/file.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { joinsInhabited } from "../../init/steps/process/namespaces.ts";
import { attendedWork, knownWay } from "../birth/direct_start.ts";
import type { IdmappedMount } from "../birth/idmapped_mounts.ts";
import { initCommand } from "../birth/init_command.ts";
import { makeInitConfig } from "../birth/init_layout.ts";
import { type InitProgram, layOutInit } from "../birth/init_program.ts";
import type { InitConfig } from "../../init/operations/init_config.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import { isIdMapped, isPeerOfHost } from "../config/mount_options.ts";
import type { Mount } from "../config/types/config.ts";
import type { MemoryNotice } from "../cgroups/manager.ts";
import { requireNotHosts } from "../namespaces/host_namespaces.ts";
import { checkJoinedNamespaces } from "../namespaces/joined_namespaces.ts";
import { InitStatus, makeFifos, STATUS_FIFO } from "../process/init_status.ts";
import { type Child, NOT_TOLD } from "../process/parent_process.ts";
import { checkProcMounts } from "../security/proc_mount.ts";
import type { Supervised } from "../supervisor/supervisor.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { cloneInit, supervise } from "./birth_child.ts";
import { ChildFds } from "./child_fds.ts";
import { bearInit, newPlanTrace, openIdmappedMounts } from "./late.ts";
import type { StartSubject } from "./start_subject.ts";

/** The pipes by which init and this program talk. */
export interface Words {
  /** What init says. */
  readonly said: InitStatus;
  /** The child's end of the control pipe, and this program's. */
  readonly control: { readonly reader: Fd; readonly writer: Fd };
}

/** What is cloned. */
export interface Cloned {
  readonly program: InitProgram;
  readonly fds: ChildFds;
  readonly words: Words;
  /** The pipe on which a re-executed init hears that its id maps are written. */
  readonly mapped: Pipe | undefined;
}

/** The result of making the child. */
export interface MadeChild {
  /** What a re-executed init is told; the rest of the start uses it, too. */
  readonly told: InitConfig;
  readonly program: InitProgram;
  /** Where init sends the terminal. */
  readonly console: Fd | undefined;
}

/** The steps that make the child. */
export class ChildSteps {
  readonly #subject: StartSubject;
  #trace: PlanTrace | undefined;

  /** Makes nothing yet. */
  constructor(subject: StartSubject) {
    this.#subject = subject;
    subject.lane?.watch(this, "child");
  }

  /** Whether init boots for a while, in which this program can do something else. */
  get boots(): boolean {
    const { kind, config } = this.#subject;
    return knownWay(kind, config.linux ?? {}) !== undefined;
  }

  /** What is done for a child before its plan goes on; undefined if nothing. */
  get attended(): string | undefined {
    const { config, network, before } = this.#subject;
    return attendedWork(config, network !== undefined || before.userNetwork !== undefined);
  }

  /** Whether some of the config's mounts are made by this program. */
  get hasMounts(): boolean {
    const { mounts = [], linux } = this.#subject.config;
    const isMadeHere = (mount: Mount) =>
      isIdMapped(mount) || isPeerOfHost(mount, linux?.rootfsPropagation);
    return mounts.some(isMadeHere);
  }

  /** Begins the trace of what the child does, where there is a trace. */
  async beginTrace(): Promise<PlanTrace | undefined> {
    const { id, config, lane } = this.#subject;
    if (lane !== undefined) this.#trace = await newPlanTrace(lane.trace, `init of ${id}`, config);
    return this.#trace;
  }

  /**
   * Checks the paths of the config again: since the container was created they may lead elsewhere.
   *
   * @throws {ContainerError}
   */
  checkPaths(): void {
    const { config } = this.#subject;
    checkJoinedNamespaces(config.linux?.namespaces ?? []);
    requireNotHosts(config);
    checkProcMounts(config.mounts ?? []);
  }

  /** Makes the mounts that the child can't make, and keeps them open by fd. */
  async openMounts(opened: DisposableStack): Promise<readonly IdmappedMount[]> {
    const { config, poller } = this.#subject;
    return await openIdmappedMounts(config, poller, opened);
  }

  /** Makes and opens the pipes by which init and this program talk. */
  openWords(opened: DisposableStack): Words {
    const { folder, poller, isSupervised } = this.#subject;
    makeFifos(folder);
    const status = opened.use(open(`${folder}/${STATUS_FIFO}`, O_RDONLY | O_NONBLOCK));
    const control = opened.use(new Pipe());
    return { said: new InitStatus(status, poller, isSupervised ? NOT_TOLD : undefined), control };
  }

  /** Opens what the child gets. */
  openFds(
    { control }: Words,
    mounts: readonly IdmappedMount[],
    opened: DisposableStack,
  ): ChildFds {
    return new ChildFds(this.#subject, control.reader, mounts, this.#trace, opened);
  }

  /** What init is told; with a trace also where the memory for its times is. */
  initConfig(
    { layout }: ChildFds,
    seccomp: LoadableFilter | undefined,
    waitsForNetwork: boolean,
  ): InitConfig {
    const init = { ...makeInitConfig({ ...this.#subject, seccomp }, layout), waitsForNetwork };
    if (this.#trace === undefined || layout.trace === undefined) return init;
    return { ...init, trace: this.#trace.forInit(layout.trace) };
  }

  /** Makes the plan, and a program of it if the start goes directly. */
  layOutPlan(init: InitConfig, fds: ChildFds, { said }: Words): InitProgram {
    const { kind } = this.#subject;
    const { standard, layout: { end: above } } = fds;
    const { attended } = this;
    const trace = this.#trace;
    const program = layOutInit({ kind, init, said, attended, standard, above, trace });
    if (program.direct !== undefined) fds.own(program.direct.file);
    return program;
  }

  /**
   * Has a supervisor make the child.
   *
   * @throws {ContainerError} `InitFailed`, `Unsupported`
   */
  async startSupervisor(cloned: Cloned, memory?: MemoryNotice): Promise<Supervised> {
    const { id, folder, config, poller } = this.#subject;
    const isLauncher = joinsInhabited(config.linux?.namespaces ?? []);
    const { status } = cloned.fds;
    const trace = this.#trace;
    const birth = this.#birth(cloned);
    const whole = { id, folder, birth, status, isLauncher, poller, trace, memory };
    const made = await supervise(whole, cloned.words.said);
    trace?.follow(made.child.pid);
    return made;
  }

  /**
   * Makes the child, up to init's execve.
   *
   * @throws {ContainerError} `InitFailed`
   */
  async cloneChild(cloned: Cloned): Promise<Child> {
    const { fds: { status, layout }, words: { said } } = cloned;
    const { bearer, poller } = this.#subject;
    const trace = this.#trace;
    const birth = this.#birth(cloned);
    const child = bearer === undefined
      ? cloneInit(birth, status, said, poller, trace)
      : await bearInit(bearer, birth, layout.end, status, said);
    trace?.follow(child.pid);
    return child;
  }

  #birth({ program: { direct }, fds, mapped }: Cloned) {
    const { namespaces, doors, layout, time } = fds;
    return {
      namespaces,
      init: direct === undefined
        ? initCommand(this.#subject.initCommand, layout)
        : { fd: direct.file.number, args: direct.args },
      cgroups: doors,
      fds: fds.passed,
      mapped: mapped?.reader.number,
      time,
    };
  }
}
