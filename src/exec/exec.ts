/**
 * The start of a further process in a running container. The page to read first: the calls of
 * `FurtherStart.run` stand in the order in which things happen. A trace, if there is one, watches
 * them from outside: see `Lane.watch` in src/trace/trace.ts.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import type { PlanItem } from "../../init/operations/operation.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { ProcessConfig, User } from "../config/types/config.ts";
import { type JoinTarget, openNamespaces } from "../namespaces/process_namespaces.ts";
import { filterOf } from "../process/container_filter.ts";
import { adjustOomScore } from "../process/host_limits.ts";
import { schedule } from "../process/rare_limits.ts";
import { withLowLimit } from "../process/oom_kill.ts";
import type { ProcessOptions } from "../process.ts";
import { enterClass } from "../resctrl/container_resctrl.ts";
import { homeOf } from "../security/account_file.ts";
import { requireSecurityModules } from "../security/lsm.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { PipeStreams, StdioOptions } from "../streams/stdio.ts";
import type { Terminal } from "../streams/terminal.ts";
import { processToExec } from "../wishes/exec_config.ts";
import { grantable } from "../wishes/process_wishes.ts";
import { resolveUser } from "../wishes/user.ts";
import { requireSafe } from "./before_start.ts";
import { Decided, wishOf } from "./decided.ts";
import { CgroupDoors, enterCgroups } from "./exec_cgroups.ts";
import {
  controlTerminal,
  makeExecTerminal,
  onTerminal,
  ownedStreams,
  STREAMS,
} from "./exec_streams.ts";
import { ended, isEnding, openRoot } from "./joined_container.ts";
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
 * @param joined the container that it joins, which must run
 * @throws {ContainerError} `ConfigInvalid`, `InitFailed` with step, system call and errno, or
 *   `ContainerNotRunning` if the container ends meanwhile
 * @throws the reason of the surroundings' abort; the process is killed then
 */
export async function startExec(
  joined: JoinedContainer,
  surroundings: ContainerSurroundings,
  options: ProcessOptions,
): Promise<StartedExec> {
  return await new FurtherStart(joined, surroundings, options).run();
}

/** A container that a further process joins. */
export interface JoinedContainer {
  readonly stored: StoredState;
  /** Of its first process; it stays the caller's. */
  readonly pidfd: Fd;
  /** Whether its first process waits for the start. */
  readonly isWaiting: boolean;
}

/** What a further process is made of, once all of it is opened and decided. */
interface Parts {
  readonly target: JoinTarget;
  readonly stdio: StdioOptions;
  readonly terminal: Terminal | undefined;
  readonly decided: Decided;
  /** What the next one like it asks for; undefined if nothing is kept for that. */
  readonly wish: string | undefined;
}

class FurtherStart {
  readonly #container: StoredState;
  readonly #init: ProcessIdentity;
  readonly #pidfd: Fd;
  readonly #isWaiting: boolean;
  readonly #surroundings: ContainerSurroundings;
  readonly #options: ProcessOptions;
  /** Whether there is something to say of the process, each time. */
  #isWarned = false;

  constructor(
    { stored, pidfd, isWaiting }: JoinedContainer,
    surroundings: ContainerSurroundings,
    options: ProcessOptions,
  ) {
    this.#container = stored;
    this.#init = stored.init as ProcessIdentity;
    this.#pidfd = pidfd;
    this.#isWaiting = isWaiting;
    this.#surroundings = surroundings;
    this.#options = options;
    surroundings.lane?.watch(this, "exec");
  }

  async run(): Promise<StartedExec> {
    const { config } = this.#container;
    const { poller } = this.#surroundings;
    const { signal } = poller;
    const { consoleSocket } = this.#options;
    const filter = await this.compileFilter();
    if (this.#isWaiting) requireSafe(this.#init.pid, config, filter);
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
    this.keep(parts);
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
    const { linux = {} } = this.#container.config;
    const options = this.#options;
    const root = opened.use(openRoot(this.#init));
    const rootPath = `/proc/self/fd/${root.number}`;
    const user = resolveUser(options.user, rootPath);
    const wish = wishOf(options, user);
    const known = this.known(wish);
    if (known !== undefined) unwanted.use(known);
    const process = known?.process ?? this.process(user);
    const isInOwnMounts = isNew(linux.namespaces ?? [], "mount");
    const namespaces = openNamespaces(this.#init.pid, this.#pidfd, isInOwnMounts);
    const { target } = opened.use(namespaces);
    if (!namespaces.isAlive) throw ended(undefined); // else all opened by its pid is its own
    const pair = process.terminal === true
      ? makeExecTerminal(this.#init, root, process, opened, unwanted)
      : undefined;
    if (options.bareNewlines === true) pair?.terminal.leaveNewlines();
    const stdio = pair === undefined ? options : onTerminal(pair, options);
    const parent = this.#surroundings.bearer?.pid;
    const uid = process.user?.uid ?? 0;
    const isOwned = uid === 0 && pair?.isOwned !== false;
    const owned = isOwned ? [] : pair === undefined ? ownedStreams(stdio, parent) : STREAMS;
    const found = { home: homeOf(root, uid), owned, filter, parent };
    const isFitting = known?.fits(found) === true;
    if (!isFitting) known?.[Symbol.dispose]();
    const decided = isFitting
      ? known
      : unwanted.use(new Decided(this.#container, process, rootPath, found));
    const kept = this.#isWarned ? undefined : wish;
    return { target, stdio, terminal: pair?.terminal, decided, wish: kept };
  }

  /** What runs, with the capabilities that can be granted. */
  process(user: User | undefined): ProcessConfig {
    const { config } = this.#container;
    const process = processToExec(config, this.#options, user);
    requireSecurityModules({ process });
    return grantable(process, config.linux, (warning) => {
      this.#isWarned = true;
      this.#surroundings.onWarning?.(warning);
    });
  }

  /** What was decided for the last one like it, which is no other's meanwhile. */
  known(wish: string | undefined): Decided | undefined {
    const known = wish === undefined
      ? undefined
      : this.#surroundings.plans.take(this.#container, wish);
    return known instanceof Decided ? known : undefined;
  }

  async openTrace(): Promise<UsherTrace | undefined> {
    const { lane } = this.#surroundings;
    if (lane === undefined) return undefined;
    const { UsherTrace } = await import("./usher_trace.ts");
    const { id, config } = this.#container;
    return new UsherTrace(lane.trace, `exec in ${id}`, config);
  }

  /** How an ordinary user's process ranks itself; root's is ranked when it waits. */
  async rank(
    { decided: { process: { oomScoreAdj } } }: Parts,
  ): Promise<readonly PlanItem[] | undefined> {
    if (oomScoreAdj === undefined || Deno.uid() === 0) return undefined;
    return (await import("./own_rank.ts")).rankItself(oomScoreAdj);
  }

  /** What the process does from its birth to its program, in the order of src/exec/join.ts. */
  plan(
    { target, stdio, terminal, decided }: Parts,
    opened: DisposableStack,
    trace: UsherTrace | undefined,
    rank: readonly PlanItem[] | undefined,
  ): SetnsProcess {
    const { cgroups, plans, poller, bearer } = this.#surroundings;
    const { subCgroup, leaveStatus } = this.#options;
    const { rights, search, beforeWait, execute } = decided;
    const joining = new SetnsProcess({
      target,
      cgroups: decided.doors?.open(opened) ??
        enterCgroups(cgroups, subCgroup, this.#init.pid, opened),
      rank,
      early: rights.early,
      before: rights.before,
      become: rights.become,
      guard: rights.guard,
      lead: [
        ...rights.lead,
        ...(terminal === undefined ? [] : controlTerminal()),
        ...search,
        ...rights.signals,
      ],
      beforeWait,
      execute,
      terminal,
      stdio,
      leaveStatus,
      trace,
      memory: beforeWait === undefined && rank === undefined && plans.holdsFiles
        ? decided.usher
        : undefined,
      poller,
      bearer,
      inspectEnd: (status) => withLowLimit(status, cgroups),
    });
    bearer?.held.use(joining);
    return joining;
  }

  /** Keeps what was decided for the next one like it. */
  keep({ wish, decided }: Parts): void {
    const { plans, lane, cgroups } = this.#surroundings;
    if (wish === undefined || !decided.mayFit || lane !== undefined) {
      return decided[Symbol.dispose]();
    }
    if (this.#options.subCgroup === undefined) decided.doors ??= CgroupDoors.of(cgroups);
    plans.keep(this.#container, wish, decided);
  }

  /** Makes the process; its program runs at the end. */
  async birth(child: SetnsProcess, parts: Parts): Promise<void> {
    const waiting = await child.start();
    if (waiting === undefined) return;
    await this.attend(waiting, parts);
    await child.goOn();
  }

  /** Does what only this program can, while the process waits. */
  async attend(
    { child, opened }: WaitingProcess,
    { decided: { process, rights } }: Parts,
  ): Promise<void> {
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
