/**
 * What a step of the plan yields: system calls as data, each with its step, its reason and the
 * field of config.json that it comes from; and, rarely, work that needs TypeScript.
 *
 * @module
 */

import type { Argument, Onward, Operation } from "../../ffi/program/operation.ts";

/** The steps of a birth: from the clone to init on the host's side, then init's own; and `join`. */
export type StepName =
  | "clone"
  | "join"
  | "stdio"
  | "seal"
  | "reexec"
  | "namespaces"
  | "network"
  | "propagation"
  | "sources"
  | "identity"
  | "rootfs"
  | "mounts"
  | "devices"
  | "hooks"
  | "pivot"
  | "terminal"
  | "hostname"
  | "sysctl"
  | "masks"
  | "labels"
  | "cgroups"
  | "limits"
  | "scheduling"
  | "memory"
  | "user"
  | "seccomp"
  | "ready"
  | "exec";

/** Why an operation is there. */
export interface Reason {
  /** In a few words, for a person: `mount proc`. */
  readonly reason: string;
  /** The path that it is about, as the container or the host will see it. */
  readonly path?: string | undefined;
  /** The field of config.json that it comes from, as a JSON pointer. */
  readonly pointer?: string | undefined;
  /** What to do when it fails. */
  readonly hint?: string | undefined;
}

/** A system call of the plan. */
export interface PlannedOperation extends Operation, Reason {
  /** The step that it belongs to; a failure names it. */
  readonly step: StepName;
  /**
   * For an openat2: its path with the links resolved that are known. See init/operations/walk.ts.
   */
  readonly components?: readonly string[] | undefined;
}

/** Work between two programs: copy what the image has at `path` into the new file system. */
export interface CopyUp extends Reason {
  /** The step that it belongs to; a failure names it. */
  readonly step: StepName;
  /** Tells this work from {@linkcode MakePlace}. */
  readonly work: "copyup";
  /** The label of the operation that opened the folder to copy from. */
  readonly from: string;
  /** The label of the operation whose fd is the new file system's root. */
  readonly to: string;
}

/**
 * Opens a place inside the container's root by its name, and makes it where it is missing. A system
 * call tries to open it first; only if the place must be made, or can't be opened so, TypeScript
 * does it.
 */
export interface MakePlace extends Reason {
  /** The step that it belongs to; a failure names it. */
  readonly step: StepName;
  /** Tells this work from {@linkcode CopyUp}. */
  readonly work: "place";
  /** The label of the operation that opened the root. */
  readonly root: string;
  /** The place's path, as config.json has it. */
  readonly asked: string;
  /** The label by which later operations refer to the fd of the opened place. */
  readonly label: string;
  /** What is made at its end; or the label of a file whose kind it gets. */
  readonly end: "directory" | "file" | { readonly as: string };
}

/** Work that needs TypeScript. */
export type Work = CopyUp | MakePlace;

/** One line of the plan. */
export type PlanItem = PlannedOperation | Work;

/** The call that becomes another program. */
export interface Execve extends PlannedOperation {
  readonly syscall: "execve";
}

/** A plan that ends in an execve, so that nothing can run past its end. */
export type WholePlan = readonly [...PlanItem[], Execve];

/** What a step may give a call beside its arguments. */
export interface CallOptions {
  readonly label?: string | undefined;
  readonly onError?: Onward | "return" | undefined;
  readonly onPositive?: Onward | "return" | undefined;
  readonly tolerated?: string | undefined;
  /** See {@linkcode PlannedOperation}. */
  readonly components?: readonly string[] | undefined;
}

/** The result of an earlier operation as an argument. */
export function result(label: string): Argument {
  return { result: label };
}

const NONE: CallOptions = {};

/** Collects the operations of one step, each with the reason that was named last. */
export class StepBuilder {
  /** What was collected. */
  readonly items: PlanItem[] = [];
  readonly #step: StepName;
  #reason: Reason = { reason: "" };

  /** Starts a step. */
  constructor(step: StepName) {
    this.#step = step;
  }

  /** Names the reason of the calls that follow. */
  because(reason: string, path?: string, pointer?: string, hint?: string): this {
    this.#reason = { reason, path, pointer, hint };
    return this;
  }

  /** Adds a call. */
  call(
    syscall: Operation["syscall"],
    args: readonly Argument[],
    options: CallOptions = NONE,
  ): this {
    this.#add(syscall, args, options);
    return this;
  }

  /** Adds calls that close what earlier ones opened. */
  close(...labels: readonly string[]): this {
    for (const label of labels) this.call("close", [result(label)], { onError: "continue" });
    return this;
  }

  /** Adds a jump to the operation labelled `to`. */
  jump(to: string): this {
    this.#add("jump", [], { onError: { jump: to } });
    return this;
  }

  /** Adds a wait for a byte of a pipe, behind which the plan goes on at `to`; else it ends there. */
  awaitByte(fd: number, to: string): this {
    return this.call("read", [fd, new Uint8Array(1), 1], { onPositive: { jump: to } })
      .call("exit_group", [1]);
  }

  /** Adds a place to jump to: a call that changes nothing. */
  land(label: string): this {
    return this.call("getpid", [], { label });
  }

  /** Adds work that needs TypeScript. */
  copyUp(from: string, to: string): this {
    this.items.push({ step: this.#step, ...this.#reason, work: "copyup", from, to });
    return this;
  }

  /** Opens a place in the root by its name at its turn, and makes it if it is missing. */
  place(root: string, asked: string, label: string, end: MakePlace["end"]): this {
    this.items.push({ step: this.#step, ...this.#reason, work: "place", root, asked, label, end });
    return this;
  }

  /**
   * All objects have the same fields in the same order, which makes reading hundreds of them fast.
   */
  #add(syscall: Operation["syscall"], args: readonly Argument[], options: CallOptions): void {
    const { reason, path, pointer, hint } = this.#reason;
    const { label, onError, onPositive, tolerated, components } = options;
    this.items.push({
      step: this.#step,
      reason,
      path,
      pointer,
      hint,
      syscall,
      args,
      label,
      onError,
      onPositive,
      tolerated,
      components,
    });
  }
}
