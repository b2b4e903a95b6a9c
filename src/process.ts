/**
 * What to run in a container, and the handle on it once it runs.
 *
 * @module
 */

import { type AbortOptions, unlessAborted } from "../ffi/waiting/abort.ts";
import type { ExitStatus } from "../ffi/processes/process.ts";
import type { ResourceUsage } from "../ffi/processes/resource_usage.ts";
import type {
  Capabilities,
  ConsoleSize,
  ProcessConfig,
  Rlimit,
  User,
} from "./config/types/config.ts";
import { ContainerError } from "./errors.ts";
import type { ParentProcess } from "./process/parent_process.ts";
import { CLAIM, KEEP_END, type ProcessClaim, USED } from "./process/process_claim.ts";
import type { PipeStreams, Stdio } from "./streams/stdio.ts";

export type { ExitStatus } from "../ffi/processes/process.ts";
export type { Stdio } from "./streams/stdio.ts";

/** What to run. A field that is missing is taken from the container's config. */
export interface ProcessOptions {
  /** The program and its arguments; a program without a slash is looked for in PATH. */
  readonly args?: readonly string[] | undefined;
  /** The environment, each `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  /** What is added to the environment, each `NAME=value`; it wins over the same name there. */
  readonly extraEnv?: readonly string[] | undefined;
  /** The working folder inside the container; for a first process it is made if there is none. */
  readonly cwd?: string | undefined;
  /**
   * Who runs it: the spec's user, or `USER[:GROUP]`, each a number or a name from the container's
   * /etc/passwd and /etc/group. A number is never taken for a name.
   */
  readonly user?: User | string | undefined;
  /** Further groups, by number. */
  readonly additionalGids?: readonly number[] | undefined;
  /** Where the program's input comes from; default `inherit`. */
  readonly stdin?: Stdio | undefined;
  /** Where the program's output goes; default `inherit`. */
  readonly stdout?: Stdio | undefined;
  /** Where the program's error output goes; default `inherit`. */
  readonly stderr?: Stdio | undefined;
  /** Open fds that the program gets as 3, 4, …; they stay the caller's. */
  readonly extraFiles?: readonly number[] | undefined;
  /** The fds 3 to 2 + n of this program that the container's program inherits in place. */
  readonly preserveFds?: number | undefined;
  /** Resource limits, in place of the config's. */
  readonly rlimits?: readonly Rlimit[] | undefined;
  /** Capability sets, in place of the config's. */
  readonly capabilities?: Capabilities | undefined;
  /** Whether execve may grant no privilege. */
  readonly noNewPrivileges?: boolean | undefined;
  /** Give it a terminal; default: what the config says for a first process, none for others. */
  readonly terminal?: boolean | undefined;
  /** The terminal's first size. */
  readonly consoleSize?: ConsoleSize | undefined;
  /**
   * Whether the terminal at first leaves the program's `\n` as it is, for output that is not shown
   * on a terminal. By default it turns it into `\r\n` (`ONLCR` of termios(3)).
   */
  readonly bareNewlines?: boolean | undefined;
  /**
   * A Unix socket whose listener gets the terminal's master end, in place of this program's
   * streams. It is for a program that ends before the container does.
   */
  readonly consoleSocket?: string | undefined;
  /**
   * Leave the status of a process that joins to the process that adopts it, since this program ends
   * first. Otherwise this program could take the status of a process that ends quickly, and a
   * status can be taken only once.
   */
  readonly leaveStatus?: boolean | undefined;
  /** The AppArmor profile, in place of the config's. */
  readonly apparmorProfile?: string | undefined;
  /** The SELinux label, in place of the config's. */
  readonly selinuxLabel?: string | undefined;
  /** The whole process as config.json has it, in place of the config's; the other options win. */
  readonly config?: ProcessConfig | undefined;
  /** Further capabilities, in all sets but the inheritable one. Only for one that joins. */
  readonly addCapabilities?: readonly string[] | undefined;
  /** Join a paused container too; the process stops at once, until the resume. */
  readonly ignorePaused?: boolean | undefined;
  /** A cgroup below the container's to run in, relative to it. Only for one that joins. */
  readonly subCgroup?: string | undefined;
}

/** What can be said of a program wherever it is run: in its own container, or as a further one. */
export type ProgramOptions = Pick<
  ProcessOptions,
  | "additionalGids"
  | "apparmorProfile"
  | "args"
  | "capabilities"
  | "consoleSize"
  | "cwd"
  | "env"
  | "extraEnv"
  | "noNewPrivileges"
  | "rlimits"
  | "selinuxLabel"
  | "terminal"
  | "user"
>;

const NEVER = new AbortController().signal;

/**
 * A process of a container. Before the start it describes what to run; after `Container.start` or
 * `run` it is the handle on the running process.
 *
 * A process that has ended is reaped, even if nobody waits for it, and its status is kept for later
 * calls. A further process keeps this program alive while it runs; a container's first process does
 * not.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Factory, Process } from "@hull/hull";
 *
 * await using container = await new Factory().create("handle");
 * const process = new Process({ args: ["sh", "-c", "echo hello; exit 7"], stdout: "piped" });
 * await container.run(process);
 * assertEquals(await new Response(process.stdout).text(), "hello\n");
 * const { code } = await process.wait();
 * assertEquals(code, 7);
 * ```
 */
export class Process {
  /** What the constructor was given. */
  readonly options: ProcessOptions;
  #isClaimed = false;
  #parent: ParentProcess | undefined;
  #streams: PipeStreams | undefined;

  /** Describes what to run; nothing is checked before the start. */
  constructor(options: ProcessOptions = {}) {
    this.options = options;
  }

  /** Whether a start of the process has succeeded; it may have ended since. */
  get isStarted(): boolean {
    return this.#parent !== undefined;
  }

  /**
   * The process's number on the host.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started
   */
  get pid(): number {
    return this.#started().pid;
  }

  /**
   * Waits for the process's end. Any number of calls may wait, also after the end.
   *
   * @param options an abort only ends the wait
   * @returns how the process ended
   * @throws {ContainerError} `NoProcessOps` before it is started
   * @throws the signal's reason
   */
  wait({ signal }: AbortOptions = {}): Promise<ExitStatus> {
    return unlessAborted(this.#started().wait(), signal);
  }

  /**
   * Sends the process a signal, and no other process, even if its number was given to another.
   *
   * @param signal a number, or a name such as `TERM` or `SIGTERM`
   * @throws {ContainerError} `NoProcessOps` before it is started, `ContainerNotRunning` after its
   *   end, `ConfigInvalid` for an unknown signal
   */
  signal(signal: string | number): void {
    this.#started().signal(signal);
  }

  /**
   * Kills the process with all that it has started, found by parentage. Processes that have detached from
   * it, as daemons do, are left alone. Killing a container's first process ends all of its pid
   * namespace. It is no error if the process has ended.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started
   */
  killTree(): void {
    this.#started().killTree();
  }

  /**
   * Sets the size of the process's terminal.
   *
   * @param columns in characters
   * @param rows in characters
   * @throws {ContainerError} `NoProcessOps` before it is started, or without a terminal
   */
  resize(columns: number, rows: number): void {
    this.#started().resize(columns, rows);
  }

  /**
   * The byte for which the process's terminal sends SIGINT: `^C`, unless the program has chosen
   * another. undefined without a terminal, and while the program takes every byte itself.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started
   */
  interruptKey(): number | undefined {
    return this.#started().interruptKey();
  }

  /**
   * Types the end of the input (mostly ^D) on the process's terminal for each of its reads, as a
   * person with nothing more to say would. While the program takes every byte itself, as an editor does,
   * nothing is typed, since that would be a byte like any other.
   *
   * @param options an abort ends it, as does the end of the terminal
   * @throws {ContainerError} `NoProcessOps` before the start
   */
  async typeEnd({ signal = NEVER }: AbortOptions = {}): Promise<void> {
    await this.#started().typeEnd(signal);
  }

  /**
   * What the process reads, if stdin is `piped` or it has a terminal; closing it is the end of the
   * input.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started, or without such a stream
   */
  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return this.#piped("stdin", this.#streams?.stdin);
  }

  /**
   * What the process writes, if stdout is `piped` or it has a terminal. It should be read: once the
   * pipe is full, the process waits.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started, or without such a stream
   */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#piped("stdout", this.#streams?.stdout);
  }

  /**
   * What the process writes to its error output, if stderr is `piped`.
   *
   * @throws {ContainerError} `NoProcessOps` before it is started, or without such a stream
   */
  get stderr(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#piped("stderr", this.#streams?.stderr);
  }

  /**
   * Claims it for one start, so that a second start at the same time fails. A start that fails
   * leaves it as it was.
   *
   * @ignore for hull's own rooms
   * @throws {ContainerError} `NoProcessOps` if it was started, or is being started
   */
  [CLAIM](): ProcessClaim {
    if (this.#isClaimed) {
      throw new ContainerError("NoProcessOps", "the process was started already", {
        hint: "make a Process for each start",
      });
    }
    this.#isClaimed = true;
    return {
      attach: (parent, streams) => {
        this.#parent = parent;
        this.#streams = streams;
      },
      [Symbol.dispose]: () => {
        this.#isClaimed = this.isStarted;
      },
    };
  }

  /** @ignore for hull's own rooms */
  [KEEP_END](keep: (status: ExitStatus) => void): Promise<ExitStatus> {
    return this.#started().wait(keep);
  }

  /** @ignore for hull's own rooms */
  [USED](): ResourceUsage | undefined {
    return this.#parent?.usage;
  }

  #started(): ParentProcess {
    if (this.#parent === undefined) {
      throw new ContainerError("NoProcessOps", "the process was not started", {
        hint: "give it to Container.start or Container.run first",
      });
    }
    return this.#parent;
  }

  #piped<Stream>(name: string, stream: Stream | undefined): Stream {
    this.#started();
    if (stream === undefined) {
      throw new ContainerError("NoProcessOps", `${name} is not a stream of this program`, {
        hint: `make the process with ${name}: "piped"`,
      });
    }
    return stream;
  }
}
