/**
 * The program by which a further process is made: it joins the namespaces of a running process,
 * takes on its user and rights, and goes straight to execve. No JavaScript runs in it.
 *
 * Hostile processes may live where it goes. They see a process in their pid namespace from its
 * first moment on: always its command line, mounts, network and cgroups; with CAP_SYS_PTRACE also
 * its memory, fds, root and binary, and they can take over all its rights (CVE-2016-9962). So an
 * usher outside that pid namespace joins all other namespaces first and takes on the user and
 * rights of the process. The usher's memory holds only this program, and its fds are those of the
 * process. The process that it then clones into the pid namespace has nothing more.
 *
 * Source: setns(2), pid_namespaces(7), clone(2), ptrace(2) "Ptrace access mode checking".
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC, LAST_FD } from "../../ffi/c/fd_numbers.ts";
import {
  MADV_DONTFORK,
  MAP_SHARED_FIXED,
  PAGE_SIZE,
  PROT_READ_WRITE,
} from "../../ffi/c/memory_numbers.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { entryFile } from "../../ffi/files/cgroup_entry.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import { type BirthGuard, bornBehind } from "../../init/launch/birth_guard.ts";
import {
  type PlanItem,
  type PlannedOperation,
  StepBuilder,
  type WholePlan,
} from "../../init/operations/operation.ts";
import { waitForParent } from "../../init/steps/process/final.ts";
import { withoutOpenat2 } from "../../init/operations/walk.ts";
import { type PlacedFd, placeFds } from "../process/placed_fds.ts";
import { hasOpenat2 } from "../security/safe_path.ts";
import type { JoinTarget } from "../namespaces/process_namespaces.ts";

/** A cgroup to enter, by an fd of its file or folder. */
export interface CgroupEntrance {
  readonly controller: string;
  readonly fd: number;
  /** Whether the process is born in it; the fd is its folder's then. */
  readonly isBirthplace: boolean;
  /** Another cgroup, if the kernel refuses this one. */
  readonly otherwise?: number | undefined;
}

/** A wait for this program. */
export interface Hold {
  /** The fd of the pipe from which the process reads that it may go on. */
  readonly control: number;
  /**
   * The operations right before the wait, such as loading a filter. The first fd that they open is
   * {@linkcode firstFree}.
   */
  readonly before: readonly PlanItem[];
}

/** What the program needs to know. */
export interface JoinOptions {
  /** Where it goes; undefined: it stays in this program's namespaces. */
  readonly target: JoinTarget | undefined;
  /** The cgroups that it enters. */
  readonly cgroups: readonly CgroupEntrance[];
  /** The fds that are put in place, each with the number that it gets. */
  readonly fds: readonly PlacedFd[];
  /** How many fds from 3 on are the program's. */
  readonly preserveFds: number;
  /** The fd on which a failure is reported; it closes at execve. */
  readonly report: number;
  /** The very first operations: what an ordinary user can't do once it is hidden. */
  readonly rank?: readonly PlanItem[] | undefined;
  /** What it does before it enters the cgroups. */
  readonly early?: readonly PlanItem[] | undefined;
  /** What it does with this program's rights, before it joins. */
  readonly before: readonly PlanItem[];
  /** The operations inside by which it takes on its user and rights. */
  readonly become: readonly PlanItem[];
  /** What it does as the leader of its session, inside its pid namespace. */
  readonly lead?: readonly PlanItem[] | undefined;
  /** The filter that is loaded before the process is born, if that is possible. */
  readonly guard?: BirthGuard | undefined;
  /** How it waits for this program, once it has its user and rights. */
  readonly hold?: Hold | undefined;
  /** The last operations. */
  readonly execute: WholePlan;
}

/** A page to which the kernel writes the process's number. The process itself does not get it. */
export interface BornPage {
  /** The fd of the page, a file in memory. */
  readonly fd: number;
  /** Its address; nothing else may be mapped there. */
  readonly address: bigint;
}

/** The label at which an usher that has made the process ends. */
export const USHER_END = "usher.end";
/** The label at which a process made by an usher begins. */
export const USHER_BORN = "usher.born";
const LABELS = { end: USHER_END, born: USHER_BORN } as const;

/** Whether a further clone is needed, to get into a pid namespace. */
export function entersPidNamespace(target: JoinTarget | undefined): boolean {
  return ((target?.flags ?? 0) & NAMESPACE_FLAGS.pid) !== 0;
}

/**
 * The operations of a clone, or of an executable, up to execve.
 *
 * @param born where the kernel writes the number of a process that is born in another pid namespace
 */
export function planJoin(options: JoinOptions, born?: BornPage): PlannedOperation[] {
  const { target, before, become, hold, execute } = options;
  const isBorn = born !== undefined && entersPidNamespace(target);
  const last = [
    ...(options.lead ?? []),
    ...(hold === undefined ? [] : [
      ...closeOthers(options), // what looking for the program left open
      ...hold.before,
      ...waitForParent(options.report, hold.control),
    ]),
    ...execute,
  ];
  const items = [
    ...(options.rank ?? []),
    ...(target === undefined ? [] : hide()),
    ...bindToParent(),
    ...(isBorn ? [] : leadSession()),
    ...(options.early ?? []),
    ...(isBorn ? showPage(born) : []),
    ...enterCgroups(options.cgroups),
    ...before,
    ...(target === undefined ? [] : joinTarget(target)),
    ...placeFds(options.fds),
    ...closeOthers(options), // a limit of open files must not meet this program's own
    ...become,
    ...closeOthers(options), // what becoming that left open
    ...(target === undefined ? [] : closeAtExecve(kept(options))),
    ...(target === undefined ? [] : hide()), // another user, or other capabilities, may undo it
    ...(isBorn
      ? bornBehind(
        options.guard,
        {
          step: "join",
          because: "be born in the container's pid namespace",
          address: born.address,
          labels: LABELS,
        },
        inPlan([...bindToParent(), ...leadSession(), ...last]),
      )
      : last),
  ];
  return inPlan(items);
}

/** The calls, without openat2 if this kernel lacks it. */
function inPlan(items: readonly PlanItem[]): PlannedOperation[] {
  const calls = items.filter((item) => !("work" in item)) as PlannedOperation[];
  return hasOpenat2() ? calls : withoutOpenat2(calls) as PlannedOperation[];
}

function hide(): readonly PlanItem[] {
  const step = new StepBuilder("join");
  return step.because("let nobody who lives there look into this process")
    .call("prctl", [PR.SET_DUMPABLE, 0, 0, 0, 0]).items;
}

function bindToParent(): readonly PlanItem[] {
  const step = new StepBuilder("join");
  return step.because("die with the parent")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0]).items;
}

function leadSession(): readonly PlanItem[] {
  const step = new StepBuilder("join");
  return step.because("lead a session of its own").call("setsid", []).items;
}

/** The kernel writes the number: a process in hostile hands could write any number. */
function showPage({ fd, address }: BornPage): readonly PlanItem[] {
  const step = new StepBuilder("join");
  return step.because("share a page with the parent, but with no child")
    .call("mmap", [address, PAGE_SIZE, PROT_READ_WRITE, MAP_SHARED_FIXED, fd, 0])
    .call("madvise", [address, PAGE_SIZE, MADV_DONTFORK]).items;
}

function enterCgroups(entrances: readonly CgroupEntrance[]): readonly PlanItem[] {
  const step = new StepBuilder("cgroups");
  const self = new TextEncoder().encode("0");
  entrances.forEach(({ controller, fd, isBirthplace, otherwise }, k) => {
    if (isBirthplace) return;
    step.because("enter the container's cgroup", entryFile(controller), "/linux/cgroupsPath");
    if (otherwise === undefined) {
      step.call("write", [fd, self, self.length]);
      return;
    }
    step.call("write", [fd, self, self.length], { onError: { jump: `cgroup${k}.otherwise` } })
      .jump(`cgroup${k}.entered`)
      .call("write", [otherwise, self, self.length], { label: `cgroup${k}.otherwise` })
      .land(`cgroup${k}.entered`);
  });
  return step.items;
}

function joinTarget({ pidfd, flags, root }: JoinTarget): readonly PlanItem[] {
  const step = new StepBuilder("join");
  const hint = "the container may have ended meanwhile";
  if (flags !== 0) {
    step.because("join the container's namespaces", undefined, undefined, hint)
      .call("setns", [pidfd, flags]);
  }
  if (root !== undefined) {
    step.because("enter the container's root", "/", undefined, hint)
      .call("fchdir", [root])
      .call("chroot", ["."]);
  }
  return step.items;
}

function closeOthers(options: JoinOptions): readonly PlanItem[] {
  const step = new StepBuilder("exec");
  let first = 3 + options.preserveFds;
  step.because(`close all fds above ${first - 1} but those to this program`);
  for (const fd of kept(options)) {
    if (fd > first) step.call("close_range", [first, fd - 1, 0]);
    first = fd + 1;
  }
  step.call("close_range", [first, LAST_FD, 0]);
  return step.items;
}

/** Sets close-on-exec again: the fds had to stay open over the usher's own execve. */
function closeAtExecve(fds: readonly number[]): readonly PlanItem[] {
  const step = new StepBuilder("exec");
  step.because("close the fds to the parent at execve");
  for (const fd of fds) step.call("fcntl", [fd, F_SETFD, FD_CLOEXEC]);
  return step.items;
}

/** The fds that lead to this program, in ascending order. */
function kept({ report, hold }: Pick<JoinOptions, "report" | "hold">): number[] {
  return [report, ...(hold === undefined ? [] : [hold.control])].sort((a, b) => a - b);
}

/** The number of the next fd that a process which waits would open. */
export function firstFree(options: Pick<JoinOptions, "report" | "hold" | "preserveFds">): number {
  let number = 3 + options.preserveFds;
  for (const fd of kept(options)) if (fd === number) number++;
  return number;
}

/** The same program where its fds have other numbers. */
export function renumbered(options: JoinOptions, there: (fd: number) => number): JoinOptions {
  const { target, cgroups, fds, report, hold } = options;
  return {
    ...options,
    target: target === undefined ? undefined : {
      ...target,
      pidfd: there(target.pidfd),
      root: target.root === undefined ? undefined : there(target.root),
    },
    cgroups: cgroups.map((entrance) => ({
      ...entrance,
      fd: there(entrance.fd),
      otherwise: entrance.otherwise === undefined ? undefined : there(entrance.otherwise),
    })),
    fds: fds.map(({ fd, as }) => ({ fd: there(fd), as })),
    report: there(report),
    hold: hold === undefined ? undefined : { ...hold, control: there(hold.control) },
  };
}
