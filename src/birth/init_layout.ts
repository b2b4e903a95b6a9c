/**
 * What a birth and its plan agree on: which numbers the fds get, and what init is told.
 *
 * @module
 */

import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import {
  joinsInhabited,
  makesIpcLate,
  newNamespaceFlags,
} from "../../init/steps/process/namespaces.ts";
import { cgroupTrees } from "./cgroup_doors.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type {
  ConsoleFds,
  IdmappedFd,
  InitConfig,
  InitFds,
  WorkFds,
} from "../../init/operations/init_config.ts";
import type { RootFile } from "../../init/operations/root_files.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { Config, Mount, Namespace } from "../config/types/config.ts";
import type { ProcessOptions } from "../process.ts";

/** The numbers of the fds in init: the program's own first, then those of the hand-over. */
export interface FdLayout extends InitFds {
  /** How many fds from 3 on are the program's. */
  readonly preserveFds: number;
  /** The cgroups that are entered late: the fd in init, and the one in this program. */
  readonly late: readonly {
    readonly controller: string;
    readonly fd: number;
    readonly inside: number;
  }[];
  /** The id-mapped mounts. */
  readonly idmapped: readonly IdmappedFd[];
  /** With a trace: the memory that the times are written to. */
  readonly trace?: number | undefined;
  /** The first number that is free. */
  readonly end: number;
}

/** Gives every fd its number. */
export function layOutFds(
  process: ProcessOptions,
  has: { readonly terminal: boolean; readonly work: boolean; readonly trace?: boolean },
  doors: readonly { readonly controller: string; readonly inside: number; late: boolean }[],
  idmappedMounts: readonly number[] = [],
): FdLayout {
  const preserveFds = Math.max(process.preserveFds ?? 0, process.extraFiles?.length ?? 0);
  const status = 3 + preserveFds;
  const late = doors.filter((door) => door.late)
    .map(({ controller, inside }, k) => ({ controller, fd: status + 3 + k, inside }));
  const idmapped = idmappedMounts.map((mount, k) => ({ mount, fd: status + 3 + late.length + k }));
  let next = status + 3 + late.length + idmapped.length;
  const take = () => next++;
  const console: ConsoleFds | undefined = has.terminal
    ? { socket: take(), master: take() }
    : undefined;
  const work: WorkFds | undefined = has.work ? { from: take(), to: take() } : undefined;
  const trace = has.trace === true ? take() : undefined;
  return {
    status,
    control: status + 1,
    start: status + 2,
    ...(console === undefined ? {} : { console }),
    ...(work === undefined ? {} : { work }),
    ...(trace === undefined ? {} : { trace }),
    preserveFds,
    late,
    idmapped,
    end: next,
  };
}

/**
 * Whether a start has work between its operations that this program can do for a child. It can't do
 * it for a user namespace, whose files must be made by that namespace's root.
 */
export function hasParentsWork({ mounts = [], linux = {} }: Config, onTmpfs: boolean): boolean {
  if ((linux.namespaces ?? []).some(({ type }) => type === "user")) return false;
  return onTmpfs || mounts.some(changesPlaces);
}

/** Whether a mount changes what later mounts find, in a way that can't be known beforehand. */
function changesPlaces({ type = "", options = [] }: Mount): boolean {
  return !PLAIN_TYPES.includes(type) || options.includes("tmpcopyup");
}

const PLAIN_TYPES = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup"];

/**
 * The flags of the namespaces that the birth makes; with a launcher, that makes them. A mount
 * namespace is always among them, if only to seal the binary in it: init makes or joins the
 * container's own later. An ordinary user can make it in a user namespace alone, and a launcher's
 * binary, which stays outside of that, has none.
 */
export function birthNamespaces(
  namespaces: readonly Namespace[],
  { inUserNamespace }: Pick<CgroupHost, "inUserNamespace">,
): number {
  if (joinsInhabited(namespaces) && inUserNamespace && Deno.uid() !== 0) return 0;
  const flags = joinsInhabited(namespaces) ? 0 : newNamespaceFlags(namespaces);
  const late = makesIpcLate(namespaces) ? NAMESPACE_FLAGS.ipc : 0;
  return flags & ~late | NAMESPACE_FLAGS.mount;
}

/**
 * For a container without a mount namespace of its own: it uses this program's, to which init must
 * go back after it was sealed in another one.
 */
function withMountNamespace(config: Config): Config {
  const { namespaces = [], ...linux } = config.linux ?? {};
  if (namespaces.some(({ type }) => type === "mount")) return config;
  const own: Namespace = { type: "mount", path: `/proc/${Deno.pid}/ns/mnt` };
  return { ...config, linux: { ...linux, namespaces: [...namespaces, own] } };
}

/** What init is told beside its fds. */
export interface InitSubject {
  readonly id: string;
  readonly rootfs: string;
  readonly config: Config;
  /** The filter that `config.linux.seccomp` was compiled to. */
  readonly seccomp: LoadableFilter | undefined;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  readonly noPivot: boolean;
  /** See {@linkcode InitConfig.keyring}. */
  readonly keyring: string;
  /** Whether the root is a tmpfs that is filled with the rootfs's files. */
  readonly onTmpfs: boolean;
  /** See {@linkcode InitConfig.rootFiles}. */
  readonly rootFiles?: readonly RootFile[] | undefined;
  /** How many bytes that may hold; not limited without it. */
  readonly rootBytes?: number | undefined;
  /** See {@linkcode InitConfig.overlay}. */
  readonly overlay?: string | undefined;
  /** See {@linkcode InitConfig.reaper}. */
  readonly reaper?: string | undefined;
  /** Whether the loopback interface of a new network namespace stays down. */
  readonly loopbackDown?: boolean | undefined;
}

/** The message to init. */
export function makeInitConfig(subject: InitSubject, layout: FdLayout): InitConfig {
  const { id, rootfs, config, host, cgroups, noPivot, keyring, onTmpfs } = subject;
  const { status, control, start, console, work, preserveFds, idmapped } = layout;
  const { seccomp } = subject;
  const late = layout.late.map(({ controller, fd }) => ({ controller, fd }));
  return {
    id,
    rootfs,
    config: withMountNamespace(withoutProfile(config)),
    ...(seccomp === undefined ? {} : { seccomp }),
    fds: {
      status,
      control,
      start,
      ...(console === undefined ? {} : { console }),
      ...(work === undefined ? {} : { work }),
    },
    preserveFds,
    cgroups: {
      version: host.version,
      late,
      mounts: cgroupTrees(host, cgroups),
      ...(cgroups.paths[""] === undefined ? { isShared: true } : {}),
    },
    noPivot,
    keyring,
    idmapped,
    onTmpfs,
    ...(subject.rootFiles === undefined ? {} : { rootFiles: subject.rootFiles }),
    ...(subject.rootBytes === undefined ? {} : { rootBytes: subject.rootBytes }),
    ...(subject.overlay === undefined ? {} : { overlay: subject.overlay }),
    ...(subject.reaper === undefined ? {} : { reaper: subject.reaper }),
    ...(host.inUserNamespace ? { inUserNamespace: true } : {}),
    ...(subject.loopbackDown === true ? { loopbackDown: true } : {}),
  };
}

/** The config without the profile, which is large and of no use to init. */
function withoutProfile(config: Config): Config {
  if (config.linux?.seccomp === undefined) return config;
  const { seccomp: _, ...linux } = config.linux;
  return { ...config, linux };
}
