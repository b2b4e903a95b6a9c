/**
 * The steps of a start that only the parent can do for a child, while the child waits.
 * first_process.ts calls them in order.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import type { Work } from "../../init/operations/operation.ts";
import { isForkedLate, launcherMakesNetwork } from "../../init/steps/process/namespaces.ts";
import type { InitConfig } from "../../init/operations/init_config.ts";
import { adjustOomScore } from "../process/host_limits.ts";
import type { Child } from "../process/parent_process.ts";
import type { Words } from "./child_steps.ts";
import type { ChildWork } from "./child_work.ts";
import type { InitProcess } from "./init_process.ts";
import { letGoOn } from "../process/control_pipe.ts";
import { attend, sendConfig } from "./init_words.ts";
import {
  limit,
  newChildWork,
  passListener,
  receiveTerminal,
  runCreateHooks,
  schedule,
  writeIdMaps,
} from "./late.ts";
import type { StartSubject } from "./start_subject.ts";

/** The steps that the parent does for a child. */
export class ParentSteps {
  readonly #subject: StartSubject;
  readonly #init: InitProcess;
  #work: ChildWork | undefined;

  /** Does nothing yet. */
  constructor(subject: StartSubject, init: InitProcess) {
    this.#subject = subject;
    this.#init = init;
    subject.lane?.watch(this, "parent");
  }

  /** Whether the network is made when a launcher has made the container's process, not before. */
  get makesNetworkLater(): boolean {
    const { namespaces = [] } = this.#subject.config.linux ?? {};
    return this.#init.network !== undefined && launcherMakesNetwork(namespaces);
  }

  /** Writes the id maps of a new user namespace. */
  async writeIdMaps(pid: number): Promise<void> {
    await writeIdMaps(pid, this.#subject.config.linux ?? {});
  }

  /** Sets how likely the kernel is to kill the child when memory runs out. */
  adjustOomScore(): void {
    adjustOomScore(this.#init.pid, this.#subject.config.process?.oomScoreAdj);
  }

  /** Makes the network that a container gets from outside. */
  async makeNetwork(child: Child): Promise<void> {
    await this.#init.network?.setUp(child, this.#subject.poller.signal);
  }

  /** Lets a direct child that waits for `work` go on. */
  attend({ control }: Words, work: string | undefined): void {
    attend(control.writer, work);
  }

  /** Tells a re-executed init what it is to do. */
  async sendConfig({ control }: Words, told: InitConfig): Promise<void> {
    await sendConfig(control.writer, told, this.#subject.poller);
  }

  /** Runs the hooks of `create` while the container's process waits, and lets it go on. */
  async runHooks(pid: number, { control }: Words): Promise<void> {
    const { before, folder, poller, bearer } = this.#subject;
    await runCreateHooks(before, pid, folder, { poller, bearer });
    letGoOn(control.writer);
  }

  /**
   * Does the next work of a child without TypeScript, which shows the fds of it and waits.
   *
   * @param items all the work of that child
   */
  async doWork(
    number: number,
    items: readonly Work[],
    { fds }: InitConfig,
    { control }: Words,
  ): Promise<void> {
    const doors = this.#subject.cgroups.entries().filter((entry) => entry.late);
    this.#work ??= await newChildWork(items, doors.map(({ path }) => path));
    const copyFd = (number: number) => this.#init.child.copyFd(number);
    this.#work.do(number, { copyFd, control: control.writer, fds: fds.work });
  }

  /**
   * Passes the filter's listener on to its agent. Init has loaded the filter and waits. The listener
   * got the lowest free fd, the one behind those of the hand-over.
   */
  async passListener({ fds }: InitConfig): Promise<void> {
    const { id, bundle, config, poller } = this.#subject;
    await passListener(this.#init.child, fds.start + 1, { id, bundle, config }, poller.signal);
  }

  /** Sets limits that only the host's root can set, and a scheduler that a launcher's fork lost. */
  async setLateLimits(): Promise<void> {
    const { linux: { namespaces = [] } = {}, process = { cwd: "/" } } = this.#subject.config;
    const { rlimits = [], scheduler } = process;
    const { pid } = this.#init;
    if (namespaces.some(({ type }) => type === "user")) await limit(pid, rlimits);
    if (isForkedLate(namespaces) && scheduler !== undefined) await schedule(pid, scheduler);
  }

  /** Takes the terminal, which init has sent before it was ready. */
  async takeTerminal(socket: Fd): Promise<void> {
    const { poller, process } = this.#subject;
    const terminal = await receiveTerminal(socket);
    const { consoleSocket } = process;
    if (consoleSocket !== undefined) return await terminal.handOn(consoleSocket, poller.signal);
    if (process.bareNewlines === true) terminal.leaveNewlines();
    this.#init.terminal = terminal;
    this.#init.streams = terminal.streams(poller);
  }
}
