/**
 * The hooks of one container: which run when, where, and with which state.
 *
 * Source: runtime.md, "Lifecycle"; config.md, "POSIX-platform Hooks".
 *
 * @module
 */

import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { openPidfd } from "../../ffi/processes/process.ts";
import { withHome } from "../../init/steps/process/program_environment.ts";
import { type PlanItem, StepBuilder } from "../../init/operations/operation.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import { rootOf } from "../../init/steps/process/user.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { ContainerError } from "../errors.ts";
import { enterCgroups } from "../exec/exec_cgroups.ts";
import { enterFolder, type HookRunner, inRuntime, runAllHooks, runHooks } from "./hooks.ts";
import { planRights } from "../exec/rights.ts";
import { innerPid, openNamespaces } from "../namespaces/process_namespaces.ts";
import { makeOciState } from "../state/oci_state.ts";
import { homeOf } from "../security/account_file.ts";
import type { StoredState } from "../state/stored_state.ts";

/** Whose hooks they are. */
export type HookSubject = Pick<StoredState, "id" | "bundle" | "rootfs" | "config" | "keyring">;

/**
 * The hooks of `create`, while init waits with all mounts made: prestart and createRuntime on the
 * host, then createContainer in init's namespaces.
 *
 * @param pid init, a child that nobody has waited for yet
 * @param locked the container's state folder; its lock is held
 * @throws {ContainerError} `HookFailed`
 */
export async function runCreateHooks(
  subject: HookSubject,
  pid: number,
  locked: string,
  runner: HookRunner,
): Promise<void> {
  const { prestart, createRuntime, createContainer = [] } = subject.config.hooks ?? {};
  const context = { ...inRuntime(makeOciState(subject, "creating", pid), runner), locked };
  await runHooks("prestart", prestart, context);
  await runHooks("createRuntime", createRuntime, context);
  if (createContainer.length === 0) return;
  using pidfd = openPidfd(pid);
  using namespaces = openNamespaces(pid, pidfd, true); // init's root is still the host's
  await runHooks("createContainer", createContainer, {
    cgroups: [],
    before: [],
    become: [
      ...(namespaces.hasUser ? becomeRoot(subject.config) : []),
      ...enterFolder(subject.rootfs),
    ],
    last: [],
    env: [],
    target: namespaces.target,
    state: makeOciState(subject, "creating", innerPid(pid)),
    locked,
    ...runner,
  });
}

/** What a startContainer hook needs: it runs as the program would. */
export interface StartHookOptions {
  /** Init, which waits for the start. */
  readonly pid: number;
  readonly pidfd: Fd;
  readonly cgroups: CgroupManager;
  /** The container's state folder; its lock is held. */
  readonly locked: string;
  /** What `linux.seccomp` was compiled to. */
  readonly filter: LoadableFilter | undefined;
}

/**
 * The startContainer hooks. They run in the container, with its root, and as its program would.
 *
 * @throws {ContainerError} `HookFailed`
 */
export async function runStartHooks(
  subject: HookSubject,
  { pid, pidfd, cgroups, locked, filter }: StartHookOptions,
  runner: HookRunner,
): Promise<void> {
  const { hooks, process = { cwd: "/" }, linux = {} } = subject.config;
  using namespaces = openNamespaces(pid, pidfd, isNew(linux.namespaces ?? [], "mount"));
  using stack = new DisposableStack();
  using root = open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY);
  const rights = planRights(process, linux, `/proc/self/fd/${root.number}`, filter, {
    keyring: subject.keyring,
  });
  await runHooks("startContainer", hooks?.startContainer, {
    before: rights.before,
    become: [...rights.become, ...rights.signals],
    guard: rights.guard,
    lead: rights.lead,
    last: rights.last,
    cgroups: enterCgroups(cgroups, undefined, pid, stack),
    env: withHome(process.env ?? [], homeOf(root, process.user?.uid ?? 0)),
    target: namespaces.target,
    state: makeOciState(subject, "created", innerPid(pid)),
    locked,
    ...runner,
  });
}

/**
 * The poststart hooks, on the host.
 *
 * @throws {ContainerError} `HookFailed`
 */
export async function runPoststartHooks(
  subject: HookSubject,
  pid: number,
  runner: HookRunner,
): Promise<void> {
  const context = inRuntime(makeOciState(subject, "running", pid), runner);
  await runHooks("poststart", subject.config.hooks?.poststart, context);
}

/** The poststop hooks, on the host; a failure keeps none of the others from running. */
export async function runPoststopHooks(
  subject: HookSubject,
  runner: HookRunner,
): Promise<ContainerError[]> {
  const context = inRuntime(makeOciState(subject, "stopped", 0), runner);
  return await runAllHooks("poststop", subject.config.hooks?.poststop, context);
}

/**
 * In the container's user namespace the host's root has no id, but it may become that namespace's
 * root.
 */
function becomeRoot({ linux = {} }: HookSubject["config"]): readonly PlanItem[] {
  const [uid, gid] = [rootOf(linux.uidMappings), rootOf(linux.gidMappings)];
  const step = new StepBuilder("hooks");
  return step.because("become the container's root", undefined, "/linux/uidMappings")
    .call("setgroups", [0, 0], { onError: "continue" })
    .call("setresgid", [gid, gid, gid])
    .call("setresuid", [uid, uid, uid]).items;
}
