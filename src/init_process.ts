/**
 * The birth of a container's first process, from the host's side: the twin of init/plan.ts.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import { AT_FDCWD, Fd, mknodAt, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, open, read, S_IFIFO, writeAll } from "../ffi/file.ts";
import { Pipe } from "../ffi/pipe.ts";
import type { Poller } from "../ffi/poll.ts";
import type { ExitStatus } from "../ffi/process.ts";
import { SyscallProgram } from "../ffi/program.ts";
import { setLimit } from "../ffi/rlimit.ts";
import { encodeConfig, reportTail, StatusReader, type InitMessage } from "../init/channel.ts";
import { initFailure } from "../init/failure.ts";
import type { PlannedOperation } from "../init/operation.ts";
import { isNew, newNamespaceFlags } from "../init/steps/namespaces.ts";
import { type CgroupDoor, PIDFD, planBirth } from "./birth.ts";
import type { CgroupHost } from "./cgroups/detect.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { CgroupMount, InitConfig, InitFds } from "./config/init_config.ts";
import type { Config } from "./config/types.ts";
import { ContainerError } from "./errors.ts";
import { writeIdMaps } from "./id_maps.ts";
import { initCommand } from "./init_command.ts";
import { Child, type ParentProcess, requireSignal } from "./parent_process.ts";
import type { ProcessOptions } from "./process.ts";
import { type PipeStreams, ProcessFds } from "./stdio.ts";

/** The fifo on which init waits for the start. */
export const START_FIFO = "exec.fifo";
/** The fifo on which init says that it is ready, or what went wrong. */
export const STATUS_FIFO = "status.fifo";

/** What a birth needs. */
export interface InitProcessOptions {
  readonly id: string;
  /** The container's state folder. */
  readonly folder: string;
  readonly rootfs: string;
  /** The container's config with the process to run. */
  readonly config: Config;
  readonly process: ProcessOptions;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  readonly poller: Poller;
  readonly command: readonly string[] | undefined;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
}
