/**
 * The short program between clone3 and init. It runs in the child, where no JavaScript may run. It
 * enters the cgroups, puts the fds in place, and becomes init: either the plan's own program, or
 * the re-executed one, whose binary it seals first.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { entryFile } from "../../ffi/files/cgroup_entry.ts";
import {
  capabilityData,
  capabilityHeader,
  PR,
  PR_CAP_AMBIENT_RAISE,
} from "../../ffi/processes/credentials.ts";
import { AT_EMPTY_PATH, AT_FDCWD } from "../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROPAGATION,
} from "../../ffi/files/mount.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "../../ffi/processes/namespaces.ts";
import { type PlannedOperation, result, StepBuilder } from "../../init/operations/operation.ts";
import { enterTimeNamespace, type TimeNamespace } from "../../init/steps/process/time.ts";
import type { InitCommand } from "./init_command.ts";
import type { OtherParent } from "../process/bearer.ts";
import { PIDFD, type PlacedFd, placeFds } from "../process/placed_fds.ts";

const ALL = 0xffffffffffffffffn;
const LAST_CAPABILITY = 40;

/** A cgroup that the child enters, and the one that it came from. */
export interface CgroupDoor {
  readonly controller: string;
  /**
   * An fd of the file by which the container's cgroup is entered; of its folder, if the child is
   * born in it.
   */
  readonly inside: number;
  /**
   * Whether the child is born in it, so that no process has to move: see
   * `ffi/files/cgroup_entry.ts`.
   */
  readonly isBirthplace: boolean;
  /** Whether only init's last operations enter it for good. */
  readonly late: boolean;
  /**
   * The same for this program's cgroup; set if the cgroup is entered late and there is a new cgroup
   * namespace.
   */
  readonly outside: number | undefined;
}

/** What the program needs to know. */
export interface BirthOptions {
  /** Flags of the new namespaces. */
  readonly namespaces: number;
  /** What becomes init: a program by its fd, or the host's binary. */
  readonly init: { readonly fd: number; readonly args: readonly string[] } | InitCommand;
  readonly cgroups: readonly CgroupDoor[];
  /** The fds that are put in place, each with the number that it gets. */
  readonly fds: readonly PlacedFd[];
  /**
   * With a new user namespace and a re-executed init: the pipe on which the parent says that the
   * maps are written.
   */
  readonly mapped: number | undefined;
  /** The time namespace that the child enters before it is init. */
  readonly time?: TimeNamespace | undefined;
  /** The parent; by default this program. */
  readonly parent?: OtherParent | undefined;
}

/** The operations, the first of which makes the child. */
export function planBirth(options: BirthOptions): PlannedOperation[] {
  const { namespaces, init, fds, time } = options;
  return [
    ...clone(options),
    ...afterClone(options),
    ...(time === undefined ? [] : enterTimeNamespace(time)),
    ...enterCgroups(options),
    ...placeFds(fds),
    ...((namespaces & NAMESPACE_FLAGS.mount) === 0 ? [] : cutMounts()),
    ...("fd" in init ? becomeProgram(init.fd, init.args) : [
      ...((namespaces & NAMESPACE_FLAGS.mount) === 0 ? [] : sealBinary(init.path)),
      ...reexecute(init),
    ]),
  ].filter((item) => !("work" in item)) as PlannedOperation[];
}

/**
 * The child shares this program's memory until it is init, so a clone takes the same time in a
 * small and a large program. If the child must wait for its id maps, this program has to go on to
 * write them, so the child gets a copy of the memory.
 *
 * A time namespace needs a copy of the memory, too, but this program can wait meanwhile.
 *
 * The cgroup namespace is made later: its root is the cgroup that its maker is in.
 */
function clone({ namespaces, mapped, time, parent, cgroups }: BirthOptions): PlannedOperation[] {
  const step = new StepBuilder("clone");
  const vfork = time === undefined ? CLONE_VM | CLONE_VFORK : CLONE_VFORK;
  const memory = mapped === undefined ? vfork : 0;
  const made = namespaces & ~(NAMESPACE_FLAGS.cgroup | NAMESPACE_FLAGS.time);
  const told = parent === undefined ? CLONE_PIDFD : CLONE_PARENT_SETTID;
  const cgroup = cgroups.find(({ isBirthplace }) => isBirthplace)?.inside;
  const flags = BigInt(made | memory | told) | CLONE_CLEAR_SIGHAND;
  const handle = parent === undefined ? { pidfd: PIDFD, cgroup } : { pid: parent.pid, cgroup };
  const hint = "the kernel may lack a namespace, or a limit of /proc/sys/user is reached";
  step.because("make the child in its new namespaces", undefined, "/linux/namespaces", hint)
    .call("clone3", [cloneArguments(flags, handle), CLONE_ARGS_SIZE], {
      onError: parent === undefined
        ? "return"
        : parent.failed === undefined
        ? "fail"
        : { jump: parent.failed },
      onPositive: parent === undefined ? "return" : { jump: parent.label },
    });
  return step.items as PlannedOperation[];
}

/** What the child does first. */
function afterClone({ namespaces, mapped }: BirthOptions): PlannedOperation[] {
  const step = new StepBuilder("clone");
  step.because("die with the parent while init is not ready")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0]);
  step.because("lead a session of its own").call("setsid", []);
  if (mapped !== undefined) {
    step.because("wait for the id maps; end if the parent is gone")
      .awaitByte(mapped, "mapped");
  }
  if ((namespaces & NAMESPACE_FLAGS.user) !== 0) {
    // The process stays the host's root, which can read init's files, and gets the new namespace's
    // privileges.
    step.because("keep the user namespace's capabilities over execve")
      .call("capset", [capabilityHeader(), capabilityData(ALL, ALL, ALL)], {
        label: "mapped",
        onError: "continue",
      });
    for (let number = 0; number <= LAST_CAPABILITY; number++) {
      step.call("prctl", [PR.CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0], {
        onError: "continue",
      });
    }
  }
  return step.items as PlannedOperation[];
}

/**
 * Enters for good the cgroups that don't charge init. For a cgroup namespace it enters all cgroups,
 * makes the namespace there, and leaves those that would be charged for what init needs.
 */
function enterCgroups({ cgroups, namespaces }: BirthOptions): PlannedOperation[] {
  const step = new StepBuilder("cgroups");
  const self = new TextEncoder().encode("0");
  const makesNamespace = (namespaces & NAMESPACE_FLAGS.cgroup) !== 0;
  const write = (controller: string, verb: string, fd: number) =>
    step.because(
      `${verb} the ${controller === "" ? "unified" : controller} cgroup`,
      entryFile(controller),
      "/linux/cgroupsPath",
    )
      .call("write", [fd, self, self.length]);
  for (const { controller, inside, late, isBirthplace } of cgroups) {
    if (!isBirthplace && (!late || makesNamespace)) write(controller, "enter", inside);
  }
  if (makesNamespace) {
    step.because("make the cgroup namespace", undefined, "/linux/namespaces")
      .call("unshare", [NAMESPACE_FLAGS.cgroup]);
    for (const { controller, outside } of cgroups) {
      if (outside !== undefined) write(controller, "leave, until the end,", outside);
    }
  }
  return step.items as PlannedOperation[];
}

/**
 * Cuts all mounts off from the host's, whatever propagation the config asks for: the container's
 * root could not be a peer of the host's mount anyway, see pivot_root(2).
 */
function cutMounts(): PlannedOperation[] {
  const step = new StepBuilder("seal");
  step.because("stop mounts from reaching the host", "/")
    .call("mount_setattr", [
      AT_FDCWD,
      "/",
      AT_RECURSIVE,
      mountAttributes(0, 0, PROPAGATION.slave),
      MOUNT_ATTR_SIZE,
    ]);
  return step.items as PlannedOperation[];
}

/**
 * Attaches a read-only mount of the host's binary over its own path, in the new mount namespace: a
 * container that gets hold of /proc/PID/exe can't open it for writing (CVE-2019-5736).
 */
function sealBinary(path: string): PlannedOperation[] {
  const step = new StepBuilder("seal");
  step.because("seal the binary against writing", path)
    .call("open_tree", [AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { label: "binary" })
    .call("mount_setattr", [
      result("binary"),
      "",
      AT_EMPTY_PATH,
      mountAttributes(MOUNT_ATTR.RDONLY, 0),
      MOUNT_ATTR_SIZE,
    ])
    .call("move_mount", [result("binary"), "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH]);
  return step.items as PlannedOperation[];
}

function reexecute({ path, args, env }: InitCommand): PlannedOperation[] {
  const step = new StepBuilder("reexec");
  const hint = "the binary must be readable and executable for the container's root";
  step.because("start init", path, undefined, hint)
    .call("execve", [path, { words: [...args, 0] }, { words: [...env, 0] }]);
  return step.items as PlannedOperation[];
}

function becomeProgram(fd: number, args: readonly string[]): PlannedOperation[] {
  const step = new StepBuilder("clone");
  const hint =
    "the host may forbid executable files in memory: sysctl -w vm.memfd_noexec=1 allows them";
  step.because("become the program of the plan", args[0], undefined, hint)
    .call("execveat", [fd, "", { words: [...args, 0] }, { words: [0] }, AT_EMPTY_PATH]);
  return step.items as PlannedOperation[];
}
