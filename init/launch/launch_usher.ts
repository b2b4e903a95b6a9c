/**
 * The way into a pid namespace that exists. The processes that live there see a new one from its
 * first moment on, and with CAP_SYS_PTRACE they can take all that it has (CVE-2016-9962). So an
 * usher walks the plan outside. It joins the other namespaces, makes the new ones, mounts, switches
 * the root and takes on the user and the rights of the process. Only then does it clone the process
 * into the pid namespace. By then it has nothing to take: its memory is only this program, and its
 * fds are those of the process.
 *
 * The usher itself stays in the host's pid namespace, so a procfs that it mounts must be told which
 * pid namespace to show: option `pidns` (Linux 6.18).
 *
 * Source: setns(2), pid_namespaces(7), ptrace(2) "Ptrace access mode checking", the kernel's
 * Documentation/filesystems/proc.rst.
 *
 * @module
 */

import {
  MADV_DONTFORK,
  MAP_SHARED_FIXED,
  PAGE_SIZE,
  PROT_READ_WRITE,
} from "../../ffi/c/memory_numbers.ts";
import { failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { hardLimitOf, rlimitBytes, RLIMITS } from "../../ffi/processes/rlimit.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { TIOCSCTTY } from "../../ffi/sockets/terminal.ts";
import type { LoadableFilter } from "../../src/security/filters/seccomp.ts";
import type { Namespace } from "../../src/config/types/config.ts";
import { bornBehind } from "./birth_guard.ts";
import {
  bornNamespaces,
  hideMemory,
  type LaunchOptions,
  refuseWork,
  settle,
} from "./launch_steps.ts";
import {
  type PlanItem,
  type PlannedOperation,
  result,
  StepBuilder,
} from "../operations/operation.ts";
import { joinedPath, joinNamespaces } from "../steps/process/namespaces.ts";
import { hasListener } from "../steps/process/seccomp.ts";

/** A page to which the kernel writes the process's number. The process itself does not get it. */
export interface NumberPage {
  /** The fd of the page, a file in memory. */
  readonly fd: number;
  /** Its address; nothing else may be mapped there. */
  readonly address: bigint;
}

/** What an usher needs to know beside what a launcher does. */
export interface LaunchUsherOptions extends LaunchOptions {
  /** The pipe on which it says that its namespaces are there. */
  readonly made: { readonly reader: number; readonly writer: number };
  readonly page: NumberPage;
  /** The filter that the plan loads. */
  readonly seccomp?: LoadableFilter | undefined;
}

/** Between an image's two segments and the stack. */
export const PAGE_ADDRESS = 0x3000_0000n;
const FSCONFIG_SET_FD = 5;
const PIDS = "namespace.pid";
const END = "usher.end";
const BORN = "usher.born";

/**
 * Whether an usher is needed, and the kernel has what an usher needs.
 *
 * @throws {SyscallError} if the kernel does not say whether it has
 */
export function needsUsher(namespaces: readonly Namespace[]): boolean {
  return joinedPath(namespaces, "pid") !== undefined && hasPidnsOption();
}

/**
 * Only a kernel that says so lacks the option. One that has no memory or fds left now does not
 * answer, and a process that is born without an usher shows the host's program to who lives there.
 *
 * @throws {SyscallError} without an answer
 */
function hasPidnsOption(): boolean {
  const operations = [
    { label: "own", syscall: "openat", args: [-100, "/proc/self/ns/pid", 0, 0] },
    { label: "fs", syscall: "fsopen", args: ["proc", 1] },
    { syscall: "fsconfig", args: [result("fs"), FSCONFIG_SET_FD, "pidns", 0, result("own")] },
  ] as const;
  const program = new SyscallProgram(operations);
  program.run();
  const failure = program.failure();
  const made = ["own", "fs"].slice(0, failure?.index).map((label) => program.result(label));
  new SyscallProgram(made.map((fd) => ({ syscall: "close", args: [fd] }))).run();
  if (failure === undefined) return true;
  const error = new SyscallError(operations[failure.index]?.syscall ?? "", failure.errno);
  if (failedWith(error, "EINVAL", "ENOSYS", "EPERM")) return false;
  throw error;
}

/**
 * The usher's program around a container's plan.
 *
 * @param plan what the container's process does, up to execve
 * @throws {ContainerError} `Unsupported` if the plan has work that needs JavaScript
 */
export function planLaunchUsher(
  options: LaunchUsherOptions,
  plan: readonly PlanItem[],
): PlannedOperation[] {
  const { namespaces, made, page } = options;
  const waits = plan.findIndex(({ step }) => step === "ready");
  const { before: early, onTerminal } = cutTerminal(plan.slice(0, waits));
  const { before, ofProcesses } = cutProcesses(early);
  const last = plan.slice(waits);
  const share = new StepBuilder("clone");
  share.because("share a page with the launcher, but with no child")
    .call("mmap", [page.address, PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED_FIXED, page.fd, 0])
    .call("madvise", [page.address, PAGE_SIZE, MADV_DONTFORK]);
  const make = new StepBuilder("clone");
  make.because("make the new namespaces", undefined, "/linux/namespaces")
    .call("unshare", [bornNamespaces(namespaces)]);
  make.because("tell the launcher that they are there")
    .call("write", [made.writer, new Uint8Array(1), 1]);
  return refuseWork([
    ...hideMemory(),
    ...share.items,
    ...joinNamespaces(namespaces, "pid", options.userFirst),
    ...make.items,
    ...settle(options, true),
    ...unlessKilled(options.told.reader, showingPids(before)),
    ...hideMemory("let nobody look in: another user, or other capabilities, may have undone it"),
    ...bornBehind(guardOf(options.seccomp, last), {
      step: "clone",
      because: "be born in the pid namespace that is joined",
      address: page.address,
      labels: { end: END, born: BORN },
    }, [...begin(), ...ofProcesses, ...onTerminal, ...last]),
  ]);
}

/**
 * The launcher alone can say who was born. If it was killed while the plan ran, which may take as
 * long as a hook, nobody is born: a process of which nobody knows would stay a zombie.
 *
 * @param told a pipe whose other end the launcher has until it ends
 */
function unlessKilled(told: number, plan: readonly PlanItem[]): PlanItem[] {
  const at = plan.findIndex((item) => !("work" in item) && item.syscall === "close_range");
  const events = new Uint8Array(new Int32Array([told, 0]).buffer); // POLLHUP is always told
  const step = new StepBuilder("clone");
  step.because("end if the launcher is gone")
    .call("ppoll", [events, 1, new Uint8Array(16), 0, 8], { onPositive: { jump: END } })
    .call("close", [told]);
  return plan.toSpliced(at, 0, ...step.items);
}

/**
 * A procfs shows the pid namespace of the process that opens it, unless it is told to show another.
 */
function showingPids(plan: readonly PlanItem[]): PlanItem[] {
  return plan.flatMap((item): PlanItem[] => {
    // The private one, over which init writes its own attributes, is init's.
    const isProc = !("work" in item) && item.syscall === "fsopen" && item.args[0] === "proc" &&
      item.label !== "proc.fs";
    if (!isProc) return [item];
    const step = new StepBuilder(item.step);
    step.because("show the processes of the pid namespace that is joined", item.path, item.pointer)
      .call("fsconfig", [result(item.label ?? ""), FSCONFIG_SET_FD, "pidns", 0, result(PIDS)]);
    return [item, ...step.items];
  });
}

/** The controlling terminal must be taken by the session's leader, which is the new process. */
function cutTerminal(plan: readonly PlanItem[]) {
  const isTaken = (item: PlanItem) =>
    !("work" in item) && item.syscall === "ioctl" && item.args[1] === TIOCSCTTY;
  return { before: plan.filter((item) => !isTaken(item)), onTerminal: plan.filter(isTaken) };
}

/**
 * The kernel counts the user's processes at the birth, when the usher already counts as one of
 * them. So the limit leaves room for both until then. The hard limit can be lowered afterwards, but
 * not raised.
 */
function cutProcesses(plan: readonly PlanItem[]) {
  const isLimit = (item: PlanItem): item is PlannedOperation =>
    !("work" in item) && item.syscall === "prlimit64" && item.args[1] === RLIMITS.RLIMIT_NPROC;
  const roomy = (item: PlannedOperation): PlanItem => {
    const [self = 0, kind = 0, limit] = item.args;
    const most = Math.max(hardOf(limit as Uint8Array), hardLimitOf("RLIMIT_NPROC"));
    return { ...item, args: [self, kind, rlimitBytes(most, most), 0] };
  };
  return {
    before: plan.map((item) => isLimit(item) ? roomy(item) : item),
    ofProcesses: plan.filter(isLimit),
  };
}

/** Of a struct rlimit64. */
function hardOf(limit: Uint8Array): number {
  return Number(new DataView(limit.buffer, limit.byteOffset).getBigUint64(8, true));
}

/** What the process does first, a child of the usher's parent. */
function begin(): readonly PlanItem[] {
  const step = new StepBuilder("clone");
  return step.because("die with the parent while the container is not ready")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0])
    .call("setsid", []).items;
}

/** The filter as it stands in the plan, if it can stand before the birth. */
function guardOf(seccomp: LoadableFilter | undefined, plan: readonly PlanItem[]) {
  if (seccomp === undefined || hasListener(seccomp)) return undefined;
  return { filter: seccomp, items: plan.filter(({ step }) => step === "seccomp") };
}
