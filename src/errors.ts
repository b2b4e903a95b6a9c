/**
 * The one error that hull's library throws when something goes wrong with a container, and its
 * stable codes. Programs act on `code`; people read the message, which is always one line.
 *
 * @module
 */

/**
 * What went wrong, as a word that stays the same from release to release. `hull explain` and
 * docs/errors.md tell of each whence it comes and what to do.
 *
 * - `IdInUse`, `InvalidIdFormat`, `ContainerNotExists`: the container's id is in use, malformed or
 *   unknown
 * - `ContainerPaused`, `ContainerNotPaused`, `ContainerNotStopped`, `ContainerNotRunning`: the
 *   container's state forbids it
 * - `ConfigInvalid`: the config or an argument can't be used; `faults` lists every place
 * - `StateInvalid`: the container's stored state can't be read, or is of another version of hull
 * - `NoProcessOps`: the `Process` was not started, or it was already
 * - `ImageInvalid`: an image is damaged, is not what it says, or would reach beyond its folder
 * - `InitFailed`: a step inside the container failed before the user's program ran
 * - `HookFailed`: a hook failed
 * - `OomKilled`: the memory limit is too low for the start. If the kernel kills the program later,
 *   that is not an error of hull's: see `ExitStatus.oomKilled`
 * - `Unsupported`: this kernel or this build can't do what the config asks for
 * - `SystemError`: any other system call that failed on the host's side
 */
export type ContainerErrorCode =
  | "ConfigInvalid"
  | "ContainerNotExists"
  | "ContainerNotPaused"
  | "ContainerNotRunning"
  | "ContainerNotStopped"
  | "ContainerPaused"
  | "HookFailed"
  | "IdInUse"
  | "ImageInvalid"
  | "InitFailed"
  | "InvalidIdFormat"
  | "NoProcessOps"
  | "OomKilled"
  | "StateInvalid"
  | "SystemError"
  | "Unsupported";

/** One fault of a config: where, as a JSON pointer (RFC 6901), and what is wrong there. */
export interface Fault {
  /** JSON pointer into config.json, such as `/mounts/2/destination`; "" is the whole document. */
  readonly pointer: string;
  /** What is wrong, without the pointer, such as `must be an absolute path`. */
  readonly message: string;
}

/** What is known about a failure beside its code and message. */
export interface ContainerErrorDetails {
  /** The step of the container's life that failed, such as `mounts`. */
  readonly step?: string | undefined;
  /** The system call that failed, such as `move_mount`. */
  readonly syscall?: string | undefined;
  /** The errno's name, such as `ENOENT`. */
  readonly errno?: string | undefined;
  /** The path that the call was about, on the host or, for a step of init, inside. */
  readonly path?: string | undefined;
  /** The field of config.json behind it, as a JSON pointer. */
  readonly pointer?: string | undefined;
  /** What to do about it, one sentence. */
  readonly hint?: string | undefined;
  /** Every fault found, for `ConfigInvalid`. */
  readonly faults?: readonly Fault[] | undefined;
  /** What failed while hull undid what it had begun: something may have been left behind. */
  readonly undoFailures?: readonly string[] | undefined;
  /** The error that this one came of, for a log: what it is may change with each release. */
  readonly cause?: unknown;
}

/**
 * What `ContainerError.toJSON` gives: the form of the CLI's JSON log and of init's error message.
 */
export type ContainerErrorJson =
  & { readonly code: ContainerErrorCode; readonly message: string }
  & Omit<ContainerErrorDetails, "cause">;

/**
 * A failure of the library.
 *
 * @example A message that says where, what and why
 * ```ts
 * import { assert } from "@std/assert";
 * import { ContainerError } from "@hull/hull";
 *
 * const error = new ContainerError("InitFailed", "cannot mount the proc file system", {
 *   step: "mounts", syscall: "move_mount", errno: "ENOENT", path: "/proc", pointer: "/mounts/0",
 * });
 * assert(error.code === "InitFailed");
 * assert(error.message.includes("move_mount(/proc): ENOENT"));
 * ```
 */
export class ContainerError extends Error {
  /** Always `ContainerError`; it is written into logs where `instanceof` can't be asked. */
  override readonly name = "ContainerError";
  /** What went wrong, for programs to act on. */
  readonly code: ContainerErrorCode;
  /** The message as given, without step, syscall, pointer and hint. */
  readonly summary: string;
  /** The step of the container's life that failed, such as `mounts`. */
  readonly step: string | undefined;
  /** The system call that failed, such as `move_mount`. */
  readonly syscall: string | undefined;
  /** The errno's name, such as `ENOENT`. */
  readonly errno: string | undefined;
  /** The path that the call was about, on the host or, for a step of init, inside. */
  readonly path: string | undefined;
  /** The field of config.json behind the failure, as a JSON pointer (RFC 6901). */
  readonly pointer: string | undefined;
  /** What to do about it, in one sentence. */
  readonly hint: string | undefined;
  /** Every fault of the config, for `ConfigInvalid`. */
  readonly faults: readonly Fault[] | undefined;
  /** What failed while hull undid what it had begun: something may have been left behind. */
  readonly undoFailures: readonly string[] | undefined;

  /** Makes the error; its message is composed of the summary and the details, on one line. */
  constructor(code: ContainerErrorCode, summary: string, details: ContainerErrorDetails = {}) {
    const hint = hintOfErrno(details.errno) ?? details.hint;
    super(
      compose(summary, { ...details, hint }),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.summary = summary;
    this.step = details.step;
    this.syscall = details.syscall;
    this.errno = details.errno;
    this.path = details.path;
    this.pointer = details.pointer;
    this.hint = hint;
    this.faults = details.faults;
    this.undoFailures = details.undoFailures;
  }

  /** The error as plain data; fields that are not known are left out. */
  toJSON(): ContainerErrorJson {
    const all = {
      code: this.code,
      message: this.summary,
      step: this.step,
      syscall: this.syscall,
      errno: this.errno,
      path: this.path,
      pointer: this.pointer,
      hint: this.hint,
      faults: this.faults,
      undoFailures: this.undoFailures,
    };
    return Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined),
    ) as unknown as ContainerErrorJson;
  }

  /** Makes the error that `toJSON` described. The parent does so with a message from init. */
  static fromJSON(json: ContainerErrorJson): ContainerError {
    return new ContainerError(json.code, json.message, json);
  }
}

/**
 * What to do where the errno alone says it: a call that was not made at all tells nothing of what it
 * was about.
 */
export function hintOfErrno(errno: string | undefined): string | undefined {
  switch (errno) {
    case "ENOSYS":
      return "hull needs Linux 5.12 or later, and no filter around it that hides the call";
    case "EMFILE":
      return "this program may open no more files: raise its limit, as ulimit -n does";
    case "ENFILE":
      return "the host has as many open files as it may: raise the sysctl fs.file-max";
    default:
      return undefined;
  }
}

function compose(summary: string, details: ContainerErrorDetails): string {
  const parts = [summary];
  if (details.syscall !== undefined) {
    const call = details.path === undefined
      ? details.syscall
      : `${details.syscall}(${details.path})`;
    parts.push(details.errno === undefined ? call : `${call}: ${details.errno}`);
  }
  let line = parts.join(": ");
  if (details.step !== undefined) line += ` [step ${details.step}]`;
  if (details.pointer !== undefined) line += ` [config ${details.pointer}]`;
  for (const fault of details.faults ?? []) line += `; ${fault.pointer || "/"}: ${fault.message}`;
  for (const failure of details.undoFailures ?? []) line += `; to undo it failed, too: ${failure}`;
  if (details.hint !== undefined) line += `; ${details.hint}`;
  return line.replaceAll(/\s*\n\s*/g, " ");
}
