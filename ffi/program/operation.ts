/**
 * One system call as data: its arguments, and where a program goes on behind it.
 *
 * @module
 */

import type { SyscallName } from "../c/syscalls.ts";

/** The result of an earlier operation, by its label: an fd that it opened, say. */
export interface ResultOf {
  /** The label of that operation. */
  readonly result: string;
}

/** The address of an array of 64-bit words, each an argument of its own: an argv, an iovec. */
export interface Words {
  /** In their order. */
  readonly words: readonly Argument[];
}

/** The address of `space` zero bytes that the kernel fills; read them with `output(name)`. */
export interface Space {
  /** How many bytes. */
  readonly space: number;
  /** A name that no other space of the program has. */
  readonly name: string;
}

/** An address inside a space: a field of what the kernel put there. */
export interface FieldOf {
  /** The space that it lies in. */
  readonly field: Space;
  /** In bytes from its start. */
  readonly offset: number;
}

/** The value of 64 bits that the kernel or another process has put into a space by then. */
export interface HeldIn {
  /** The space that holds it. */
  readonly heldIn: Space;
  /** In bytes from its start. */
  readonly offset: number;
}

/** The address at which the result of an operation is kept: see {@linkcode ResultOf}. */
export interface PlaceOf {
  /** The label of that operation. */
  readonly placeOf: string;
}

/** The program itself: what a child with memory of its own writes to a pipe as its report. */
export interface Self {
  /**
   * Where it begins in memory; how many bytes its operations have; or how many it has with all that
   * they point to.
   */
  readonly self: "address" | "length" | "size";
}

/**
 * No value. The trampoline reads it at address 0, which ends the process by SIGSEGV before any call
 * is made. It stands where a process must not go on and a filter may deny exit_group.
 */
export interface Crash {
  /** Always true; it tells this argument from the others. */
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
  | Crash;

/**
 * Where the program goes on: the next operation, the failure's tail, or an operation by label. With
 * `fails` the operations at the label find out more about the failure, and the failure's tail
 * follows them.
 */
export type Onward = "continue" | "fail" | { readonly jump: string; readonly fails?: true };

/** One system call of a program. `jump` is no call: the program goes on at `onError`. */
export interface Operation {
  /** Which call, by the kernel's name. */
  readonly syscall: SyscallName | "jump";
  /** Its arguments in their order; those that are left out are 0. */
  readonly args: readonly Argument[];
  /** A name by which other operations refer to this one. */
  readonly label?: string | undefined;
  /** What follows an error; `fail` unless said otherwise, `return` leaves the program. */
  readonly onError?: Onward | "return" | undefined;
  /**
   * What follows a result above 0; `continue` unless said otherwise, `return` leaves the program.
   */
  readonly onPositive?: Onward | "return" | undefined;
  /** The name of one errno that counts as success. */
  readonly tolerated?: string | undefined;
}
