/**
 * How a client makes a child: it takes the fds that the child needs, makes it by the plan that it
 * is sent, and tells of it.
 *
 * @module
 */

import { SIGCHLD } from "../../../ffi/c/signal_numbers.ts";
import { comparison } from "../../../ffi/program/comparison.ts";
import type { Argument, Operation } from "../../../ffi/program/operation.ts";
import type { PlannedOperation } from "../../../init/operations/operation.ts";
import type { Birth } from "../../process/bearer.ts";
import { waitFor } from "./client_end.ts";
import { watch, type WatchedChild } from "./client_signals.ts";

const MSG_CMSG_CLOEXEC = 0x40000000;
const SIG_IGN = 1;
/** struct sigaction of the kernel, in words. */
const SIGACTION_WORDS = 4;
const SIGSET_SIZE = 8;
/** Behind struct cmsghdr. */
const FD_OFFSET = 16;
const PID_SIZE = 4;
const PID = { space: 8, name: "child" } as const;
/** What the child has left behind. */
export const BORN = { space: 8, name: "born" } as const;
const PARENT = "client.parent";
const FAILED = "client.failed";

/** The label of the call that opens the child, or what it has left behind, if that is watched. */
export const WATCHED = "client.watched";

/** What a client does for a birth. */
export interface ClientBirth {
  readonly operations: readonly PlannedOperation[];
  /** The index of the clone. */
  readonly clone: number;
  /** The fds of this program that are to be sent, in their order. */
  readonly passed: readonly number[];
  /** The number on which the child reports. */
  readonly report: number;
  /** Whether the client watches what is born; {@linkcode WATCHED} is its pidfd there. */
  readonly isWatched: boolean;
}

/** What a client has that its children would have, too. */
export interface Inheritance {
  /** The numbers of the fds that are open. */
  readonly open: ReadonlySet<number>;
  /** The signals that are ignored. */
  readonly ignored: readonly number[];
}

/** What a client does around a birth. */
export interface Around {
  /** What it does first, and whose failure is the birth's. */
  readonly first: readonly Operation[];
  /** What it does then. */
  readonly before: readonly Operation[];
  /** By what it waits for signals and for what is born, if it does. */
  readonly both?: number | undefined;
  /** What it does last, with the child that it watches then. */
  answer(child?: Omit<WatchedChild, "isLast">): readonly Operation[];
}

/** Plans a birth. */
export function planClientBirth(
  { above, plan, report, page, endsSoon = false }: Birth,
  { open, ignored }: Inheritance,
  { first, before, both, answer }: Around,
): ClientBirth {
  const numbers = new FreeNumbers(open, above);
  const status = numbers.there(report);
  const planned = plan((fd) => numbers.there(fd), { label: PARENT, failed: FAILED, pid: PID });
  const found = page === undefined ? [] : [readBorn(numbers.there(page))];
  const pid = { heldIn: page === undefined ? PID : BORN, offset: 0 };
  const isWatched = both !== undefined && (!endsSoon || page !== undefined);
  const taken = numbers.all(report);
  const operations = [
    ...steps(
      "begin",
      first.map((operation) => ({ onError: { jump: FAILED }, ...operation })),
    ),
    ...steps("remember that a child may be there", before),
    ...steps("take what the child needs", receive(taken.map(({ as }) => as))),
    ...steps("have nothing ignored in the child", ignored.map((one) => answerTo(one, 0))),
    ...planned,
    ...steps("tell of the child", [
      // where there is no child there is nothing to wait for, but all else is undone as well
      { label: FAILED, syscall: "getpid", args: [] },
      { label: PARENT, syscall: "getpid", args: [] },
      // where the ends of children are ignored, nobody is told how they ended
      ...ignored.filter((one) => one !== SIGCHLD).map((one) => answerTo(one, SIG_IGN)),
      ...(endsSoon ? [waitFor({ heldIn: PID, offset: 0 })] : []),
      ...(isWatched ? [...found, ...watchChild(pid, both)] : []),
      ...taken.map(({ as }): Operation => ({ syscall: "close", args: [as], onError: "continue" })),
      ...(isWatched ? answer({ pid, pidfd: { result: WATCHED } }) : answer()),
    ]),
  ];
  const clone = operations.findIndex(({ syscall }) => syscall === "clone3");
  return { operations, clone, passed: taken.map(({ fd }) => fd), report: status, isWatched };
}

/**
 * The numbers that fds get which a client receives: the lowest that are free, in their order. Nobody
 * but the client opens or closes any there.
 */
class FreeNumbers {
  readonly #open: ReadonlySet<number>;
  readonly #above: number;
  readonly #numbers = new Map<number, number>();
  /** Free ones that are too low. */
  readonly #low: number[] = [];
  #next = 0;

  constructor(open: ReadonlySet<number>, above: number) {
    this.#open = open;
    this.#above = above;
  }

  /** The number that an fd of this program has there. */
  there(fd: number): number {
    const known = this.#numbers.get(fd);
    if (known !== undefined) return known;
    let number = this.#free();
    for (; number < this.#above; number = this.#free()) this.#low.push(number);
    this.#numbers.set(fd, number);
    return number;
  }

  /**
   * All fds that are passed, in the order of their numbers there.
   *
   * @param filling what is passed for numbers that are too low
   */
  all(filling: number): readonly { readonly fd: number; readonly as: number }[] {
    const low = this.#low.map((as) => ({ fd: filling, as }));
    return [...low, ...[...this.#numbers].map(([fd, as]) => ({ fd, as }))];
  }

  #free(): number {
    while (this.#open.has(this.#next)) this.#next++;
    return this.#next++;
  }
}

/** Receives all fds, which must get the numbers that are planned. */
function receive(numbers: readonly number[]): Operation[] {
  if (numbers.length === 0) return [];
  const size = FD_OFFSET + numbers.length * PID_SIZE;
  const control = { space: (size + 7) & ~7, name: "fds" };
  const bytes = { words: [{ space: 1, name: "byte" }, 1] };
  const header = { words: [0, 0, bytes, 1, control, control.space, 0] };
  const onError = { jump: FAILED };
  return [
    { syscall: "recvmsg", args: [{ result: "socket" }, header, MSG_CMSG_CLOEXEC], onError },
    ...numbers.map((number, k) => ({
      ...comparison({ field: control, offset: FD_OFFSET + k * PID_SIZE }, number),
      onError,
    })),
  ];
}

/** Reads the number that stands on a page. */
function readBorn(page: number): Operation {
  return { syscall: "pread64", args: [page, BORN, PID_SIZE, 0], onError: "continue" };
}

function watchChild(pid: Argument, both: number): Operation[] {
  return [
    { label: WATCHED, syscall: "pidfd_open", args: [pid, 0], onError: "continue" },
    watch(both, { result: WATCHED }),
  ];
}

/** Has a signal ignored, or have its default effect. */
function answerTo(signal: number, handler: number): Operation {
  const words = [handler, ...new Array<number>(SIGACTION_WORDS - 1).fill(0)];
  const args = [signal, { words }, 0, SIGSET_SIZE];
  return { syscall: "rt_sigaction", args, onError: "continue" };
}

function steps(reason: string, operations: readonly Operation[]): PlannedOperation[] {
  return operations.map((operation) => ({ ...operation, step: "clone", reason }));
}
