/**
 * The page to read first: what happens inside a container between clone3 and execve, in order.
 *
 * A plan is data. Each step is a pure function from the config, and from facts gathered beforehand,
 * to operations; the trampoline runs them. The order is part of the contract: namespaces before
 * what lives in them, sources opened before init gives up the host's identity, mounts before the
 * root is switched, the network before the privileges that it needs are gone, and every fallible
 * thing but execve before the parent hears that the container is ready.
 *
 * @module
 */

import type { InitConfig } from "./operations/init_config.ts";
import { isBindMount } from "../src/config/mount_options.ts";
import type { Config, Linux, ProcessConfig } from "../src/config/types/config.ts";
import { withHome } from "./steps/process/program_environment.ts";
import type { Destination, Facts } from "./operations/facts.ts";
import type { WholePlan } from "./operations/operation.ts";
import { linkControllers } from "./steps/rootfs/cgroup_mounts.ts";
import {
  hostNull,
  makeDeviceLinks,
  makeDevices,
  ownNull,
  protectDev,
} from "./steps/rootfs/devices.ts";
import { execute, findProgram, resetSignals } from "./steps/process/execute.ts";
import {
  closeFds,
  enterWorkingFolder,
  handOver,
  makeWorkingFolder,
  outliveParent,
} from "./steps/process/final.ts";
import { hasCreateHooks, waitForHooks } from "./steps/rootfs/hook_point.ts";
import { HeldFolder } from "./steps/rootfs/held_folder.ts";
import { openPrivateProc, setNames, setSysctls } from "./steps/process/hostname.ts";
import { joinKeyring, labelKeyring } from "./steps/process/keyring.ts";
import { setLabels } from "./steps/process/labels.ts";
import { clearUmask, enterCgroups, setLimits } from "./steps/process/limits.ts";
import { anchorsOf, closeAnchors } from "./steps/rootfs/anchors.ts";
import { openSources } from "./steps/rootfs/bind.ts";
import { maskPaths, openMaskSources } from "./steps/rootfs/masks.ts";
import { isUnbindable } from "./steps/rootfs/mount_options.ts";
import { setMemoryPolicy } from "./steps/process/memory_policy.ts";
import { closeHeld, makeMounts } from "./steps/rootfs/mounts.ts";
import { protectMounts } from "./steps/rootfs/read_only_mounts.ts";
import { protectPaths } from "./steps/rootfs/read_only_paths.ts";
import {
  isForkedLate,
  isNew,
  joinMountNamespace,
  joinNamespaces,
  joinsInhabited,
  makeIpcNamespace,
  makesIpcLate,
  openMountNamespace,
} from "./steps/process/namespaces.ts";
import { bringUpLoopback } from "./steps/process/network.ts";
import { enterDetachedRoot, protectRoot, spreadRoot, switchRoot } from "./steps/rootfs/pivot.ts";
import { resetCpuAffinity, setIoPriority, setScheduler } from "./steps/process/scheduling.ts";
import { hasListener, letsWait, loadFilter } from "./steps/process/seccomp.ts";
import { makeTerminal } from "./steps/rootfs/terminal.ts";
import { attachRootfs, detachRootfs, isolateMounts, openRootfs } from "./steps/rootfs/rootfs.ts";
import type { Overlay } from "./steps/rootfs/overlay.ts";
import { withoutOpenat2 } from "./operations/walk.ts";
import {
  becomeNamespaceRoot,
  becomeUser,
  denyNewPrivileges,
  dropFilterRight,
  hideProcess,
  keepsFilterRight,
  mayDenyGroups,
  setPersonality,
} from "./steps/process/user.ts";
import { devPointer, planMounts, trim } from "./plan_mounts.ts";

/**
 * The whole plan of a container's first process.
 *
 * @example The steps of a small container
 * ```ts
 * import { assert } from "@std/assert";
 * import { HostFacts } from "./operations/host_facts.ts";
 * import { planInit } from "./plan.ts";
 *
 * const plan = planInit({
 *   id: "web",
 *   rootfs: "/",
 *   config: {
 *     ociVersion: "1.0.2",
 *     process: { args: ["/bin/true"], cwd: "/" },
 *     linux: { namespaces: [{ type: "mount" }, { type: "pid" }] },
 *   },
 *   fds: { status: 3, control: 4, start: 5 },
 *   preserveFds: 0,
 *   cgroups: { version: 2, late: [], mounts: [] },
 *   noPivot: false,
 *   keyring: "",
 * }, new HostFacts("/", []));
 * assert(plan[0]?.step === "identity");
 * assert(plan.at(-1)?.step === "exec");
 * ```
 */
export function planInit(init: InitConfig, facts: Facts): WholePlan {
  const { config, cgroups, seccomp } = init;
  const process: ProcessConfig = config.process ?? { cwd: "/" };
  const linux: Linux = config.linux ?? {};
  const { namespaces = [], rootfsPropagation } = linux;
  const { maskedPaths = [], readonlyPaths = [] } = linux;
  const ownsMounts = isNew(namespaces, "mount");
  const mounts = planMounts(config, init);
  const flat = mounts.flatMap(({ tree }) => [...tree.mounts, ...tree.protect]);
  const anchors = anchorsOf(flat, !ownsMounts, facts);
  const making = {
    idmapped: init.idmapped,
    isDetached: !ownsMounts,
    rootfs: init.rootfs,
    status: init.fds.status,
    anchors,
    held: new HeldFolder(),
  };
  const count = config.mounts?.length ?? 0;
  const covering = { anchors, facts, mounts: count };
  const look = (path: string): Destination => facts.destination(path, count);
  const dev = config.mounts?.find(({ destination }) => trim(destination) === "/dev");
  const makesDev = dev === undefined || !isBindMount(dev);
  const hasHooks = hasCreateHooks(config.hooks);
  // of an unbindable one no null can be taken to cover files with
  const freshDev = dev?.type === "tmpfs" && !isUnbindable(dev.options);
  const hasUserNamespace = namespaces.some(({ type }) => type === "user");
  const isUnprivileged = hasUserNamespace || init.inUserNamespace === true;
  const mayMountProc = !isUnprivileged || isNew(namespaces, "pid");
  const devices = linux.devices ?? [];
  const { args = [], env = [], cwd, user = {} } = process;
  const terminal = init.fds.console;
  const needsRight = seccomp !== undefined && process.noNewPrivileges !== true;
  const dropsRight = keepsFilterRight(process.capabilities, needsRight);
  const letsDrop = seccomp !== undefined && letsWait(seccomp, dropsRight);
  const isEarly = letsDrop || (seccomp !== undefined && hasListener(seccomp));
  const environment = withHome(env, facts.home(user.uid ?? 0));

  const isInMemory = init.onTmpfs === true || init.overlay !== undefined;
  const root = isInMemory
    ? { bytes: init.rootBytes, files: init.rootFiles, overlay: overlayOf(init) }
    : undefined;

  const plan: WholePlan = [
    ...(joinsInhabited(namespaces) ? [] : [...hideProcess(), ...joinNamespaces(namespaces)]),
    ...(isNew(namespaces, "network") && !init.loopbackDown ? bringUpLoopback() : []),

    ...(ownsMounts ? [] : openMountNamespace(namespaces)),
    ...openRootfs(init.rootfs),
    ...(ownsMounts ? isolateMounts(rootfsPropagation, root) : detachRootfs(root)),
    ...openSources(flat, init.idmapped ?? [], init.rootfs, facts),
    ...(freshDev ? [] : openMaskSources(maskedPaths, hostNull(facts), anchors)),
    ...(hasUserNamespace ? becomeNamespaceRoot(linux) : []),
    ...(makesIpcLate(namespaces) ? makeIpcNamespace() : []),

    ...clearUmask(),
    ...(ownsMounts ? attachRootfs() : []),
    ...(needsProc(config) ? openPrivateProc(mayMountProc) : []),
    ...(init.keyring === "" ? [] : [
      ...labelKeyring(process.selinuxLabel),
      ...joinKeyring(init.keyring, hasUserNamespace),
    ]),
    ...mounts.flatMap(({ planned, tree }) => [
      ...makeMounts(tree.mounts, facts, making),
      ...(tree.protect.length > 0 ? linkControllers(planned, cgroups, facts) : []),
      ...makeMounts(tree.protect, facts, making),
    ]),
    ...closeHeld(making.held),
    ...(makesDev ? makeDevices(devices, isUnprivileged, config.mounts ?? [], facts) : []),
    ...(makesDev ? makeDeviceLinks(facts) : []),
    ...(hasHooks ? waitForHooks(init.fds) : []),
    ...makeWorkingFolder(
      cwd,
      facts.hasOpenat2 ? look(cwd) : { ...look(cwd), isSure: true },
      hasHooks,
    ),

    ...(ownsMounts
      ? switchRoot(init.noPivot ? facts.kernelMounts(init.rootfs) : undefined)
      : enterDetachedRoot()),
    ...(terminal === undefined ? [] : makeTerminal(terminal, process.consoleSize, makesDev)),
    ...(dev?.options?.includes("ro") === true && makesDev
      ? protectDev(devPointer(config), !ownsMounts)
      : []),
    ...protectMounts(flat, !ownsMounts),
    ...(config.root?.readonly === true ? protectRoot() : []),

    ...setNames(config.hostname, config.domainname),
    ...setSysctls(linux.sysctl ?? {}),
    ...maskPaths(
      maskedPaths,
      freshDev ? ownNull(devices, isUnprivileged, facts) : undefined,
      covering,
    ),
    ...protectPaths(readonlyPaths, maskedPaths, covering),
    ...spreadRoot(rootfsPropagation),
    ...closeAnchors(anchors),
    ...(ownsMounts ? [] : [...joinMountNamespace(namespaces), ...enterDetachedRoot()]),
    ...setLabels(process.apparmorProfile, process.selinuxLabel),
    ...enterCgroups(cgroups),
    ...resetCpuAffinity(),
    ...(process.noNewPrivileges === true ? denyNewPrivileges() : []),
    ...(process.scheduler === undefined || isForkedLate(namespaces)
      ? []
      : setScheduler(process.scheduler)),
    ...(process.ioPriority === undefined ? [] : setIoPriority(process.ioPriority)),
    ...(linux.personality === undefined ? [] : setPersonality(linux.personality)),
    ...(linux.memoryPolicy === undefined ? [] : setMemoryPolicy(linux.memoryPolicy)),
    ...enterWorkingFolder(cwd, look(cwd)),
    ...closeFds(init.fds, init.preserveFds), // a limit of open files must not meet init's own
    ...setLimits(hasUserNamespace ? [] : process.rlimits ?? []),
    ...becomeUser(
      user,
      process.capabilities,
      facts.lastCapability,
      mayDenyGroups(linux, facts.deniesGroups),
      (user.uid ?? 0) === 0 ? [] : terminal === undefined ? facts.ownedFds : STREAMS,
      needsRight,
    ),
    ...findProgram(args[0] ?? "", environment, cwd, look),
    ...resetSignals(facts.ignoredSignals),
    ...closeFds(init.fds, init.preserveFds),

    ...outliveParent(),
    ...(seccomp !== undefined && isEarly ? loadFilter(seccomp) : []),
    ...(dropsRight && letsDrop ? dropFilterRight(process.capabilities) : []),
    ...handOver(init.fds),
    ...(seccomp === undefined || isEarly ? [] : loadFilter(seccomp)),
    execute(args, environment, init.reaper),
  ];
  return facts.hasOpenat2 ? plan : withoutOpenat2(plan);
}

function overlayOf({ overlay, rootfs, config, inUserNamespace }: InitConfig): Overlay | undefined {
  if (overlay === undefined) return undefined;
  const namespaces = config.linux?.namespaces ?? [];
  const isUser = inUserNamespace === true || namespaces.some(({ type }) => type === "user");
  return { top: overlay, lower: rootfs, isUser };
}

/** A terminal's three streams belong to the container alone. */
const STREAMS = [0, 1, 2];

/** Whether something is written to /proc. */
function needsProc({ linux, process }: Config): boolean {
  return Object.keys(linux?.sysctl ?? {}).length > 0 ||
    (process?.apparmorProfile ?? "") !== "" || (process?.selinuxLabel ?? "") !== "";
}
