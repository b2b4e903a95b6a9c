/**
 * A process in the foreground: hull is its program to whoever called. Signals go to it, its terminal
 * is this program's, and its exit code is hull's.
 *
 * @module
 */

import type { ExitStatus } from "../../ffi/process.ts";
import type { ConsoleSize } from "../config/types.ts";
import { ContainerError } from "../errors.ts";
import type { Process } from "../process.ts";

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

/**
 * What a terminal sends to a program in the background that touches it. Where this program has one,
 * the kernel has its way: it stops until it is in the foreground. Caught, the signal would repeat
 * the call, and the call the signal, for ever: tty_ioctl(4). Deno can't give a signal back that was
 * once listened for.
 */
const JOB_CONTROL: readonly Deno.Signal[] = ["SIGTTIN", "SIGTTOU"];

/**
 * Waits for a process's end.
 *
 * @param hasTerminal whether it has a terminal, which this program's is tied to
 * @returns hull's exit code: the process's own, 128+n after signal n
 */
export async function follow(
  process: Process,
  signals: SignalForwarder,
  hasTerminal: boolean,
): Promise<number> {
  const status = hasTerminal
    ? await relay(process, signals)
    : await signals.forwardTo(process).wait();
  return exitCode(status);
}

/** The size of this program's terminal, for one that begins; undefined where there is none. */
export function ownSize(): ConsoleSize | undefined {
  if (!Deno.stdin.isTerminal()) return undefined;
  const { columns, rows } = Deno.consoleSize();
  return { width: columns, height: rows };
}

async function relay(process: Process, signals: SignalForwarder): Promise<ExitStatus> {
  const { TerminalRelay } = await import("./terminal.ts");
  await using terminal = new TerminalRelay(process);
  terminal.begin();
  return await signals.forwardTo(process, () => terminal.resize()).wait();
}

function exitCode({ code, signal }: ExitStatus): number {
  return signal === undefined ? code : 128 + signal;
}

/** Hands signals on; those that come before there is a process wait for it. */
export class SignalForwarder {
  readonly #early: Deno.Signal[] = [];
  #process: Process | undefined;
  #onResize: (() => void) | undefined;

  /** Takes the signals from now on. */
  listen(): void {
    const isOnTerminal = Deno.stdin.isTerminal();
    for (const name of FORWARDED) {
      if (isOnTerminal && JOB_CONTROL.includes(name)) continue;
      Deno.addSignalListener(name, () => this.#take(name));
    }
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
