/**
 * Lets `^C` end a program that it does not reach. The first process of a container ignores signals
 * that it has no handler for, so without this it could only be ended from another terminal.
 *
 * @module
 */

import { SIGINT } from "../../../ffi/c/signal_numbers.ts";
import type { Process } from "../../process.ts";
import { answerTo, kill, readProc } from "./signal_answer.ts";

/** How soon a second one must follow. */
const WITHIN_MS = 2000;
/** How long the program may take to end, or the terminal to show what was typed. */
const ANSWER_MS = 50;

/** Counts the `^C`s that the program does not answer. */
export class Interrupts implements Disposable {
  readonly #process: Process;
  readonly #say: (message: string) => void;
  readonly #command: number | "self";
  #unansweredAt = -Infinity;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  /**
   * For a process that has begun.
   *
   * @param say tells the person at the terminal
   * @param command the process that got the signal
   */
  constructor(
    process: Process,
    say: (message: string) => void,
    command: number | "self" = "self",
  ) {
    this.#command = command;
    this.#process = process;
    this.#say = say;
  }

  /** Tells that a SIGINT was passed on, which may have been typed. */
  signalled(): void {
    const { group, foreground } = jobOf(this.#command);
    if (group !== undefined && group === foreground) this.typed();
  }

  /**
   * Tells that a `^C` was typed and passed on. If the process answers neither of two, the second
   * kills it.
   */
  typed(): void {
    const at = performance.now();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#judge(at);
    }, ANSWER_MS);
    this.#timers.add(timer);
  }

  /** Stops counting. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #judge(at: number): void {
    const isSecond = at - this.#unansweredAt <= WITHIN_MS;
    this.#unansweredAt = -Infinity;
    const { pid } = this.#process;
    const answer = answerTo(SIGINT, pid);
    if (answer === "handled" || answer === "gone" || isForOther(pid)) return;
    if (isSecond) {
      this.#say("the program does not answer ^C: killed");
      kill(this.#process);
      return;
    }
    this.#unansweredAt = at;
    if (answer === "deaf") this.#say("the program does not answer ^C; a second one kills it");
  }
}

/** Whether another job of the process's terminal gets the keys. */
function isForOther(pid: number): boolean {
  const { group, foreground } = jobOf(pid);
  return group !== foreground;
}

/** The process group, and that of its terminal's foreground, if it has one: proc(5), `stat`. */
function jobOf(pid: number | "self"): { group?: string; foreground?: string } {
  const stat = readProc(`${pid}/stat`);
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (group === undefined || foreground === undefined || terminal === "0") return {};
  return { group, foreground };
}
