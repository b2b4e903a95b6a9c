/**
 * How a client passes on signals while a process of its command runs.
 *
 * Source: signalfd(2), epoll(7).
 *
 * @module
 */

import { O_CLOEXEC, O_NONBLOCK } from "../../../ffi/files/file.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { EPOLLIN, EVENT_SIZE } from "../../../ffi/waiting/poll.ts";

const SIG_BLOCK = 0;
const EPOLL_CTL_ADD = 1;
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

/**
 * Takes signals from the process, and begins to listen for them and the resident at once: the
 * results of `both` and `signals` are the fds of that.
 */
export function takeSignals(numbers: readonly number[]): Operation[] {
  const set = signalSet(numbers);
  const event = new Uint8Array(EVENT_SIZE);
  new DataView(event.buffer).setUint32(0, EPOLLIN, true);
  return [
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, set, 0, set.length] },
    { label: "signals", syscall: "signalfd4", args: [-1, set, set.length, SFD_FLAGS] },
    { label: "both", syscall: "epoll_create1", args: [O_CLOEXEC] },
    ...[{ result: "socket" }, { result: "signals" }].map((fd): Operation => ({
      syscall: "epoll_ctl",
      args: [{ result: "both" }, EPOLL_CTL_ADD, fd, event],
    })),
  ];
}

/** Sends signals on as they come, until the resident has something else to do. */
export function passSignals(both: number, signals: number): readonly Operation[] {
  const signal = { space: SIGNAL_SIZE, name: "signal" };
  const events = { space: EVENT_SIZE, name: "events" };
  const onError = { jump: "receive" };
  return [
    {
      label: "wait",
      syscall: "epoll_pwait",
      args: [both, events, 1, -1, 0, 8],
      onError: { jump: "wait" },
    },
    { syscall: "read", args: [signals, signal, SIGNAL_SIZE], onError },
    {
      syscall: "sendto",
      args: [{ result: "socket" }, signal, SIGNAL_SIZE, MSG_NOSIGNAL],
      onError,
    },
    { syscall: "jump", args: [], onError: { jump: "wait" } },
  ];
}

/** A signal's number, from what the client sent. */
export function signalIn(bytes: Uint8Array<ArrayBuffer>): number {
  return new DataView(bytes.buffer).getUint32(0, true);
}
