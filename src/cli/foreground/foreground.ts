/**
 * Runs a process in the foreground: hull acts as that program towards its caller. Signals go to the
 * process, its terminal is connected with this program's, and its exit code becomes hull's.
 *
 * @module
 */

import { SIGHUP, SIGPIPE } from "../../../ffi/c/signal_numbers.ts";
import type { ExitStatus } from "../../../ffi/processes/process.ts";
import type { ConsoleSize } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import type { Process, ProcessOptions } from "../../process.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Caller } from "../caller/caller.ts";
import type { Output } from "../output/output.ts";
import { answerTo, kill } from "./signal_answer.ts";
import { isPiped, UnreadOutput } from "./unread_output.ts";

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
 * The signals that a terminal sends to a program in the background that uses it. If this program
 * has a terminal, they are not caught: the kernel stops the program until it is in the foreground.
 * A program that catches such a signal repeats the call, which raises the signal again, for ever:
 * tty_ioctl(4). They can't be caught for a while only: once a signal has been listened for, Deno
 * can't restore its default action.
 */
const JOB_CONTROL: readonly Deno.Signal[] = ["SIGTTIN", "SIGTTOU"];

/** How a process is followed. */
export interface Following {
  /** Whether it has a terminal, with which this program's is connected. */
  readonly hasTerminal: boolean;
  /** Whether it is a container's first process, which most signals don't end. */
  readonly isFirst: boolean;
  readonly output: Output;
  readonly caller: Caller;
}

const STDOUT = 1;

/**
 * Waits for a process's end.
 *
 * @returns hull's exit code: the process's own, 128+n after signal n
 * @throws {ClientGone} if the caller's process is another one, and is gone
 */
export async function follow(
  process: Process,
  signals: SignalForwarder,
  following: Following,
): Promise<number> {
  const { hasTerminal, isFirst, output, caller } = following;
  if (hasTerminal) return await relay(process, signals, output);
  const stdout = typeof caller.stdio.stdout === "number" ? caller.stdio.stdout : STDOUT;
  using unread = isFirst && isPiped(stdout)
    ? new UnreadOutput(process, stdout, caller.poller)
    : undefined;
  let interrupts: Interrupts | undefined;
  const onInterrupt = async () => {
    // Where hull's files are gone meanwhile, or no fd is left, ^C is passed on and nothing more.
    const module = await import("./interrupts.ts").catch(() => undefined);
    if (module === undefined) return;
    const say = (message: string) => sayOnTerminal(output, message);
    interrupts ??= new module.Interrupts(process, say, caller.identity.pid);
    interrupts.signalled();
  };
  try {
    // Who was killed follows nothing any more, and a resident would have to wait for the program.
    const status = await signals.forwardTo(process, { onInterrupt }).wait({ signal: caller.gone });
    return unread?.hasEnded(status) === true ? 128 + SIGPIPE : exitCode(status);
  } finally {
    interrupts?.[Symbol.dispose]();
  }
}

/** Whether somebody sits at this program's terminal. */
export function isInteractive(caller: Caller): boolean {
  return caller.stdin.isTerminal() && caller.stdout.isTerminal();
}

/**
 * The first settings of the terminal of a process in the foreground: the size of this program's
 * terminal, unless a size was given, and newlines as the other end of stdout wants them.
 */
export function foregroundConsole(size: ConsoleSize | undefined): ProcessOptions {
  const consoleSize = size ?? ownSize();
  return {
    ...(consoleSize === undefined ? {} : { consoleSize }),
    bareNewlines: !Deno.stdout.isTerminal(),
  };
}

function ownSize(): ConsoleSize | undefined {
  if (!Deno.stdin.isTerminal() && !Deno.stdout.isTerminal()) return undefined;
  const { columns, rows } = Deno.consoleSize();
  return { width: columns, height: rows };
}

async function relay(process: Process, signals: SignalForwarder, output: Output): Promise<number> {
  const { TerminalRelay } = await import("./terminal.ts");
  await using terminal = new TerminalRelay(process, (message) => sayOnTerminal(output, message));
  let unreadBy: number | undefined;
  terminal.begin((error) => {
    const signal = error instanceof Deno.errors.BrokenPipe ? SIGPIPE : SIGHUP;
    // The terminal was hung up, which ends every process but a first one without a handler.
    if (answerTo(SIGHUP, process.pid) !== "deaf") return;
    unreadBy = signal;
    kill(process);
  });
  const onResize = () => terminal.resize();
  const onContinue = () => terminal.goOn();
  const status = await signals.forwardTo(process, { onResize, onContinue }).wait();
  return unreadBy === undefined ? exitCode(status) : 128 + unreadBy;
}

/** Prints a message on a new line: the terminal shows `^C` on the present one. */
function sayOnTerminal(output: Output, message: string): void {
  output.newline();
  output.warn(message);
}

function exitCode({ code, signal }: ExitStatus): number {
  return signal === undefined ? code : 128 + signal;
}

/** Further actions at some signals. */
export interface SignalHandlers {
  /** In place of SIGWINCH. */
  readonly onResize?: () => void;
  /** Before SIGCONT goes on. */
  readonly onContinue?: () => void;
  /** After SIGINT has gone on. */
  readonly onInterrupt?: () => Promise<void>;
}

/** Forwards signals. Signals that come before there is a process are kept for it. */
export class SignalForwarder {
  readonly #early: Deno.Signal[] = [];
  #process: Process | undefined;
  #handlers: SignalHandlers = {};

  /** Takes the signals from now on. */
  async listen(caller: Caller): Promise<void> {
    const isOnTerminal = caller.stdin.isTerminal();
    const names = FORWARDED.filter((name) => !isOnTerminal || !JOB_CONTROL.includes(name));
    await caller.takeSignals(names, (name) => this.#take(name));
  }

  /** From now on signals go to the process. */
  forwardTo(process: Process, handlers: SignalHandlers = {}): Process {
    this.#process = process;
    this.#handlers = handlers;
    for (const name of this.#early.splice(0)) this.#take(name);
    return process;
  }

  #take(name: Deno.Signal): void {
    if (this.#process === undefined) {
      this.#early.push(name);
      return;
    }
    const { onResize, onContinue, onInterrupt } = this.#handlers;
    if (name === "SIGWINCH" && onResize !== undefined) return onResize();
    if (name === "SIGCONT") onContinue?.();
    try {
      this.#process.signal(name);
      if (name === "SIGINT") void onInterrupt?.();
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ContainerNotRunning")) throw error;
    }
  }
}
