/** `hull run`. @module */

import { becomeSubreaper, type ExitStatus, reapOrphans } from "../../ffi/process.ts";
import { ContainerError } from "../errors.ts";
import type { NotifySocket } from "../notify_socket.ts";
import type { Process } from "../process.ts";
import { bear, BIRTH_FLAGS } from "./birth_flags.ts";
import { type Command, isOn } from "./command.ts";
import { usageError } from "./options.ts";
import { oneLine, type Output } from "./output.ts";
import { callSupervised } from "./supervise.ts";

/** Every signal that can be caught and is meant for the program rather than for hull itself. */
const FORWARDED: readonly Deno.Signal[] = [
  "SIGABRT",
  "SIGALRM",
  "SIGCONT",
  "SIGHUP",
  "SIGINT",
  "SIGIO",
  "SIGPROF",
  "SIGPWR",
  "SIGQUIT",
  "SIGTERM",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGUSR1",
  "SIGUSR2",
  "SIGVTALRM",
  "SIGWINCH",
  "SIGXCPU",
  "SIGXFSZ",
];

/** Creates and starts a container, and is its program to whoever called. */
export const command: Command = {
  synopsis: "<id> [-- command…]",
  description:
    "Creates a container, runs its program, and removes the container at its end. hull's exit code is\n" +
    "the program's, 128+n after signal n; signals go to the program. Without a bundle and without\n" +
    "a config.json here, the built-in default is used: the host's /usr read-only, all else private.",
  flags: [
    ...BIRTH_FLAGS,
    { name: "detach", letter: "d", summary: "return once the program runs" },
    { name: "keep", summary: "keep the container after its program has ended" },
    { name: "no-subreaper", summary: "leave the container's orphans to another process" },
  ],
  arity: [1, 1],
  takesCommand: true,
  async run(invocation) {
    const { flags, output } = invocation;
    const isDetached = isOn(flags, "detach");
    if (isOn(flags, "supervise") && !isDetached) {
      throw usageError(
        "--supervise is for a run that does not wait",
        "add --detach, or leave it out",
      );
    }
    const supervised = await callSupervised(invocation);
    if (supervised !== undefined) return supervised;
    const reaper = isDetached || isOn(flags, "no-subreaper") ? undefined : new OrphanReaper();
    const signals = new SignalForwarder();
    if (!isDetached) signals.listen();
    const { container, process, notify } = await bear(invocation, isDetached, true);
    try {
      await container.exec();
    } catch (error) {
      await container[Symbol.asyncDispose](); // a hook's failure has taken it away already
      throw error;
    }
    const watched = isDetached ? process.pid : Deno.pid;
    const forwarded = forwardReadiness(notify, watched, process, output);
    if (isDetached) {
      await forwarded;
      return 0;
    }
    reaper?.begin(process.pid);
    const hasTerminal = container.config.process?.terminal === true;
    const status = hasTerminal
      ? await relay(process, signals)
      : await signals.forwardTo(process).wait();
    reaper?.end();
    await forwarded;
    await container.wait(); // which records the exit code, for those who wait elsewhere
    if (!isOn(flags, "keep")) await container.destroy({ force: true });
    return exitCode(status);
  },
};

async function relay(process: Process, signals: SignalForwarder): Promise<ExitStatus> {
  const { TerminalRelay } = await import("./terminal.ts");
  await using terminal = new TerminalRelay(process);
  terminal.begin();
  return await signals.forwardTo(process, () => terminal.resize()).wait();
}

function exitCode({ code, signal }: ExitStatus): number {
  return signal === undefined ? code : 128 + signal;
}

/** Tells hull's caller that the program is ready, if both care; what fails there is no more than told. */
async function forwardReadiness(
  notify: NotifySocket | undefined,
  mainPid: number,
  process: Process,
  output: Output,
): Promise<void> {
  if (notify === undefined) return;
  using socket = notify;
  try {
    await socket.forward(mainPid, process.wait());
  } catch (error) {
    output.warn(oneLine(error));
  }
}

/** Takes the statuses of processes that the container left to hull, so that none stays a zombie. */
class OrphanReaper {
  #reap: (() => void) | undefined;

  constructor() {
    becomeSubreaper();
  }

  /** From now on, since hull has no child now but the container's first process, which stays. */
  begin(except: number): void {
    this.#reap = () => void reapOrphans(except);
    Deno.addSignalListener("SIGCHLD", this.#reap);
    this.#reap();
  }

  end(): void {
    if (this.#reap !== undefined) Deno.removeSignalListener("SIGCHLD", this.#reap);
  }
}

/** Hands signals on; those that come before there is a process wait for it. */
class SignalForwarder {
  readonly #early: Deno.Signal[] = [];
  #process: Process | undefined;
  #onResize: (() => void) | undefined;

  listen(): void {
    for (const name of FORWARDED) Deno.addSignalListener(name, () => this.#take(name));
  }

  /** From now on signals go to the process; a new size, if that is minded, to `onResize`. */
  forwardTo(process: Process, onResize?: () => void): Process {
    this.#process = process;
    this.#onResize = onResize;
    for (const name of this.#early.splice(0)) this.#take(name);
    return process;
  }

  #take(name: Deno.Signal): void {
    if (this.#process === undefined) {
      this.#early.push(name);
      return;
    }
    if (name === "SIGWINCH" && this.#onResize !== undefined) return this.#onResize();
    try {
      this.#process.signal(name);
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ContainerNotRunning")) throw error;
    }
  }
}
