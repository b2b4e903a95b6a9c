/**
 * The start of a container's first process, from the host's side, up to the moment where init
 * waits: the twin of init/plan.ts. The page to read first: its calls stand in the order in which
 * things happen. A trace, if there is one, watches them from outside: see `Lane.watch` in
 * src/trace/trace.ts.
 *
 * @module
 */

import { Pipe } from "../../ffi/files/pipe.ts";
import { joinsInhabited } from "../../init/steps/process/namespaces.ts";
import type { InitMessage } from "../../init/words/channel.ts";
import { hasListener } from "../../init/steps/process/seccomp.ts";
import type { IdmappedMount } from "../birth/idmapped_mounts.ts";
import { keeperOf } from "../cgroups/choice/make_manager.ts";
import { ContainerError } from "../errors.ts";
import { undone } from "../failures/undo.ts";
import { letGoOn } from "../process/control_pipe.ts";
import { silentEnd } from "../process/init_status.ts";
import { withLowLimit } from "../process/oom_kill.ts";
import type { ProcessOptions } from "../process.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { Snapshot, StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { StartOptions } from "../wishes/start_options.ts";
import { ChildSteps, type MadeChild, type Words } from "./child_steps.ts";
import { HostSteps } from "./host_steps.ts";
import { InitProcess } from "./init_process.ts";
import type { Launched } from "./launcher.ts";
import { explainRefusal, lastWords, newInitNetwork } from "./late.ts";
import { ParentSteps } from "./parent_steps.ts";
import { needsNetwork, type StartSubject, subjectOf } from "./start_subject.ts";

/** A first process that waits for the start. */
export interface StartedFirst {
  readonly init: InitProcess;
  /** The container's state, as it is stored now. */
  readonly snapshot: Snapshot;
  /** Functions that undo the start, except for the state. */
  readonly undo: readonly (() => void | Promise<void>)[];
}

/**
 * Starts a first process; the caller holds the container's lock. After a failure all is as it was
 * before.
 *
 * @throws {ContainerError} what `Container.start` throws
 * @throws the reason of the surroundings' abort
 */
export async function startInit(
  before: StoredState,
  process: ProcessOptions,
  surroundings: ContainerSurroundings,
  options: StartOptions,
): Promise<StartedFirst> {
  const cgroups = await keeperOf(surroundings.cgroups, surroundings.host);
  const subject = subjectOf(before, process, { ...surroundings, cgroups }, options);
  return await new FirstStart(subject).run();
}

class FirstStart {
  readonly #subject: StartSubject;
  readonly #init: InitProcess;
  readonly #host: HostSteps;
  readonly #child: ChildSteps;
  readonly #parent: ParentSteps;

  constructor(subject: StartSubject) {
    this.#subject = subject;
    this.#init = new InitProcess(subject);
    subject.bearer?.held.use(this.#init);
    this.#host = new HostSteps(subject);
    this.#child = new ChildSteps(subject);
    this.#parent = new ParentSteps(subject, this.#init);
    subject.lane?.watch(this, "first");
  }

  async run(): Promise<StartedFirst> {
    const { signal } = this.#subject.poller;
    const host = this.#host;
    const init = this.#init;
    await host.keepLease();
    try {
      signal?.throwIfAborted();
      await this.#subject.poller.giveTurn();
      await host.makeCgroups();
      await this.birth();
      await host.takeRoomBack();
      const identity = host.identify(init);
      // A class holds single threads, and an execve leaves init only one: so it is enough to move
      // that one, once init is ready.
      await host.joinClass(init);
      signal?.throwIfAborted();
      return { init, snapshot: host.writeState(init, identity), undo: host.undoSteps(init) };
    } catch (error) {
      throw await this.undo(error);
    }
  }

  /** Runs the steps up to the moment where the container's process waits for the start. */
  async birth(): Promise<void> {
    const { config: { linux: { namespaces = [] } = {} }, poller } = this.#subject;
    const init = this.#init;
    const child = this.#child;
    const parent = this.#parent;
    init.trace = await child.beginTrace();
    child.checkPaths();
    if (needsNetwork(this.#subject)) {
      init.network = init.opened.use(await newInitNetwork(this.#subject));
    }
    const launcher = joinsInhabited(namespaces) ? await import("./launcher.ts") : undefined;
    using opened = new DisposableStack();
    const mounts = child.hasMounts ? await child.openMounts(opened) : [];
    const words = child.openWords(init.opened);
    const { told, program, console } = await this.makeChild(words, mounts).catch(async (error) => {
      throw await lastWords(error, words.said, () => init.child.kill());
    });
    words.control.reader.close();
    init.control = words.control.writer;
    parent.adjustOomScore();
    if (init.network !== undefined && !parent.makesNetworkLater) {
      await parent.makeNetwork(init.child);
    }
    if (program.way.kind === "direct") parent.attend(words, child.attended);
    else await parent.sendConfig(words, told);
    const launched = await this.awaitReady({ words, told, program, launcher });
    if (launched !== undefined) await launcher?.adoptLaunched(launched, init, this.#subject);
    if (told.seccomp !== undefined && hasListener(told.seccomp)) await parent.passListener(told);
    await parent.setLateLimits();
    if (console !== undefined) await parent.takeTerminal(console);
    poller.signal?.throwIfAborted();
  }

  /** Makes the child, up to init's execve. */
  async makeChild(words: Words, mounts: readonly IdmappedMount[]): Promise<MadeChild> {
    const { poller, isSupervised } = this.#subject;
    const init = this.#init;
    const host = this.#host;
    const child = this.#child;
    const early = child.boots ? undefined : await host.compileFilter();
    using fds = child.openFds(words, mounts, init.opened);
    const told = child.initConfig(fds, early, init.network !== undefined);
    const program = child.layOutPlan(told, fds, words);
    init.way = program.way;
    await host.awaitCgroups();
    init.memory = await host.noticeOom();
    await fds.openLaterDoors();
    if (!child.boots) await host.limitCgroups();
    await poller.giveTurn();
    const mapped = fds.hasMaps && program.direct === undefined ? fds.own(new Pipe()) : undefined;
    const cloned = { program, fds, words, mapped };
    if (isSupervised) init.isBornBelow(await child.startSupervisor(cloned, init.memory));
    else init.isBorn(await child.cloneChild(cloned));
    init.streams = fds.streams(poller);
    if (fds.hasMaps) await this.#parent.writeIdMaps(init.pid);
    if (mapped !== undefined) letGoOn(mapped.writer);
    const late = child.boots ? await this.prepareLate() : undefined;
    return {
      told: late === undefined ? told : { ...told, seccomp: late },
      program,
      console: fds.console,
    };
  }

  /** Sets the limits and compiles the filter while init boots. */
  async prepareLate(): Promise<LoadableFilter | undefined> {
    await this.#host.limitCgroups();
    await this.#subject.poller.giveTurn();
    return await this.#host.compileFilter();
  }

  /**
   * Reads what init says, and does what it asks for, until it is ready. If something fails,
   * processes that wait for this program are released.
   *
   * @returns what a launcher made
   * @throws {ContainerError} what init reported, or how it ended without a word
   */
  async awaitReady({ words, told, program, launcher }: Awaited): Promise<Launched | undefined> {
    const { said, control } = words;
    const init = this.#init;
    const parent = this.#parent;
    let launched: Launched | undefined;
    let isReady = false;
    let isBorn = launcher === undefined;
    try {
      while (!isReady || !isBorn) {
        const message = await this.#hear(words, launcher);
        switch (message?.kind) {
          case "launched":
            launched = message;
            isBorn ||= !message.isUsher;
            await launcher?.attendLaunched(launched, words, init, parent, this.#subject);
            break;
          case "born":
            launched = { first: launched?.first ?? 0, pid: message.pid };
            isBorn = true;
            break;
          case "work":
            await parent.doWork(message.work, program.work, told, words);
            break;
          case "hooks":
            await parent.runHooks(launched?.pid ?? init.pid, words);
            break;
          case "ready":
            isReady = true;
            break;
          case "error":
            throw message.error;
          case undefined:
            throw silentEnd(withLowLimit(await init.ended() ?? {}, this.#subject.cgroups));
        }
      }
      return launched;
    } catch (error) {
      control.writer.close();
      await launcher?.reapLaunched(said, launched);
      throw error;
    }
  }

  /** The next message of init. If the wait is aborted, the child is ended. */
  async #hear(words: Words, launcher: Awaited["launcher"]): Promise<InitMessage | undefined> {
    try {
      return await words.said.next();
    } catch (error) {
      if (launcher === undefined) await this.#init.child.kill();
      else await launcher.endLauncher(words, this.#init);
      throw error;
    }
  }

  async #explained(error: unknown): Promise<unknown> {
    const { host } = this.#subject;
    return host.inUserNamespace ? await explainRefusal(error, this.#subject) : error;
  }

  async undo(error: unknown): Promise<unknown> {
    const { poller: { signal } } = this.#subject;
    const host = this.#host;
    this.#init.trace?.end(error);
    const first = signal?.aborted === true ? signal.reason : await this.#explained(error);
    const steps = [...host.undoSteps(this.#init)];
    if (isOthers(error)) steps.push(() => host.forgetCgroups());
    return await undone(first, ...steps);
  }
}

/** What is waited for. */
interface Awaited extends Pick<MadeChild, "told" | "program"> {
  readonly words: Words;
  /**
   * Where the child makes the container's process rather than becoming it: how it is dealt with.
   */
  readonly launcher: typeof import("./launcher.ts") | undefined;
}

function isOthers(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "IdInUse";
}
