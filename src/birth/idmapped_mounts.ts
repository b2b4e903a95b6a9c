/**
 * Bind mounts that the parent makes, detached, and init attaches. There are two kinds. Files of
 * id-mapped mounts show other owners: only a process with CAP_SYS_ADMIN over the file system can
 * make one, which init in a user namespace does not have. The others stay peers of the host's
 * mounts, from which init is cut off when it begins.
 *
 * They are copied in a child with mounts of its own, which are peers of the host's, too. That copy
 * lacks the mount namespaces that the host has bound to names, as snapd does: a mount tree with one
 * of those can't be attached in a younger namespace (ELOOP), and a container would get at it.
 *
 * Source: mount_setattr(2), "ID-mapped mounts"; the runtime-spec's "POSIX-platform Mounts".
 *
 * @module
 */

import { EIO, SyscallError } from "../../ffi/c/errno.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { AT_EMPTY_PATH, AT_FDCWD, Fd } from "../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../ffi/files/mount.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_FILES,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "../../ffi/processes/namespaces.ts";
import { reapEnding } from "../../ffi/processes/process.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { initFailure } from "../../init/operations/failure.ts";
import {
  type PlanItem,
  type PlannedOperation,
  result,
  StepBuilder,
} from "../../init/operations/operation.ts";
import { parseMountOptions } from "../../init/steps/rootfs/mount_options.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import { cutPropagation } from "../../init/steps/rootfs/rootfs.ts";
import {
  idMappingsOf,
  isIdMapped,
  isPeerOfHost,
  type MountIdMappings,
} from "../config/mount_options.ts";
import type { Config, Mount } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { writeIdMaps } from "../namespaces/id_maps.ts";
import { openJoined } from "../namespaces/joined_namespaces.ts";
import { Child } from "../process/parent_process.ts";
import { openNamespace } from "../security/procfs.ts";

/**
 * A mount of the config with what it is mapped by; undefined for the user namespace joined by path.
 */
interface Wanted {
  readonly index: number;
  readonly isMapped: boolean;
  readonly mappings: MountIdMappings | undefined;
}

/** A detached, id-mapped copy of a mount's source. */
export interface IdmappedMount {
  /** Its place in the config's `mounts`. */
  readonly mount: number;
  readonly fd: Fd;
}

const HOLDER_SECONDS = 60n;
const PIDFD = "pidfd";
const MOUNT = "idmapped";
const END = "copied";

/** The mounts of a config that the parent makes, by their place. */
export function idmappedMounts({ mounts = [], linux = {} }: Config): number[] {
  return mounts.flatMap((mount, k) =>
    isIdMapped(mount) || isPeerOfHost(mount, linux.rootfsPropagation) ? [k] : []
  );
}

/**
 * Makes the id-mapped mounts of a config.
 *
 * @param stack closes them
 * @throws {ContainerError} `InitFailed` with the mount's pointer where its file system has no such
 *   mounts, `SystemError` where the maps can't be made
 */
export async function openIdmappedMounts(
  config: Config,
  poller: Poller,
  stack: DisposableStack,
): Promise<IdmappedMount[]> {
  const namespaces = new Map<string, Fd>();
  using opened = new DisposableStack();
  const made: IdmappedMount[] = [];
  for (const wanted of wantedMounts(config)) {
    const key = JSON.stringify(wanted.isMapped ? wanted.mappings ?? "joined" : "none");
    const known = namespaces.get(key) ??
      (wanted.isMapped ? opened.use(await openMapping(config, wanted, poller)) : undefined);
    if (known !== undefined) namespaces.set(key, known);
    const plan = planIdmappedMount(config, wanted.index, known?.number);
    made.push({ mount: wanted.index, fd: stack.use(runPlan(plan)) });
  }
  return made;
}

function wantedMounts(config: Config): Wanted[] {
  return idmappedMounts(config).map((index) => ({
    index,
    isMapped: isIdMapped((config.mounts ?? [])[index] as Mount),
    mappings: mappingsOf(config, index),
  }));
}

/** The mappings of a mount: its own, or those of the container's new user namespace. */
function mappingsOf(
  { mounts = [], linux = {} }: Config,
  index: number,
): MountIdMappings | undefined {
  const { namespaces = [], uidMappings = [], gidMappings = [] } = linux;
  const container = isNew(namespaces, "user") ? { uidMappings, gidMappings } : undefined;
  return idMappingsOf(mounts[index] as Mount, container) ?? container;
}

/** Whether a user namespace is made for the mount; otherwise it uses the one joined by path. */
export function hasOwnMappings(config: Config, index: number): boolean {
  return mappingsOf(config, index) !== undefined;
}

/**
 * The calls that make one mount: a child that shares this program's memory and fds, and has mounts
 * of its own, leaves its copy among the fds.
 *
 * @param namespace the fd of the user namespace that maps it; undefined if nothing does
 */
export function planIdmappedMount(
  config: Config,
  index: number,
  namespace: number | undefined,
): PlanItem[] {
  const mount = (config.mounts ?? [])[index] as Mount;
  const { source = "", options = [], type } = mount;
  const { bindRecursive, idmapRecursive } = parseMountOptions(options);
  const recursive = bindRecursive || type === "rbind" ? AT_RECURSIVE : 0;
  const pointer = `/mounts/${index}`;
  const step = new StepBuilder("sources");
  const onError = { jump: END, fails: true } as const;
  const set = (attributes: Uint8Array, flags: number) =>
    step.call(
      "mount_setattr",
      [result(MOUNT), "", AT_EMPTY_PATH | flags, attributes, MOUNT_ATTR_SIZE],
      { onError },
    );
  step.because("copy the host's mounts, but for mount namespaces that have a name", "/", pointer)
    .call("clone3", [cloneArguments(COPIER, { pidfd: PIDFD }), CLONE_ARGS_SIZE], {
      onError: "return",
      onPositive: "return",
    });
  step.because("copy the source's mount", source, `${pointer}/source`, BEFOREHAND)
    .call("open_tree", [AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive], {
      label: MOUNT,
      onError,
    });
  if (namespace !== undefined) {
    step.because("map the owners of its files", source, pointer, UNMAPPABLE);
    set(
      mountAttributes(MOUNT_ATTR.IDMAP, 0, 0, namespace),
      idmapRecursive ? AT_RECURSIVE : 0,
    );
  }
  if (!isPeerOfHost(mount, config.linux?.rootfsPropagation)) {
    step.because("stop mounts from reaching the host", source, pointer);
    set(mountAttributes(0, 0, cutPropagation(config.linux?.rootfsPropagation)), AT_RECURSIVE);
  }
  step.because("leave the copy to the parent", source, pointer)
    .call("exit_group", [0], { label: END, onError: "continue" })
    .call("exit_group", [{ fault: true }], { onError: "continue" });
  return step.items;
}

const COPIER = BigInt(CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | NAMESPACE_FLAGS.mount) |
  CLONE_CLEAR_SIGHAND;

const BEFOREHAND = "it is copied before any mount of the config is made: name a folder of the host";

const UNMAPPABLE = "its file system must have id-mapped mounts (ext4, xfs, btrfs, tmpfs since " +
  "Linux 6.3, but not overlay), must not be mapped already, and must be the caller's to administrate";

function runPlan(plan: readonly PlanItem[]): Fd {
  const operations = plan as readonly PlannedOperation[];
  const program = new SyscallProgram(operations);
  program.run();
  const failure = program.failure();
  if (program.result(0) > 0) reapCopier(program.output(PIDFD));
  const mount = program.result(MOUNT);
  if (failure === undefined && mount > 0) return new Fd(mount);
  if (mount > 0) new Fd(mount).close();
  if (failure === undefined) throw new SyscallError("open_tree", EIO); // somebody killed the child
  throw initFailure(operations[failure.index] as PlannedOperation, failure.errno);
}

/** Takes the end of the child, for which the clone has waited. */
function reapCopier(pidfd: Uint8Array): void {
  using child = new Fd(new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true));
  reapEnding(child);
}

/** Opens a user namespace that has the mappings. */
async function openMapping(
  { linux = {} }: Config,
  { index, mappings }: Wanted,
  poller: Poller,
): Promise<Fd> {
  if (mappings !== undefined) return await holdNamespace(mappings, `/mounts/${index}`, poller);
  const joined = openJoined(linux.namespaces ?? [], "user");
  if (joined !== undefined) return joined;
  throw new ContainerError("ConfigInvalid", "there is nothing to id-map a mount by", {
    pointer: `/mounts/${index}`,
    hint: "give the mount uidMappings and gidMappings",
  });
}

/**
 * Makes a child that does nothing but hold a new user namespace, until that is mapped and opened.
 */
async function holdNamespace(
  mappings: MountIdMappings,
  pointer: string,
  poller: Poller,
): Promise<Fd> {
  const operations = planHolder(pointer);
  const program = new SyscallProgram(operations);
  program.run();
  const pid = program.result(0);
  if (pid < 0) throw initFailure(operations[0] as PlannedOperation, -pid);
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  using holder = new Child(pid, new Fd(number), poller);
  try {
    writeIdMaps(pid, mappings, pointer);
    return openNamespace(pid, "user");
  } finally {
    await holder.kill();
  }
}

/** The child that holds a user namespace: it has a copy of this program's memory, and sleeps. */
export function planHolder(pointer: string): PlannedOperation[] {
  const step = new StepBuilder("clone");
  const flags = BigInt(NAMESPACE_FLAGS.user | CLONE_PIDFD) | CLONE_CLEAR_SIGHAND;
  step.because("make a user namespace to map a mount by", undefined, pointer)
    .call("clone3", [cloneArguments(flags, { pidfd: PIDFD }), CLONE_ARGS_SIZE], {
      onError: "return",
      onPositive: "return",
    });
  const time = new Uint8Array(new BigInt64Array([HOLDER_SECONDS, 0n]).buffer);
  step.because("hold it until it is opened")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0], { onError: "continue" })
    .call("nanosleep", [time, 0], { onError: "continue" })
    .call("exit_group", [0]);
  return step.items as PlannedOperation[];
}
