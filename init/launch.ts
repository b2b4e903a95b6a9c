/**
 * The way into a pid or a user namespace that exists. Hostile processes may live there, so no
 * JavaScript runs in it: init stays on the host's side as a launcher, and the plan runs in a clone
 * that goes straight to execve.
 *
 * A process with several threads can't enter a user namespace, and who enters a pid namespace is not
 * in it, only its children are: setns(2). So the launcher makes a first child that joins, and this
 * one makes the container's process. All three are children of the same parent.
 *
 * @module
 */

import { PR } from "../ffi/credentials.ts";
import { type Fd, read, writeAll } from "../ffi/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "../ffi/namespaces.ts";
import { Pipe } from "../ffi/pipe.ts";
import { SyscallProgram } from "../ffi/program.ts";
import type { InitCgroups } from "../src/config/init_config.ts";
import type { Namespace, TimeOffsets } from "../src/config/types.ts";
import { ContainerError } from "../src/errors.ts";
import { openProc } from "../src/security/procfs.ts";
import { reportTail } from "./channel.ts";
import type { InitTrace } from "./init_trace.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "./operation.ts";
import { enterCgroups } from "./steps/limits.ts";
import { isNew, joinNamespaces, newNamespaceFlags } from "./steps/namespaces.ts";
import { enterTimeNamespace } from "./steps/time.ts";

const SIGKILL = 9;
const FIRST = "launch.first";
const SECOND = "launch.second";

/** What a launcher's plan needs to know beside the container's. */
export interface LaunchOptions {
  readonly namespaces: readonly Namespace[];
  readonly cgroups: InitCgroups;
  /** The pipe on which the parent says that a new user namespace has its id maps. */
  readonly control: number;
  /** A procfs's root, for a new time namespace. */
  readonly proc: number;
  /** What it sets. */
  readonly timeOffsets?: TimeOffsets | undefined;
  /** The pipe on which the launcher says that the parent has been told. */
  readonly told: { readonly reader: number; readonly writer: number };
}

/**
 * The launcher's plan around a container's.
 *
 * @param plan what the container's process does, up to execve
 * @throws {ContainerError} `Unsupported` if the plan has work that needs JavaScript
 */
export function planLaunch(
  { namespaces, cgroups, told, control, proc, timeOffsets = {} }: LaunchOptions,
  plan: readonly PlanItem[],
): PlannedOperation[] {
  const step = new StepBuilder("clone");
  // The cgroup namespace is made last: its root is where its maker is.
  const flags = newNamespaceFlags(namespaces) & ~(NAMESPACE_FLAGS.cgroup | NAMESPACE_FLAGS.time);
  const first = cloneArguments(CLONE_VM | CLONE_VFORK | CLONE_PARENT, { exitSignal: 0 });
  const second = cloneArguments(BigInt(flags | CLONE_PARENT) | CLONE_CLEAR_SIGHAND, {
    exitSignal: 0,
  });
  step.because("let nobody who lives there look into this process's memory")
    .call("prctl", [PR.SET_DUMPABLE, 0, 0, 0, 0]);
  step.because("make the child that joins")
    .call("clone3", [first, CLONE_ARGS_SIZE], { label: FIRST, onPositive: "return" });
  const clone = new StepBuilder("clone");
  clone.because("make the container's process", undefined, "/linux/namespaces")
    .call("clone3", [second, CLONE_ARGS_SIZE], { label: SECOND, onPositive: { jump: "launched" } });
  clone.because("die with the parent while the container is not ready")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0])
    .call("setsid", []);
  clone.because("wait until the parent knows of this process; end if the launcher is gone")
    .call("close", [told.writer])
    .call("read", [told.reader, new Uint8Array(1), 1], { onPositive: { jump: "told" } })
    .call("exit_group", [1])
    .call("close", [told.reader], { label: "told" });
  if (isNew(namespaces, "user")) {
    clone.because(
      "wait for the id maps; end if the parent is gone",
      undefined,
      "/linux/uidMappings",
    )
      .call("read", [control, new Uint8Array(1), 1], { onPositive: { jump: "mapped" } })
      .call("exit_group", [1])
      .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0], { label: "mapped" });
  }
  const end = new StepBuilder("clone");
  end.because("end, having joined")
    .call("exit_group", [0], { label: "launched" });
  const all = [
    ...step.items,
    ...joinNamespaces(namespaces),
    ...clone.items,
    ...(isNew(namespaces, "time") ? enterTimeNamespace({ proc, offsets: timeOffsets }) : []),
    ...makeCgroupNamespace(namespaces, cgroups),
    ...plan,
    ...end.items,
  ];
  return all.map((item) => {
    if (!("work" in item)) return item;
    throw new ContainerError("Unsupported", `can't ${item.reason} in namespaces that are joined`, {
      step: item.step,
      path: item.path,
      pointer: item.pointer,
      hint: "leave out tmpcopyup, or the path of the user or pid namespace",
    });
  });
}

/** A cgroup namespace belongs to the user namespace that its maker is in. */
function makeCgroupNamespace(
  namespaces: readonly Namespace[],
  cgroups: InitCgroups,
): readonly PlanItem[] {
  if (!isNew(namespaces, "cgroup")) return [];
  const step = new StepBuilder("cgroups");
  step.because("make the cgroup namespace", undefined, "/linux/namespaces")
    .call("unshare", [NAMESPACE_FLAGS.cgroup]);
  return [...enterCgroups(cgroups), ...step.items];
}

/** How a launcher and the parent talk. */
export interface LaunchFds {
  readonly status: Fd;
  /** Where a launcher that waits for the parent gets a byte. */
  readonly go: Fd | undefined;
}

/**
 * Runs a launcher's plan and tells the parent, on `status`, whose children it has now. If the
 * parent ends or gives up before its go, the pipe ends with the launcher, and so does the
 * container's process.
 */
export function launch(
  options: Omit<LaunchOptions, "told" | "proc">,
  plan: readonly PlanItem[],
  { status, go }: LaunchFds,
  trace?: InitTrace,
): void {
  using pipe = new Pipe();
  using proc = openProc();
  const told = { reader: pipe.reader.number, writer: pipe.writer.number };
  const planned = planLaunch({ ...options, told, proc: proc.number }, plan);
  const operations = trace?.mark(planned) ?? planned;
  const program = new SyscallProgram(operations, reportTail(status.number, operations));
  program.run();
  const launched = { first: program.result(FIRST), pid: program.result(SECOND) };
  // Two processes must not write to the status fifo at once.
  writeAll(status, new TextEncoder().encode(JSON.stringify({ launched }) + "\n"));
  if (go !== undefined && read(go, 1)?.length !== 1) return;
  writeAll(pipe.writer, new Uint8Array([1]));
}
