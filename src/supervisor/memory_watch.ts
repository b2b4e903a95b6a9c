/**
 * How a supervisor learns whether its container's memory ran out, where systemd removes the cgroup,
 * and its count, with the last process: it waits for the kernel's word as well as for the end.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst (10. OOM Control) and
 * cgroup-v2.rst (memory.events).
 *
 * @module
 */

import { EPOLLIN, EPOLLPRI } from "../../ffi/waiting/poll.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { RAISED_SIZE } from "./memory_record.ts";

/** The numbers of the files to watch. */
export interface MemoryFiles {
  /** The file with the count. */
  readonly counts: number;
  /** On v1: the eventfd that is raised at each OOM, and once when the cgroup is removed. */
  readonly counter?: number | undefined;
}

/** What is kept: the eventfd's value, and the file's text. */
const RAISED = { space: 8, name: "raised" } as const;
const AGAIN = { space: RAISED_SIZE, name: "raised again" } as const;
const COUNTS = { space: 512, name: "counts" } as const;
/** Where the operations end. */
const END = "ended";
/** As timespecs: none, and how much later than the files the eventfd may tell of the end. */
const NO_TIME = new Uint8Array(16);
const LATE = new Uint8Array(new BigInt64Array([0n, 100_000_000n]).buffer);

/**
 * Waits for a process's end, and keeps what the files say up to it. On v1 the count is read once the
 * eventfd was raised, and never else: that it could be read then tells that the cgroup was there.
 *
 * @param pidfd its number
 */
export function watchMemory({ counts, counter }: MemoryFiles, pidfd: number): Operation[] {
  const process = pollFd(pidfd, EPOLLIN);
  const told = counter === undefined ? pollFd(counts, EPOLLPRI) : pollFd(counter, EPOLLIN);
  const wait: Operation = {
    ...continues("ppoll", [new Uint8Array([...told, ...process]), 2, 0, 0, 8]),
    label: "watch",
  };
  const look = continues("pread64", [counts, COUNTS, COUNTS.space, 0]);
  if (counter !== undefined) {
    const raised = continues("read", [counter, RAISED, RAISED.space]);
    return [
      wait,
      { ...raised, onError: { jump: END } },
      { ...look, onError: { jump: "gone" } },
      { syscall: "jump", args: [], onError: { jump: END } },
      { ...continues("ppoll", [told, 1, LATE, 0, 8]), label: "gone" }, // raised by an OOM before?
      continues("read", [counter, AGAIN, AGAIN.space]),
      land(END),
    ];
  }
  const hasEnded = continues("ppoll", [process, 1, NO_TIME, 0, 8]);
  return [
    wait,
    { ...look, onError: { jump: END } }, // it is gone
    { ...hasEnded, onError: { jump: END }, onPositive: { jump: END } },
    { syscall: "jump", args: [], onError: { jump: "watch" } },
    { ...look, label: END },
  ];
}

/** Adds what was kept to a record: see memory_record.ts. */
export function writeMemory(record: number): Operation[] {
  return [RAISED, AGAIN, COUNTS].map((kept) => continues("write", [record, kept, kept.space]));
}

/** A place to jump to. */
function land(label: string): Operation {
  return { ...continues("getpid", []), label };
}

function continues(syscall: Operation["syscall"], args: Operation["args"]): Operation {
  return { syscall, args, onError: "continue" };
}

/** A pollfd: poll(2). */
function pollFd(fd: number, events: number): Uint8Array {
  return new Uint8Array(new Int32Array([fd, events]).buffer);
}
