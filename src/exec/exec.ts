/**
 * The start of a further process in a running container. The page to read first: the calls of
 * `FurtherStart.run` stand in the order in which things happen. A trace, if there is one, watches
 * them from outside: see `Lane.watch` in src/trace/trace.ts.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import { withHome } from "../../init/steps/process/program_environment.ts";
import { HostFacts } from "../../init/operations/host_facts.ts";
import type { PlanItem } from "../../init/operations/operation.ts";
import { execute, findProgram } from "../../init/steps/process/execute.ts";
import { outliveParent } from "../../init/steps/process/final.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { ProcessConfig } from "../config/types/config.ts";
import { type JoinTarget, openNamespaces } from "../namespaces/process_namespaces.ts";
import { filterOf } from "../process/container_filter.ts";
import { adjustOomScore } from "../process/host_limits.ts";
import { schedule } from "../process/rare_limits.ts";
import { isWaiting } from "../process/init_status.ts";
import { withLowLimit } from "../process/oom_kill.ts";
import type { ProcessOptions } from "../process.ts";
import { enterClass } from "../resctrl/container_resctrl.ts";
import { homeOf } from "../security/account_file.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { PipeStreams, StdioOptions } from "../streams/stdio.ts";
import type { Terminal } from "../streams/terminal.ts";
import { processToExec } from "../wishes/exec_config.ts";
import { grantable } from "../wishes/process_wishes.ts";
import { requireSafe } from "./before_start.ts";
import { enterCgroups } from "./exec_cgroups.ts";
import {
  controlTerminal,
  makeExecTerminal,
  onTerminal,
  ownedStreams,
  STREAMS,
} from "./exec_streams.ts";
import { ended, isEnding, openRoot, requireAlive } from "./joined_container.ts";
import { planRights, type Rights } from "./rights.ts";
import { SetnsProcess, type WaitingProcess } from "./setns_process.ts";
import type { UsherTrace } from "./usher_trace.ts";

/** A further process that runs. */
export interface StartedExec {
  readonly child: SetnsProcess;
  readonly streams: PipeStreams;
}

/**
 * Starts a further process.
 *
 * @param container the container that it joins, which must run
 * @param pidfd of the container's first process; it stays the caller's
 * @throws {ContainerError} `ConfigInvalid`, `InitFailed` with step, system call and errno, or
 *   `ContainerNotRunning` if the container ends meanwhile
 * @throws the reason of the surroundings' abort; the process is killed then
 */
export async function startExec(
  container: StoredState,
  pidfd: Fd,
  surroundings: ContainerSurroundings,
  options: ProcessOptions,
): Promise<StartedExec> {
  return await new FurtherStart(container, pidfd, surroundings, options).run();
}

/** What a further process is made of, once all of it is opened and decided. */
interface Parts {
  /** The container's root, and a path by which it can be looked at. */
  readonly root: Fd;
  readonly rootPath: string;
  readonly target: JoinTarget;
  readonly process: ProcessConfig;
  readonly stdio: StdioOptions;
  readonly terminal: Terminal | undefined;
  readonly rights: Rights;
}

class FurtherStart {
  readonly #container: StoredState;
  readonly #init: ProcessIdentity;
  readonly #pidfd: Fd;
  readonly #surroundings: ContainerSurroundings;
  readonly #options: ProcessOptions;

  constructor(
    container: StoredState,
    pidfd: Fd,
    surroundings: ContainerSurroundings,
    options: ProcessOptions,
  ) {
    this.#container = container;
    this.#init = container.init as ProcessIdentity;
    this.#pidfd = pidfd;
    this.#surroundings = surroundings;
    this.#options = options;
    surroundings.lane?.watch(this, "exec");
  }

  async run(): Promise<StartedExec> {
    const { id, config } = this.#container;
    const { poller, store } = this.#surroundings;
    const { signal } = poller;
    const { consoleSocket } = this.#options;
    const filter = await this.compileFilter();
    if (isWaiting(store.folder(id))) requireSafe(this.#init.pid, config, filter);
    using opened = new DisposableStack();
    using unwanted = new DisposableStack();
    const parts = this.gather(filter, opened, unwanted);
    const { terminal } = parts;
    using trace = await this.openTrace();
    const rank = await this.rank(parts);
    const child = this.plan(parts, opened, trace, rank);
    try {
      signal?.throwIfAborted();
      await (trace === undefined
        ? this.birth(child, parts)
        : trace.until(() => this.birth(child, parts)));
      if (consoleSocket !== undefined) await terminal?.handOn(consoleSocket, signal);
      signal?.throwIfAborted();
    } catch (error) {
      await child.terminate();
      child[Symbol.dispose]();
      signal?.throwIfAborted();
      throw await isEnding(this.#init, error) ? ended(error) : error;
    }
    unwanted.move();
    const isHere = terminal !== undefined && consoleSocket === undefined;
    return { child, streams: isHere ? terminal.streams(poller) : child.streams };
  }

  async compileFilter(): Promise<LoadableFilter | undefined> {
    const { store, filters: recent } = this.#surroundings;
    return await filterOf(this.#container.config, store.root, { recent });
  }

  /**
   * Opens and decides what the process is made of.
   *
   * @param opened closes what only the start needs
   * @param unwanted closes what the process keeps, if the start fails
   */
  gather(
    filter: LoadableFilter | undefined,
    opened: DisposableStack,
    unwanted: DisposableStack,
  ): Parts {
    const { config, keyring } = this.#container;
    const { linux = {} } = config;
    const options = this.#options;
    const root = opened.use(openRoot(this.#init));
    const rootPath = `/proc/self/fd/${root.number}`;
    const process = grantable(
      processToExec(config, options, root),
      config.linux,
      this.#surroundings.onWarning,
    );
    const isInOwnMounts = isNew(linux.namespaces ?? [], "mount");
    const { target } = opened.use(openNamespaces(this.#init.pid, this.#pidfd, isInOwnMounts));
    requireAlive(this.#init); // so all that was opened by its pid is its own
    const pair = process.terminal === true
      ? makeExecTerminal(this.#init, root, process, opened, unwanted)
      : undefined;
    if (options.bareNewlines === true) pair?.terminal.leaveNewlines();
    const stdio = pair === undefined ? options : onTerminal(pair, options);
    const parent = this.#surroundings.bearer?.pid;
    const isOwned = (process.user?.uid ?? 0) === 0 && pair?.isOwned !== false;
    const owned = () => pair === undefined ? ownedStreams(stdio, parent) : STREAMS;
    const rights = planRights(process, linux, rootPath, filter, {
      ownedFds: isOwned ? [] : owned(),
      affinity: process.execCPUAffinity,
      hasAgent: true,
      keyring,
      parent,
    });
    return { root, rootPath, target, process, stdio, terminal: pair?.terminal, rights };
  }

  async openTrace(): Promise<UsherTrace | undefined> {
    const { lane } = this.#surroundings;
    if (lane === undefined) return undefined;
    const { UsherTrace } = await import("./usher_trace.ts");
    const { id, config } = this.#container;
    return new UsherTrace(lane.trace, `exec in ${id}`, config);
  }

  /** How an ordinary user's process ranks itself; root's is ranked when it waits. */
  async rank({ process: { oomScoreAdj } }: Parts): Promise<readonly PlanItem[] | undefined> {
    if (oomScoreAdj === undefined || Deno.uid() === 0) return undefined;
    return (await import("./own_rank.ts")).rankItself(oomScoreAdj);
  }

  /** What the process does from its birth to its program, in the order of src/exec/join.ts. */
  plan(
    { root, rootPath, target, process, stdio, terminal, rights }: Parts,
    opened: DisposableStack,
    trace: UsherTrace | undefined,
    rank: readonly PlanItem[] | undefined,
  ): SetnsProcess {
    const { cgroups, poller, bearer } = this.#surroundings;
    const { subCgroup, leaveStatus } = this.#options;
    const facts = new HostFacts(rootPath, []);
    const env = withHome(process.env ?? [], homeOf(root, process.user?.uid ?? 0));
    const args = process.args ?? [];
    const beforeWait = this.beforeWait(process, rights);
    const isFiltered = beforeWait !== undefined && rights.waiting.length > 0;
    const joining = new SetnsProcess({
      target,
      cgroups: enterCgroups(cgroups, subCgroup, this.#init.pid, opened),
      rank,
      early: rights.early,
      before: rights.before,
      become: rights.become,
      guard: rights.guard,
      lead: [
        ...rights.lead,
        ...(terminal === undefined ? [] : controlTerminal()),
        ...findProgram(args[0] ?? "", env, process.cwd, (path) => facts.destination(path, 0)),
        ...rights.signals,
      ],
      beforeWait,
      execute: [...(isFiltered ? [] : [...outliveParent(), ...rights.last]), execute(args, env)],
      terminal,
      stdio,
      leaveStatus,
      trace,
      poller,
      bearer,
      inspectEnd: (status) => withLowLimit(status, cgroups),
    });
    bearer?.held.use(joining);
    return joining;
  }

  /** What a process does before it waits for {@linkcode attend}; most need not wait. */
  beforeWait(
    { oomScoreAdj }: ProcessConfig,
    { notifies, waiting, scheduler }: Rights,
  ): readonly PlanItem[] | undefined {
    const isSet = oomScoreAdj !== undefined || scheduler !== undefined;
    if (!notifies && this.#container.resctrl === undefined && !isSet) return undefined;
    return [...(waiting.length > 0 ? outliveParent() : []), ...waiting];
  }

  /** Makes the process; its program runs at the end. */
  async birth(child: SetnsProcess, parts: Parts): Promise<void> {
    const waiting = await child.start();
    if (waiting === undefined) return;
    await this.attend(waiting, parts);
    await child.goOn();
  }

  /** Does what only this program can, while the process waits. */
  async attend({ child, opened }: WaitingProcess, { process, rights }: Parts): Promise<void> {
    const { id, bundle, config, resctrl } = this.#container;
    const { poller: { signal } } = this.#surroundings;
    adjustOomScore(child.pid, process.oomScoreAdj);
    if (rights.scheduler !== undefined) schedule(child.pid, rights.scheduler);
    await enterClass(resctrl, child.pid);
    if (!rights.notifies) return;
    const { passListener } = await import("../process/seccomp_listener.ts");
    const subject = { id, bundle, config, first: this.#init.pid };
    await passListener(child, opened, subject, signal);
  }
}
