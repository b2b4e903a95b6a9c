/**
 * A syscall program: operations written down as data, laid out in one buffer with all that they
 * point to, and walked by the trampoline.
 *
 * @module
 */

import { errnoNumber } from "../c/errno.ts";
import { addressOf } from "../c/memory.ts";
import { OPENAT2_TRIES } from "../files/path.ts";
import { syscallNumber } from "../c/syscalls.ts";
import { OPERATION_SIZE, RESULT_OFFSET, RETURN, walk, walkOffThread } from "./trampoline.ts";
import { Encoder } from "./encoder.ts";
import { type Failure, findFailure } from "./failure.ts";
import { Layout } from "./layout.ts";
import type { Argument, Onward, Operation } from "./operation.ts";

/** Where the parts of an operation lie, in bytes from its start. */
const ARGUMENTS = 8;
const ON_ERROR = 64;
const ON_POSITIVE = 68;
const INDIRECT = 72;
const TRIES = 73;
const TOLERATED = 76;

/** Where a program is walked, if not in this program's memory. */
export interface ProgramPlace {
  /** The address that it will have. */
  readonly base?: bigint | undefined;
  /**
   * Operations of another program there to which this one may jump, or whose results it uses: by
   * label how many operations they lie behind this one's first; before it, a negative number.
   */
  readonly outside?: ReadonlyMap<string, number> | undefined;
}

/**
 * A program, built once and run once. A program with a tail ends only by its own operations: what
 * gets past the last of them goes on at the tail as well, so that no child runs into memory that
 * holds nothing.
 *
 * @example Two calls, the second with the result of the first
 * ```ts
 * import { assert } from "@std/assert";
 * import { SyscallProgram } from "./program.ts";
 *
 * const program = new SyscallProgram([
 *   { label: "null", syscall: "openat", args: [-100, "/dev/null", 0, 0] },
 *   { syscall: "close", args: [{ result: "null" }] },
 * ]);
 * program.run();
 * assert(program.failure() === undefined);
 * assert(program.result(0) > 2);
 * ```
 */
export class SyscallProgram {
  /** The operations, the tail's last. */
  readonly operations: readonly Operation[];
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #outputs = new Map<string, Uint8Array>();
  readonly #labels = new Map<string, number>();
  readonly #layout: Layout;

  /**
   * Lays the program out.
   *
   * @param operations what is to be made, in order
   * @param tail where a failure goes on, and what gets past the last operation; without one the
   *   program returns
   * @param place where the program will be walked; without one where it is now
   * @throws {RangeError} if a label is unknown or given twice, or an operation jumps to itself
   */
  constructor(
    operations: readonly Operation[],
    tail: readonly Operation[] = [],
    { base, outside }: ProgramPlace = {},
  ) {
    const end: Operation = { syscall: "jump", args: [] };
    const all = [...operations, end, ...tail, end];
    this.operations = all;
    all.forEach(({ label }, index) => {
      if (label === undefined) return;
      if (this.#labels.has(label)) throw new RangeError(`two operations are labelled ${label}`);
      this.#labels.set(label, index);
    });
    outside?.forEach((index, label) => this.#labels.set(label, index));
    const layout = this.#layout = new Layout(all.length * OPERATION_SIZE);
    for (const { args } of all) {
      for (const argument of args) {
        if (typeof argument === "string") layout.addText(argument);
        else if (typeof argument === "object" && !("result" in argument)) layout.add(argument);
      }
    }
    this.#bytes = layout.allocate();
    this.#view = new DataView(this.#bytes.buffer);
    const address = Number(base ?? addressOf(this.#bytes)); // user space ends below 2^53
    const encoder = new Encoder(this.#bytes, address, layout, this.#labels, this.#outputs);
    const hasTail = tail.length > 0;
    const failAt = hasTail ? operations.length + 1 : undefined;
    all.forEach((operation, index) => {
      const returns = index === all.length - 1 || (index === operations.length && !hasTail);
      this.#encode(operation, index, encoder, returns ? undefined : failAt);
    });
  }

  /** The program as it is laid out, with what it points to. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Runs the program on the calling thread, in place or up to the clone that it makes. */
  run(): void {
    walk(this.#bytes);
  }

  /** Runs the program on a pool thread while the event loop goes on. */
  async runOffThread(): Promise<void> {
    await walkOffThread(this.#bytes);
  }

  /** The result of an operation by index or label; below 0 it is a negated errno. */
  result(at: number | string): number {
    const index = typeof at === "number" ? at : this.#index(at);
    return Number(this.#view.getBigInt64(index * OPERATION_SIZE + RESULT_OFFSET, true));
  }

  /** What the kernel put into a {@linkcode Space}. */
  output(name: string): Uint8Array {
    const bytes = this.#outputs.get(name);
    if (bytes === undefined) throw new RangeError(`the program has no space named ${name}`);
    return bytes;
  }

  /** Where it has something that an operation points to, in bytes from its start. */
  offset(argument: Argument): number {
    return this.#layout.offset(argument);
  }

  /** The operation whose error ended the program, or undefined if none did. */
  failure(): Failure | undefined {
    return findFailure(this.operations, this.#view);
  }

  #encode(
    { syscall, args, onError, onPositive, tolerated }: Operation,
    index: number,
    encoder: Encoder,
    failAt: number | undefined,
  ): void {
    const at = index * OPERATION_SIZE;
    encoder.set(at, syscall === "jump" ? -1 : syscallNumber(syscall));
    const indirect = encoder.setArguments(at + ARGUMENTS, args);
    const fail = failAt === undefined ? RETURN : failAt - index;
    // The memory is all zero so far, and 0 means: go on.
    if (onError !== "continue") {
      const to = onError === undefined ? fail : this.#onward(onError, index, fail);
      this.#view.setInt32(at + ON_ERROR, to, true);
    }
    if (onPositive !== undefined) {
      this.#view.setInt32(at + ON_POSITIVE, this.#onward(onPositive, index, fail), true);
    }
    if (indirect !== 0) this.#view.setUint8(at + INDIRECT, indirect);
    if (syscall === "openat2") this.#view.setUint8(at + TRIES, OPENAT2_TRIES);
    if (tolerated !== undefined) {
      this.#view.setInt32(at + TOLERATED, errnoNumber(tolerated), true);
    }
  }

  /** How many operations the program jumps ahead; 0 is the next one. */
  #onward(to: Onward | "return", index: number, fail: number): number {
    if (typeof to === "object") {
      const onward = this.#index(to.jump) - index;
      if (onward === 0) throw new RangeError(`the operation labelled ${to.jump} jumps to itself`);
      return onward;
    }
    return to === "return" ? RETURN : to === "fail" ? fail : 0;
  }

  #index(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new RangeError(`no operation is labelled ${label}`);
    return index;
  }
}
