/**
 * How a client passes on signals while a process of its command runs.
 *
 * Source: signalfd(2), epoll(7).
 *
 * @module
 */

import { EINTR } from "../../../ffi/c/errno.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../../../ffi/files/file.ts";
import { CLD_EXITED, CODE_OFFSET, STATUS_OFFSET, WNOWAIT } from "../../../ffi/processes/process.ts";
import { comparison } from "../../../ffi/program/comparison.ts";
import type { Argument, Operation, Space } from "../../../ffi/program/operation.ts";
import { EPOLLIN, EVENT_DATA, EVENT_SIZE } from "../../../ffi/waiting/poll.ts";
import { END_SIZE, takeEnd, waitFor } from "./client_end.ts";

const SIG_BLOCK = 0;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** What epoll gives for a child. */
const OF_CHILD = 1;
const MSG_NOSIGNAL = 0x4000;
/** SFD_CLOEXEC and SFD_NONBLOCK. */
const SFD_FLAGS = O_CLOEXEC | O_NONBLOCK;
/** The size of struct signalfd_siginfo, which is what a client sends. No program is so small. */
export const SIGNAL_SIZE = 128;

/** A set of signals, as the kernel takes it. */
export function signalSet(numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const mask = numbers.reduce((all, number) => all | 1n << BigInt(number - 1), 0n);
  return new Uint8Array(BigUint64Array.of(mask).buffer);
}

/** The fds by which it waits: an epoll, and in it a signalfd. */
export interface WaitingFds {
  readonly signals: number;
  readonly both: number;
}

/**
 * Takes signals from the process, and begins to listen for them and the resident at once.
 *
 * @param fds the numbers that it gets for that, which are its lowest free ones
 */
export function takeSignals(numbers: readonly number[], fds: WaitingFds): Operation[] {
  const set = signalSet(numbers);
  return [
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, set, 0, set.length] },
    { label: "signals", syscall: "signalfd4", args: [-1, set, set.length, SFD_FLAGS] },
    comparison({ placeOf: "signals" }, fds.signals),
    { label: "both", syscall: "epoll_create1", args: [O_CLOEXEC] },
    comparison({ placeOf: "both" }, fds.both),
    ...[{ result: "socket" }, fds.signals].map((fd): Operation => ({
      syscall: "epoll_ctl",
      args: [fds.both, EPOLL_CTL_ADD, fd, event(0)],
    })),
  ];
}

/** Sends signals on as they come, until the resident has something else to do. */
export function passSignals(
  { both, signals }: WaitingFds,
  child?: WatchedChild,
): readonly Operation[] {
  const signal = { space: SIGNAL_SIZE, name: "signal" };
  const events = { space: EVENT_SIZE, name: "events" };
  const onError = { jump: "receive" };
  return [
    {
      label: "wait",
      syscall: "epoll_pwait",
      args: [both, events, 1, -1, 0, 8],
      onError: { jump: "interrupted" },
    },
    ...(child === undefined ? [] : tellEnd(both, child, events)),
    { label: "signal", syscall: "read", args: [signals, signal, SIGNAL_SIZE], onError },
    {
      syscall: "sendto",
      args: [{ result: "socket" }, signal, SIGNAL_SIZE, MSG_NOSIGNAL],
      onError,
    },
    { syscall: "jump", args: [], onError: { jump: "wait" } },
    // a stop ends the wait, too; anything else would fail again
    { ...comparison({ placeOf: "wait" }, -EINTR >>> 0), label: "interrupted", onError },
    { syscall: "jump", args: [], onError: { jump: "wait" } },
  ];
}

/** A child whose end is awaited, too. */
export interface WatchedChild {
  readonly pid: Argument;
  readonly pidfd: Argument;
  /** Whether the client ends with it, with the same code. */
  readonly isLast: boolean;
}

/** Has its end awaited, beside what else is. */
export function watch(both: number, pidfd: Argument): Operation {
  const args = [both, EPOLL_CTL_ADD, pidfd, event(OF_CHILD)];
  return { syscall: "epoll_ctl", args, onError: "continue" };
}

/**
 * Tells how a child has ended, if it is that which woke the client. The pidfd stays open: the
 * resident, which hears of it later, must know all fds that are open.
 */
function tellEnd(
  both: number,
  { pid, pidfd, isLast }: WatchedChild,
  events: Space,
): readonly Operation[] {
  const end = { space: END_SIZE, name: "told.end" };
  const goOn = { onError: "continue" } as const;
  return [
    {
      ...comparison({ field: events, offset: EVENT_DATA }, OF_CHILD),
      onError: { jump: "signal" },
    },
    { ...waitFor(pid, WNOWAIT, end), ...goOn },
    {
      syscall: "sendto",
      args: [{ result: "socket" }, end, END_SIZE, MSG_NOSIGNAL],
      ...goOn,
    },
    ...(isLast ? endWith(pid, end) : []),
    { label: "told", syscall: "epoll_ctl", args: [both, EPOLL_CTL_DEL, pidfd, 0], ...goOn },
    { syscall: "jump", args: [], onError: { jump: "wait" } },
  ];
}

/**
 * Ends the client with the code of its child. A child that could not become its program ends with 1,
 * and so may the program; then the resident has the last word.
 */
function endWith(pid: Argument, end: Space): readonly Operation[] {
  const code = { field: end, offset: CODE_OFFSET };
  const status = { field: end, offset: STATUS_OFFSET };
  return [
    { ...comparison(code, CLD_EXITED), onError: { jump: "told" } },
    { ...comparison(status, 1), onError: { jump: "last" } },
    { syscall: "jump", args: [], onError: { jump: "told" } },
    { ...takeEnd(pid), label: "last" },
    { syscall: "exit_group", args: [{ heldIn: end, offset: STATUS_OFFSET }], onError: "continue" },
  ];
}

/** What epoll is to give: which kind of thing has happened. */
function event(kind: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(EVENT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, EPOLLIN, true);
  view.setUint32(EVENT_DATA, kind, true);
  return bytes;
}

/** A signal's number, from what the client sent. */
export function signalIn(bytes: Uint8Array<ArrayBuffer>): number {
  return new DataView(bytes.buffer).getUint32(0, true);
}
