/**
 * A further process in a running container: what it is made of, and how it gets in.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { fieldIfAlive } from "../../ffi/processes/process_status.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { S_IFCHR, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import { TIOCSCTTY } from "../../ffi/sockets/terminal.ts";
import { withHome } from "../../init/operations/environment.ts";
import { HostFacts } from "../../init/operations/host_facts.ts";
import { type PlanItem, StepBuilder } from "../../init/operations/operation.ts";
import { execute, findProgram, outliveParent } from "../../init/steps/process/final.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import { letsWait } from "../../init/steps/process/seccomp.ts";
import { keepsFilterRight } from "../../init/steps/process/user.ts";
import type { InitSeccomp } from "../config/init_config.ts";
import type { Config, ProcessConfig } from "../config/types/config.ts";
import { filterOf } from "../process/container_filter.ts";
import { enterClass } from "../resctrl/container_resctrl.ts";
import { ContainerError } from "../errors.ts";
import { enterCgroups } from "./exec_cgroups.ts";
import { processToExec } from "../wishes/exec_config.ts";
import { adjustOomScore, schedule } from "../process/host_limits.ts";
import { planRights, type Rights } from "./rights.ts";
import { isWaiting } from "../process/init_status.ts";
import { withLowLimit } from "../process/oom_kill.ts";
import type { ProcessOptions } from "../process.ts";
import { grantable } from "../wishes/process_wishes.ts";
import { hostId, openNamespaces } from "../namespaces/process_namespaces.ts";
import { isAlive, type ProcessIdentity } from "../state/process_identity.ts";
import { type HeldProcess, SetnsProcess } from "./setns_process.ts";
import { homeOf } from "../security/account_file.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { PipeStreams, StdioOptions } from "../streams/stdio.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import { makeTerminal, type TerminalPair } from "../streams/terminal.ts";
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
  const { config } = container;
  const { cgroups, poller, store } = surroundings;
  const { signal } = poller;
  const init = container.init as ProcessIdentity;
  const steps = new ExecSteps(container, surroundings);
  const filter = await steps.compileFilter();
  if (isWaiting(store.folder(container.id))) requireSafe(init.pid, config, filter);
  using stack = new DisposableStack();
  const root = stack.use(openRoot(init));
  const rootPath = `/proc/self/fd/${root.number}`;
  const facts = new HostFacts(rootPath, []);
  const process = grantable(
    processToExec(config, options, root),
    config.linux,
    surroundings.onWarning,
  );
  const namespaces = stack.use(
    openNamespaces(init.pid, pidfd, isNew(config.linux?.namespaces ?? [], "mount")),
  );
  requireAlive(init);
  const pair = process.terminal === true ? makeExecTerminal(init, root, process) : undefined;
  using unwanted = new DisposableStack();
  if (pair !== undefined) {
    stack.use(pair.peer);
    unwanted.defer(() => pair.terminal.close());
  }
  if (options.bareNewlines === true) pair?.terminal.leaveNewlines();
  const stdio = pair === undefined ? options : onTerminal(pair, options);
  const owned = pair === undefined ? ownedStreams(stdio) : STREAMS;
  const rights = planRights(process, config.linux ?? {}, rootPath, filter, {
    ownedFds: (process.user?.uid ?? 0) === 0 ? [] : owned,
    affinity: process.execCPUAffinity,
    hasAgent: true,
    keyring: container.keyring,
  });
  using trace = await steps.openTrace();
  const env = withHome(process.env ?? [], homeOf(root, process.user?.uid ?? 0));
  const args = process.args ?? [];
  const held = holdFor(container, process, rights, signal);
  const isFiltered = held !== undefined && rights.waiting.length > 0;
  const child = new SetnsProcess({
    target: namespaces.target,
    cgroups: enterCgroups(cgroups, options.subCgroup, init.pid, stack),
    early: rights.early,
    before: rights.before,
    become: rights.become,
    guard: rights.guard,
    lead: [
      ...rights.lead,
      ...(pair === undefined ? [] : controlTerminal()),
      ...findProgram(args[0] ?? "", env, process.cwd, (path) => facts.destination(path, 0)),
      ...rights.signals,
    ],
    held,
    execute: [
      ...(isFiltered ? [] : [...outliveParent(), ...rights.last]),
      execute(args, env),
    ],
    terminal: pair?.terminal,
    stdio,
    leaveStatus: options.leaveStatus,
    trace,
    poller,
    inspectEnd: (status) => withLowLimit(status, cgroups),
  });
  try {
    signal?.throwIfAborted();
    await steps.startUsher(child);
    const { consoleSocket } = options;
    if (consoleSocket !== undefined) await pair?.terminal.handOn(consoleSocket, signal);
    signal?.throwIfAborted();
  } catch (error) {
    await child.terminate();
    child[Symbol.dispose]();
    signal?.throwIfAborted();
    throw await isEnding(init, error) ? ended(error) : error;
  }
  unwanted.move();
  const isHere = pair !== undefined && options.consoleSocket === undefined;
  return { child, streams: isHere ? pair.terminal.streams(poller) : child.streams };
}

/**
 * Refuses a further process while the first one waits for the start with more rights than it will
 * have: the new process could trace it and get those rights. If the filter does not allow the wait,
 * the first process has no filter yet, and still the right to load it. A re-executed init that
 * could not become its last program still has threads with the host's rights.
 */
function requireSafe(pid: number, config: Config, filter: InitSeccomp | undefined): void {
  const { capabilities, noNewPrivileges } = config.process ?? {};
  const isFiltered = filter === undefined ||
    letsWait(filter, keepsFilterRight(capabilities, noNewPrivileges !== true));
  const isAlone = (fieldIfAlive(pid, "Threads") ?? "1") === "1";
  if (isFiltered && isAlone) return;
  const why = isAlone
    ? "its filter denies what a process that waits behind it does: read, write, exit_group, capset"
    : "its init has had to stay the host's program: see sysctl vm.memfd_noexec, and --trace";
  throw new ContainerError("ContainerNotRunning", "no process can join before the start", {
    pointer: isAlone ? "/linux/seccomp" : undefined,
    hint: why,
  });
}

/** The steps that a trace shows. */
class ExecSteps {
  readonly #container: StoredState;
  readonly #surroundings: ContainerSurroundings;

  constructor(container: StoredState, surroundings: ContainerSurroundings) {
    this.#container = container;
    this.#surroundings = surroundings;
    surroundings.lane?.watch(this, "exec");
  }

  async compileFilter(): Promise<InitSeccomp | undefined> {
    const { store, filters: recent } = this.#surroundings;
    return await filterOf(this.#container.config, store.root, { recent });
  }

  async openTrace(): Promise<UsherTrace | undefined> {
    const { lane } = this.#surroundings;
    if (lane === undefined) return undefined;
    const { UsherTrace } = await import("./usher_trace.ts");
    const { id, config } = this.#container;
    return new UsherTrace(lane.trace, `exec in ${id}`, config);
  }

  async startUsher(child: SetnsProcess): Promise<void> {
    await child.start();
  }
}

/** What this program does for a process that waits; undefined for most, which need nothing. */
function holdFor(
  { id, bundle, config, resctrl, init }: StoredState,
  { oomScoreAdj }: ProcessConfig,
  { notifies, waiting, scheduler }: Rights,
  signal: AbortSignal | undefined,
): HeldProcess | undefined {
  const isSet = oomScoreAdj !== undefined || scheduler !== undefined;
  if (!notifies && resctrl === undefined && !isSet) return undefined;
  return {
    before: [...(waiting.length > 0 ? outliveParent() : []), ...waiting],
    attend: async (child, opened) => {
      adjustOomScore(child.pid, oomScoreAdj);
      if (scheduler !== undefined) schedule(child.pid, scheduler);
      await enterClass(resctrl, child.pid);
      if (!notifies) return;
      const { passListener } = await import("../process/seccomp_listener.ts");
      await passListener(child, opened, { id, bundle, config, first: init?.pid }, signal);
    },
  };
}

/** A terminal's three streams belong to the process alone. */
const STREAMS: readonly number[] = [0, 1, 2];

/**
 * Opens the process's root. It is the very process's only if that still lives when everything is
 * open. A process that exits has no root any more.
 */
function openRoot(init: ProcessIdentity): Fd {
  try {
    return open(`/proc/${init.pid}/root`, O_PATH | O_DIRECTORY);
  } catch (error) {
    requireAlive(init);
    throw failedWith(error, "ENOENT") ? ended(error) : error;
  }
}

/**
 * Checks that the process still lives. If so, everything that was opened by its pid belongs to it:
 * between opening and this check the pid could have been reused.
 */
function requireAlive(init: ProcessIdentity): void {
  if (!isAlive(init)) throw ended(undefined);
}

/**
 * Whether the container is ending. Its first process may still be there for a moment after the
 * kernel has removed its namespaces, or while its whole cgroup is being killed.
 */
async function isEnding(init: ProcessIdentity, error: unknown): Promise<boolean> {
  if (!(error instanceof ContainerError)) return !isAlive(init);
  if (error.step === "join" && error.errno === "ESRCH") return true;
  // A pid namespace whose first process has died takes no new process: fork(2), ENOMEM.
  const isRefused = error.step === "join" && error.errno === "ENOMEM";
  const isSilent = error.code === "InitFailed" && error.errno === undefined;
  const isToWait = isRefused || isSilent;
  for (let waited = 0; isToWait && isAlive(init) && waited < ENDING_MS; waited += STEP_MS) {
    await pause(STEP_MS);
  }
  return !isAlive(init);
}

const ENDING_MS = 200;
const STEP_MS = 10;

function ended(cause: unknown): ContainerError {
  return new ContainerError("ContainerNotRunning", "the container has ended", { cause });
}

function makeExecTerminal(
  { pid }: ProcessIdentity,
  root: Fd,
  { user, consoleSize }: ProcessConfig,
): TerminalPair {
  return makeTerminal(root, hostId(pid, "uid_map", user?.uid ?? 0), consoleSize);
}

function onTerminal({ peer }: TerminalPair, options: ProcessOptions): StdioOptions {
  const { number } = peer;
  return { ...options, stdin: number, stdout: number, stderr: number };
}

function controlTerminal(): readonly PlanItem[] {
  const step = new StepBuilder("terminal");
  return step.because("make the terminal the session's own", undefined, "/process/terminal")
    .call("ioctl", [0, TIOCSCTTY, 0]).items;
}

/**
 * The streams that belong to the process alone, so that it may open /dev/stdout: those that are no
 * devices.
 */
function ownedStreams({ stdin, stdout, stderr }: StdioOptions): readonly number[] {
  return [stdin, stdout, stderr].flatMap((stdio = "inherit", as) => {
    if (stdio === "null") return [];
    if (stdio === "piped") return [as];
    const fd = new Fd(stdio === "inherit" ? as : stdio);
    const { mode } = statAt(fd, "");
    fd.release(); // it is the caller's
    return (mode & S_IFMT) === S_IFCHR ? [] : [as];
  });
}
