/**
 * The program by which a further process comes into being: a clone that joins the namespaces of a
 * running one, becomes who it shall be, and goes straight to execve. No JavaScript runs in it, and
 * none of its memory is this program's, since hostile processes may live where it goes.
 *
 * A thread can't leave its pid namespace, it can only have its children born in another: so this
 * program's thread names the pid namespace, clones, and takes its word back.
 *
 * Source: setns(2), pid_namespaces(7), clone(2).
 *
 * @module
 */

import { PR } from "../ffi/credentials.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "../ffi/namespaces.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "../init/operation.ts";
import { waitForParent } from "../init/steps/final.ts";
import { withoutOpenat2 } from "../init/walk.ts";
import { PIDFD, type PlacedFd, placeFds } from "./birth.ts";
import { hasOpenat2 } from "./security/safe_path.ts";

/** The namespaces of a running process, as far as they aren't this program's own. */
export interface JoinTarget {
  /** The process's pidfd. */
  readonly pidfd: number;
  /** The flags of the namespaces to join, without the pid namespace's. */
  readonly flags: number;
  /** With a pid namespace of its own: its fd, and the fd of this program's. */
  readonly pid: { readonly theirs: number; readonly own: number } | undefined;
  /** Its root, where that isn't the root of its mount namespace. */
  readonly root: number | undefined;
}

/** A cgroup to enter, by fds of cgroup.procs. */
export interface CgroupEntrance {
  readonly fd: number;
  /** Where else, if the kernel refuses. */
  readonly otherwise?: number | undefined;
}

/** A wait for this program. */
export interface Hold {
  /** The fd of the pipe over which the word comes. */
  readonly control: number;
  /** What stands while it waits; the first fd that this opens is {@linkcode firstFree}. */
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
  /** What it does before it enters the cgroups. */
  readonly early?: readonly PlanItem[] | undefined;
  /** What it does with this program's rights, before it joins. */
  readonly before: readonly PlanItem[];
  /** Who it becomes, inside. */
  readonly become: readonly PlanItem[];
  /** How it waits, when it has become who it shall be, for this program's word. */
  readonly hold?: Hold | undefined;
  /** The last operations, which end in execve. */
  readonly execute: readonly PlanItem[];
}

/** The label of the clone. */
export const CLONE = "join.clone";
/** The label of the way back to this program's own pid namespace. */
export const BACK = "join.back";

const SIGKILL = 9;
const LAST_FD = 0xffffffff;
const SHARED_MEMORY = CLONE_VM | CLONE_VFORK;

/** The operations. */
export function planJoin(options: JoinOptions): PlannedOperation[] {
  const { target, before, become, hold, execute } = options;
  const items = [
    ...clone(target),
    ...(options.early ?? []),
    ...enterCgroups(options.cgroups),
    ...before,
    ...(target === undefined ? [] : joinTarget(target)),
    ...placeFds(options.fds),
    ...closeOthers(options), // a limit of open files must not meet this program's own
    ...become,
    ...(hold === undefined ? [] : [
      ...closeOthers(options), // what looking for the program left open
      ...hold.before,
      ...waitForParent(options.report, hold.control),
    ]),
    ...execute,
    ...comeBack(target),
  ];
  const calls = items.filter((item) => !("work" in item)) as PlannedOperation[];
  return hasOpenat2() ? calls : withoutOpenat2(calls) as PlannedOperation[];
}

/** Only a process that goes nowhere may share this program's memory until its execve. */
function clone(target: JoinTarget | undefined): readonly PlanItem[] {
  const step = new StepBuilder("join");
  const back = { jump: "join.parent" };
  if (target?.pid !== undefined) {
    step.because("have the next child born in the pid namespace")
      .call("setns", [target.pid.theirs, NAMESPACE_FLAGS.pid], { onError: "return" });
  }
  const flags = BigInt((target === undefined ? SHARED_MEMORY : 0) | CLONE_PIDFD) |
    CLONE_CLEAR_SIGHAND;
  step.because("make the child")
    .call("clone3", [cloneArguments(flags, { pidfd: PIDFD }), CLONE_ARGS_SIZE], {
      label: CLONE,
      onError: back,
      onPositive: back,
    });
  if (target !== undefined) {
    step.because("let nobody who lives there look into this process's memory")
      .call("prctl", [PR.SET_DUMPABLE, 0, 0, 0, 0]);
  }
  step.because("die with the parent").call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0]);
  step.because("lead a session of its own").call("setsid", []);
  return step.items;
}

function enterCgroups(entrances: readonly CgroupEntrance[]): readonly PlanItem[] {
  const step = new StepBuilder("cgroups");
  const self = new TextEncoder().encode("0");
  entrances.forEach(({ fd, otherwise }, k) => {
    step.because("enter the container's cgroup", "cgroup.procs", "/linux/cgroupsPath");
    if (otherwise === undefined) {
      step.call("write", [fd, self, self.length]);
      return;
    }
    step.call("write", [fd, self, self.length], { onError: { jump: `cgroup${k}.otherwise` } })
      .jump(`cgroup${k}.entered`)
      .call("write", [otherwise, self, self.length], { label: `cgroup${k}.otherwise` })
      .call("getpid", [], { label: `cgroup${k}.entered` });
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

/** The fds to this program, in ascending order. */
function kept({ report, hold }: Pick<JoinOptions, "report" | "hold">): number[] {
  return [report, ...(hold === undefined ? [] : [hold.control])].sort((a, b) => a - b);
}

/** The number of the next fd that a process which waits would open. */
export function firstFree(options: Pick<JoinOptions, "report" | "hold" | "preserveFds">): number {
  let number = 3 + options.preserveFds;
  for (const fd of kept(options)) if (fd === number) number++;
  return number;
}

/** Where this program goes on once it has its child. */
function comeBack(target: JoinTarget | undefined): readonly PlanItem[] {
  const step = new StepBuilder("join");
  step.because("go on as the parent");
  if (target?.pid === undefined) return step.call("getpid", [], { label: "join.parent" }).items;
  step.call("getpid", [], { label: "join.parent" });
  return step.call("setns", [target.pid.own, NAMESPACE_FLAGS.pid], {
    label: BACK,
    onError: "return",
  }).items;
}
