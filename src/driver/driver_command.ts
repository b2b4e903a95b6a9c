/**
 * What a daemon tells an ExecDriver, and what it is told.
 *
 * @module
 */

import type { AbortOptions } from "../../ffi/waiting/abort.ts";
import type { Config, Resources } from "../config/types/config.ts";
import type { DefaultWishes } from "../create/default_wishes.ts";
import type { Factory, FactoryOptions } from "../factory.ts";
import type { ExitStatus, Process, ProgramOptions } from "../process.ts";

/** How an ExecDriver works: its Factory, or what it makes one with. */
export interface ExecDriverOptions extends FactoryOptions {
  /** The factory; without one the driver makes one of the other options. */
  readonly factory?: Factory | undefined;
  /**
   * The driver's name, which its containers carry. The driver touches no others in the same root
   * folder. A daemon that is started again finds its own containers by the name. Default `driver`.
   */
  readonly name?: string | undefined;
  /**
   * Whether a small process is the parent of each container, so that the container outlives this
   * program and its exit code is kept for `ExecDriver.restore`; default true. It needs a host that
   * allows executable files in memory (sysctl vm.memfd_noexec), and a service manager that ends
   * this program alone (systemd's `KillMode=process`).
   */
  readonly supervised?: boolean | undefined;
}

export type { ProgramOptions } from "../process.ts";

/** A program with the container to run it in. */
export interface Command extends ProgramOptions {
  /** The container's id: 1 to 255 letters, digits and `_+.-`. */
  readonly id: string;
  /** The container's config; the built-in default without one. */
  readonly config?: Config | undefined;
  /** What is wished of the built-in default: see {@linkcode CreateOptions.wishes}. */
  readonly wishes?: DefaultWishes | undefined;
  /** The folder that relative paths of the config start from; default the current one. */
  readonly bundle?: string | undefined;
  /** Limits that are laid over the config's, or over those of the built-in default. */
  readonly resources?: Resources | undefined;
}

/**
 * Called once the program runs, with its number on the host and the handle on it. If it throws, the
 * container is ended and taken away, and the run fails with what it threw.
 */
export type StartCallback = (pid: number, process: Process) => void | Promise<void>;

/** How a program can be ended early. */
export interface CutShort {
  /**
   * Ends the program when it is aborted; the call fails with its reason then. A container ends with
   * its first program. With a further program all that it has started is ended, except processes
   * that have detached from it. A deadline is `AbortSignal.timeout(milliseconds)`.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How a container is ended. */
export interface TerminateOptions extends AbortOptions {
  /** How long it has after a SIGTERM before it is killed, in milliseconds; default 0, at once. */
  readonly graceMs?: number | undefined;
}

/** How a run can be ended early, and who hears of its end. */
export interface RunOptions extends CutShort {
  /**
   * Called with the status before the container is taken away. A daemon that stores the status here
   * never loses one, whenever it is killed: `ExecDriver.restore` finds the container up to the end
   * of this callback. If it throws, the run fails.
   */
  readonly exitCallback?: ((status: RunStatus) => void | Promise<void>) | undefined;
}

/** How a container's program ended. */
export interface RunStatus extends ExitStatus {
  /** How many of the container's processes the kernel killed for want of memory. */
  readonly oomKills: number;
}

/** A container that was there when the daemon started again. */
export interface RestoredContainer {
  /** Its id, by which the driver's calls name it. */
  readonly id: string;
  /** The number of its first process on the host; 0 if that had ended. */
  readonly pid: number;
  /** What it was when {@linkcode ExecDriver.restore} found it; it does not follow what comes. */
  readonly status: "running" | "paused" | "stopped";
  /**
   * Waits for its end, which may have come while no daemon was there. The status is kept until
   * `ExecDriver.clean`, so that a daemon which is killed again before it has stored the status
   * loses nothing.
   *
   * @param options an abort ends the wait alone
   * @returns undefined if nobody could record it: for a container without a supervisor
   * @throws the signal's reason
   */
  wait(options?: AbortOptions): Promise<ExitStatus | undefined>;
}
