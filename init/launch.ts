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
import { type Fd, writeAll } from "../ffi/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "../ffi/namespaces.ts";
import { SyscallProgram } from "../ffi/program.ts";
import type { Namespace } from "../src/config/types.ts";
import { ContainerError } from "../src/errors.ts";
import { reportTail } from "./channel.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "./operation.ts";
import { joinNamespaces, newNamespaceFlags } from "./steps/namespaces.ts";

const SIGKILL = 9;
const FIRST = "launch.first";
const SECOND = "launch.second";

/**
 * The launcher's plan around a container's.
 *
 * @param plan what the container's process does, up to execve
 * @throws {ContainerError} `Unsupported` if the plan has work that needs JavaScript
 */
export function planLaunch(
  namespaces: readonly Namespace[],
  plan: readonly PlanItem[],
): PlannedOperation[] {
  const step = new StepBuilder("clone");
  // The cgroup namespace is the launcher's already, and its children's.
  const flags = newNamespaceFlags(namespaces) & ~NAMESPACE_FLAGS.cgroup;
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
  const end = new StepBuilder("clone");
  end.because("end, having joined")
    .call("exit_group", [0], { label: "launched" });
  const all = [...step.items, ...joinNamespaces(namespaces), ...clone.items, ...plan, ...end.items];
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

/** Runs a launcher's plan and tells the parent, on `status`, whose children it has now. */
export function launch(operations: readonly PlannedOperation[], status: Fd): void {
  const program = new SyscallProgram(operations, reportTail(status.number, operations));
  program.run();
  const launched = { first: program.result(FIRST), pid: program.result(SECOND) };
  writeAll(status, new TextEncoder().encode(JSON.stringify({ launched }) + "\n"));
}
