/**
 * The namespaces: which are new, and how those given by path are joined.
 *
 * Source: namespaces(7), setns(2), the runtime-spec's "Namespaces".
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC } from "../../../ffi/files/file.ts";
import {
  CLONE_FS,
  NAMESPACE_FILES,
  NAMESPACE_FLAGS,
  type NamespaceName,
} from "../../../ffi/processes/namespaces.ts";
import type { Namespace } from "../../../src/config/types/config.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";

/** The flags of the namespaces that the config wants new. */
export function newNamespaceFlags(namespaces: readonly Namespace[]): number {
  return namespaces
    .filter(({ path }) => path === undefined || path === "")
    .reduce((flags, { type }) => flags | NAMESPACE_FLAGS[type], 0);
}

/**
 * Whether init makes the ipc namespace itself, as the container's root. The user that makes it owns
 * the root folder of its message queues. In a birth that would be the host's root, who is nobody in
 * the container's user namespace.
 */
export function makesIpcLate(namespaces: readonly Namespace[]): boolean {
  return isNew(namespaces, "user") && isNew(namespaces, "ipc");
}

/** Makes the ipc namespace. */
export function makeIpcNamespace(): PlanItem[] {
  const step = new StepBuilder("identity");
  return step.because("make the ipc namespace", undefined, "/linux/namespaces")
    .call("unshare", [NAMESPACE_FLAGS.ipc]).items;
}

/** Whether the config wants a new namespace of a type. */
export function isNew(namespaces: readonly Namespace[], type: NamespaceName): boolean {
  return (newNamespaceFlags(namespaces) & NAMESPACE_FLAGS[type]) !== 0;
}

/** The path of the namespace of a type that the config wants joined. */
export function joinedPath(
  namespaces: readonly Namespace[],
  type: NamespaceName,
): string | undefined {
  const path = namespaces.find((namespace) => namespace.type === type)?.path;
  return path === "" ? undefined : path;
}

/**
 * Whether the process is born late, by a further fork into a pid namespace that is joined. What a
 * fork would break (a limit of one process) or lose (some schedulers) is then set from the host
 * after the fork.
 */
export function isForkedLate(namespaces: readonly Namespace[]): boolean {
  return joinedPath(namespaces, "pid") !== undefined;
}

/**
 * Whether hostile processes may live in what is joined, so that no JavaScript may run there: a pid
 * or a user namespace. See init/launch/launch.ts.
 */
export function joinsInhabited(namespaces: readonly Namespace[]): boolean {
  return joinedPath(namespaces, "pid") !== undefined ||
    joinedPath(namespaces, "user") !== undefined;
}

/**
 * Whether a launcher's plan makes the network namespace, so that the parent can do nothing in it
 * before.
 */
export function launcherMakesNetwork(namespaces: readonly Namespace[]): boolean {
  return joinsInhabited(namespaces) && isNew(namespaces, "network");
}

/**
 * Joins the namespaces given by path. All are opened first, and the user namespace is joined last,
 * because a process in it has no right to join the others. The time namespace is joined by
 * init/steps/process/time.ts, the mount namespace by {@linkcode joinMountNamespace}.
 *
 * @param kept the type of one whose fd, `namespace.TYPE`, stays open
 * @param userFirst whether the user namespace is joined first: an ordinary user has the right to
 *   join the others only in it
 */
export function joinNamespaces(
  namespaces: readonly Namespace[],
  kept?: NamespaceName,
  userFirst = false,
): PlanItem[] {
  const step = new StepBuilder("namespaces");
  const joined = namespaces
    .map(({ type, path }, k) => ({ type, path, pointer: `/linux/namespaces/${k}/path` }))
    .filter(({ type, path }) => path !== undefined && path !== "" && !LEFT.includes(type))
    .sort((a, b) => (Number(a.type === "user") - Number(b.type === "user")) * (userFirst ? -1 : 1));
  for (const { type, path, pointer } of joined) {
    step.because(`open the ${type} namespace to join`, path, pointer)
      .call("openat", [AT_FDCWD, path as string, O_CLOEXEC, 0], { label: `namespace.${type}` });
  }
  for (const { type, path, pointer } of joined) {
    step.because(`join the ${type} namespace`, path, pointer, hintFor(type))
      .call("setns", [result(`namespace.${type}`), NAMESPACE_FLAGS[type]]);
  }
  step.close(
    ...joined.filter(({ type }) => type !== kept).map(({ type }) => `namespace.${type}`),
  );
  return step.items;
}

const LEFT: readonly NamespaceName[] = ["time", "mount"];
const MOUNTS = "namespace.mount";

/** Opens the mount namespace to join, while its path still means what the config's author saw. */
export function openMountNamespace(namespaces: readonly Namespace[]): PlanItem[] {
  const step = new StepBuilder("namespaces");
  const path = joinedPath(namespaces, "mount") ?? "";
  return step.because("open the mount namespace to join", path, "/linux/namespaces")
    .call("openat", [AT_FDCWD, path, O_CLOEXEC, 0], { label: MOUNTS }).items;
}

/**
 * Joins it, which also resets the root folder. The container's mounts are made and covered by then,
 * since a tree that is attached nowhere can only be changed from the mount namespace where it was
 * made.
 */
export function joinMountNamespace(namespaces: readonly Namespace[]): PlanItem[] {
  const step = new StepBuilder("namespaces");
  const path = joinedPath(namespaces, "mount");
  return step.because("join the mount namespace", path, "/linux/namespaces", hintFor("mount"))
    .call("unshare", [CLONE_FS]) // threads that share their root folder can't join
    .call("setns", [result(MOUNTS), NAMESPACE_FLAGS.mount])
    .close(MOUNTS).items;
}

function hintFor(type: NamespaceName): string {
  return `the path must be that of a ${type} namespace: /proc/PID/ns/${
    NAMESPACE_FILES[type]
  } of a ` +
    "process in it";
}
