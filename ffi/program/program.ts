/**
 * A syscall program: operations written down as data, laid out in one buffer with all that they
 * point to, and walked by the trampoline.
 *
 * @module
 */

import { errnoNumber } from "../c/errno.ts";
import { addressOf, cStrings } from "../c/memory.ts";
import { OPENAT2_TRIES } from "../files/path.ts";
import { type SyscallName, syscallNumber } from "../c/syscalls.ts";
import { OPERATION_SIZE, RESULT_OFFSET, RETURN, walk, walkOffThread } from "./trampoline.ts";

/** The result of an earlier operation, by its label: an fd that it opened, say. */
export interface ResultOf {
  readonly result: string;
}

/** The address of an array of 64-bit words, each an argument of its own: an argv, an iovec. */
export interface Words {
  readonly words: readonly Argument[];
}

/** The address of `space` zero bytes that the kernel fills; read them with `output(name)`. */
export interface Space {
  readonly space: number;
  readonly name: string;
}

/** An address inside a space: a field of what the kernel put there. */
export interface FieldOf {
  readonly field: Space;
  /** In bytes from its start. */
  readonly offset: number;
}

/** The value of 64 bits that the kernel or another process has put into a space by then. */
export interface HeldIn {
  readonly heldIn: Space;
  /** In bytes from its start. */
  readonly offset: number;
}

/** The address at which the result of an operation is kept: see {@linkcode ResultOf}. */
export interface PlaceOf {
  readonly placeOf: string;
}

/** The program itself: what a child with memory of its own writes to a pipe as its report. */
export interface Self {
  readonly self: "address" | "length";
}

/**
 * No value: the trampoline reads it at address 0, which ends the process by SIGSEGV before any call
 * is made. For a place that nothing may go on from, where a filter could deny exit_group.
 */
export interface Fault {
  readonly fault: true;
}

/**
 * An argument of a system call: a number; a string or bytes, passed by address; or one of the
 * above.
 */
export type Argument =
  | number
  | bigint
  | string
  | Uint8Array
  | ResultOf
  | Words
  | Space
  | FieldOf
  | HeldIn
  | PlaceOf
  | Self
  | Fault;

/**
 * Where the program goes on: the next operation, the failure's tail, or an operation by label. With
 * `fails` the jump leads to what can still be found out, and to the failure's tail behind it.
 */
export type Onward = "continue" | "fail" | { readonly jump: string; readonly fails?: true };

/** One system call of a program. `jump` is no call: the program goes on at `onError`. */
export interface Operation {
  readonly syscall: SyscallName | "jump";
  readonly args: readonly Argument[];
  /** A name by which other operations refer to this one. */
  readonly label?: string | undefined;
  /** What follows an error; `fail` unless said otherwise, `return` leaves the program. */
  readonly onError?: Onward | "return" | undefined;
  /** What follows a result above 0; `continue` unless said otherwise, `return` leaves the program. */
  readonly onPositive?: Onward | "return" | undefined;
  /** The name of one errno that counts as success. */
  readonly tolerated?: string | undefined;
}

/** The operation at which a program stopped. */
export interface Failure {
  readonly index: number;
  readonly errno: number;
}

const ARGUMENTS = 8;
const ON_ERROR = 64;
const ON_POSITIVE = 68;
const INDIRECT = 72;
const TRIES = 73;
const TOLERATED = 76;
const MAX_ERRNO = 4095n;

/**
 * A program, built once and run once. With a tail it has no other end than what its operations make
 * themselves: who gets past the last of them is at the tail as well, so that no child goes on to
 * where nothing is.
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

  /**
   * Lays the program out.
   *
   * @param operations what is to be made, in order
   * @param tail where a failure goes on, and what gets past the last operation; without one the
   *   program returns
   * @param base the address that the program will have; without one where it is now
   * @throws {RangeError} if a label is unknown or given twice
   */
  constructor(
    operations: readonly Operation[],
    tail: readonly Operation[] = [],
    base?: bigint,
  ) {
    const end: Operation = { syscall: "jump", args: [] };
    const all = [...operations, end, ...tail, end];
    this.operations = all;
    all.forEach(({ label }, index) => {
      if (label === undefined) return;
      if (this.#labels.has(label)) throw new RangeError(`two operations are labelled ${label}`);
      this.#labels.set(label, index);
    });
    const layout = new Layout(all.length * OPERATION_SIZE);
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
    // The memory is all zero so far, which goes on.
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

  /** How many operations on it goes; 0 is the next one. */
  #onward(to: Onward | "return", index: number, fail: number): number {
    if (typeof to === "object") return this.#index(to.jump) - index;
    return to === "return" ? RETURN : to === "fail" ? fail : 0;
  }

  #index(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new RangeError(`no operation is labelled ${label}`);
    return index;
  }
}

/**
 * The first operation whose result in a program's memory is an error that ends it.
 *
 * @param operations the program's, of which only `onError` and `tolerated` count
 * @param memory the program's memory, or a copy that a child wrote as its report
 */
export function findFailure(
  operations: readonly Pick<Operation, "syscall" | "onError" | "tolerated">[],
  memory: DataView,
): Failure | undefined {
  for (const [index, { syscall, onError, tolerated }] of operations.entries()) {
    if (syscall === "jump" || onError === "continue") continue;
    if (typeof onError === "object" && onError.fails !== true) continue;
    const result = memory.getBigInt64(index * OPERATION_SIZE + RESULT_OFFSET, true);
    if (result >= 0n || result < -MAX_ERRNO) continue;
    const errno = Number(-result);
    if (tolerated !== undefined && errnoNumber(tolerated) === errno) continue;
    return { index, errno };
  }
  return undefined;
}

/** Gives each thing that is passed by address its place behind the operations, strings last. */
class Layout {
  readonly operationsSize: number;
  readonly #offsets = new Map<Argument, number>();
  readonly #bytes: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  readonly #texts = new Set<string>();
  #size: number;

  constructor(operationsSize: number) {
    this.operationsSize = operationsSize;
    this.#size = operationsSize;
  }

  addText(text: string): void {
    this.#texts.add(text);
  }

  add(argument: Argument): void {
    if (typeof argument === "string") this.addText(argument);
    else if (typeof argument !== "object" || this.#offsets.has(argument)) return;
    else if (argument instanceof Uint8Array) {
      this.#bytes.push({ offset: this.#size, bytes: argument });
      this.#place(argument, argument.length);
    } else if ("space" in argument) this.#place(argument, argument.space);
    else if ("field" in argument) this.add(argument.field);
    else if ("heldIn" in argument) this.add(argument.heldIn);
    else if ("words" in argument) {
      for (const word of argument.words) this.add(word);
      this.#place(argument, 8 * argument.words.length);
    }
  }

  offset(argument: Argument): number {
    return this.#offsets.get(argument) ?? 0;
  }

  /** Each string is put down once; all of them are encoded together. */
  allocate(): Uint8Array<ArrayBuffer> {
    const texts = cStrings([...this.#texts]);
    const all = new Uint8Array(this.#size + texts.length);
    for (const { offset, bytes } of this.#bytes) all.set(bytes, offset);
    all.set(texts, this.#size);
    let offset = this.#size;
    for (const text of this.#texts) {
      this.#offsets.set(text, offset);
      offset = all.indexOf(0, offset) + 1;
    }
    return all;
  }

  #place(argument: Argument, size: number): void {
    this.#offsets.set(argument, this.#size);
    this.#size += (size + 7) & ~7;
  }
}

/** Whether the value is read from memory at the time of the call; a result's always is. */
function isRead(argument: object): boolean {
  return "heldIn" in argument || "fault" in argument;
}

/** Turns arguments into the 64-bit words of the operations. */
class Encoder {
  readonly #base: number;
  readonly #halves: Int32Array;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #layout: Layout;
  readonly #labels: ReadonlyMap<string, number>;
  readonly #outputs: Map<string, Uint8Array>;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    base: number,
    layout: Layout,
    labels: ReadonlyMap<string, number>,
    outputs: Map<string, Uint8Array>,
  ) {
    this.#base = base;
    this.#halves = new Int32Array(bytes.buffer, 0, bytes.length >> 2);
    this.#bytes = bytes;
    this.#layout = layout;
    this.#labels = labels;
    this.#outputs = outputs;
  }

  /** Writes 64 bits over zeros; most are small numbers, for which no BigInt is made. */
  set(at: number, word: number | bigint): void {
    const half = at >> 2;
    if (typeof word === "bigint") {
      this.#halves[half] = Number(BigInt.asIntN(32, word));
      this.#halves[half + 1] = Number(BigInt.asIntN(32, word >> 32n));
      return;
    }
    this.#halves[half] = word; // modulo 2^32
    if (word < 0 || word >= 2 ** 32) this.#halves[half + 1] = Math.floor(word / 2 ** 32);
  }

  /** Writes an operation's arguments; the bits say which are addresses of their value. */
  setArguments(at: number, args: readonly Argument[]): number {
    let indirect = 0;
    for (let k = 0; k < args.length; k++) {
      const argument = args[k] as Argument;
      if (typeof argument === "number") {
        if (argument !== 0) this.set(at + 8 * k, argument); // over zeros
      } else if (typeof argument === "object" && "result" in argument) {
        indirect |= 1 << k;
        this.set(at + 8 * k, this.#resultAt(argument.result));
      } else {
        if (typeof argument === "object" && isRead(argument)) indirect |= 1 << k;
        this.set(at + 8 * k, this.#word(argument));
      }
    }
    return indirect;
  }

  /** The address of an operation's result. */
  #resultAt(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new RangeError(`no operation is labelled ${label}`);
    return this.#base + index * OPERATION_SIZE + RESULT_OFFSET;
  }

  #word(argument: Argument): number | bigint {
    if (typeof argument === "string") return this.#base + this.#layout.offset(argument);
    if (typeof argument === "number" || typeof argument === "bigint") return argument;
    if (argument instanceof Uint8Array) return this.#base + this.#layout.offset(argument);
    if ("result" in argument) return this.#resultAt(argument.result);
    if ("fault" in argument) return 0;
    if ("self" in argument) {
      return argument.self === "address" ? this.#base : this.#layout.operationsSize;
    }
    if ("field" in argument) return Number(this.#word(argument.field)) + argument.offset;
    if ("heldIn" in argument) return Number(this.#word(argument.heldIn)) + argument.offset;
    if ("placeOf" in argument) return this.#resultAt(argument.placeOf);
    const offset = this.#layout.offset(argument);
    if ("words" in argument) this.#fill(argument, offset);
    else this.#outputs.set(argument.name, this.#bytes.subarray(offset, offset + argument.space));
    return this.#base + offset;
  }

  #fill({ words }: Words, offset: number): void {
    words.forEach((word, k) => this.set(offset + 8 * k, this.#word(word)));
  }
}
