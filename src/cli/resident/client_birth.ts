/**
 * How a client makes a child: it takes the fds that the child needs, makes it by the plan that it
 * is sent, and tells of it.
 *
 * @module
 */

import { SIGCHLD } from "../../../ffi/c/signal_numbers.ts";
import { O_CLOEXEC } from "../../../ffi/files/file.ts";
import { SIGINFO_SIZE } from "../../../ffi/processes/process.ts";
import type { Argument, Operation } from "../../../ffi/program/operation.ts";
import type { PlannedOperation } from "../../../init/operations/operation.ts";
import type { Birth } from "../../process/bearer.ts";

const MSG_CMSG_CLOEXEC = 0x40000000;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WALL = 0x40000000;
/** The child stays as it is: who goes on with the command can ask again. */
export const WNOWAIT = 0x01000000;
const CONTROL_SIZE = 24;
const SIG_IGN = 1;
/** struct sigaction of the kernel, in words. */
const SIGACTION_WORDS = 4;
const SIGSET_SIZE = 8;
/** Behind struct cmsghdr. */
const FD_OFFSET = 16;
const PID = { space: 8, name: "child" } as const;
const PARENT = "client.parent";
const FAILED = "client.failed";

/** The name of the space that gets how a child ended. */
export const END = "end";

/** What a client does for a birth. */
export interface ClientBirth {
  readonly operations: readonly PlannedOperation[];
  /** The index of the clone. */
  readonly clone: number;
  /** The fds of this program that are to be sent, in their order. */
  readonly passed: readonly number[];
  /** The number on which the child reports. */
  readonly report: number;
}

/** What a client has that its children would have, too. */
export interface Inheritance {
  /** The numbers of the fds that are open. */
  readonly open: ReadonlySet<number>;
  /** The signals that are ignored. */
  readonly ignored: readonly number[];
}

/**
 * Plans a birth.
 *
 * @param before what it does first
 * @param answer what it does last
 */
export function planClientBirth(
  { above, plan, report, endsSoon = false }: Birth,
  { open, ignored }: Inheritance,
  before: readonly Operation[],
  answer: readonly Operation[],
): ClientBirth {
  const numbers = new Map<number, number>();
  const lowest = lowestFree(open); // what each fd has before it is moved
  let next = above;
  const there = (fd: number) => {
    const known = numbers.get(fd);
    if (known !== undefined) return known;
    while (open.has(next) || next === lowest) next++;
    numbers.set(fd, next);
    return next++;
  };
  const status = there(report);
  const planned = plan(there, { label: PARENT, failed: FAILED, pid: PID });
  const taken = [...numbers.values()];
  const operations = [
    ...steps("remember that a child may be there", before),
    ...steps("take what the child needs", taken.flatMap(receiveAs)),
    ...steps("have nothing ignored in the child", ignored.map((one) => answerTo(one, 0))),
    ...planned,
    ...steps("tell of the child", [
      { label: PARENT, syscall: "getpid", args: [] },
      // where the ends of children are ignored, nobody is told how they ended
      ...ignored.filter((one) => one !== SIGCHLD).map((one) => answerTo(one, SIG_IGN)),
      ...taken.map((fd): Operation => ({ syscall: "close", args: [fd], onError: "continue" })),
      ...(endsSoon ? [waitFor({ heldIn: PID, offset: 0 })] : []),
      { label: FAILED, syscall: "getpid", args: [] },
      ...answer,
    ]),
  ];
  const clone = operations.findIndex(({ syscall }) => syscall === "clone3");
  return { operations, clone, passed: [...numbers.keys()], report: status };
}

function lowestFree(open: ReadonlySet<number>): number {
  let number = 0;
  while (open.has(number)) number++;
  return number;
}

/**
 * Waits for a child's end, which is in the space {@linkcode END} then.
 *
 * @param more further flags
 */
export function waitFor(pid: Argument, more = 0): Operation {
  const end = { space: SIGINFO_SIZE, name: END };
  const flags = WEXITED | WALL | more;
  return { syscall: "waitid", args: [P_PID, pid, end, flags, 0], onError: "continue" };
}

/**
 * Takes the end of a child that was told already: what nobody takes is there for as long as the
 * process that adopts it takes none, and the first process of its pid namespace can't end before.
 */
export function takeEnd(pid: number): Operation {
  const flags = WEXITED | WALL | WNOHANG;
  return { syscall: "waitid", args: [P_PID, pid, 0, flags, 0], onError: "continue" };
}

/** Has a signal ignored, or have its default effect. */
function answerTo(signal: number, handler: number): Operation {
  const words = [handler, ...new Array<number>(SIGACTION_WORDS - 1).fill(0)];
  const args = [signal, { words }, 0, SIGSET_SIZE];
  return { syscall: "rt_sigaction", args, onError: "continue" };
}

/** Takes the next fd that comes, under a number: its lowest free one is not known here. */
function receiveAs(number: number, index: number): Operation[] {
  const control = { space: CONTROL_SIZE, name: `fd${index}` };
  const bytes = { words: [{ space: 1, name: `byte${index}` }, 1] };
  const header = { words: [0, 0, bytes, 1, control, control.space, 0] };
  // The padding behind the number is zero, so it can be read as 64 bits.
  const received = { heldIn: control, offset: FD_OFFSET };
  const onError = { jump: FAILED };
  return [
    { syscall: "recvmsg", args: [{ result: "socket" }, header, MSG_CMSG_CLOEXEC], onError },
    { syscall: "dup3", args: [received, number, O_CLOEXEC], onError },
    { syscall: "close", args: [received], onError },
  ];
}

function steps(reason: string, operations: readonly Operation[]): PlannedOperation[] {
  return operations.map((operation) => ({ ...operation, step: "clone", reason }));
}
