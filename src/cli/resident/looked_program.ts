/**
 * A program that looks at processes, one after another.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { AT_FDCWD, Fd, O_DIRECTORY, O_PATH, openAt, readAll } from "../../../ffi/files/file.ts";
import type { HeldIn, Operation } from "../../../ffi/program/operation.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { opening, space } from "./look_calls.ts";

const encoder = new TextEncoder();

/** Who is looked at: the path of its folder, and two numbers. */
const WHO = space("who", 48);
const PATH_SIZE = 32;
/** The process's number. */
export const PID: HeldIn = { heldIn: WHO, offset: PATH_SIZE };
/** The connection to it. */
export const SOCKET: HeldIn = { heldIn: WHO, offset: PATH_SIZE + 8 };

/** Such a program. */
export class LookProgram {
  readonly #program: SyscallProgram;

  /** @param operations what it does with the process's folder open */
  constructor(operations: readonly Operation[]) {
    this.#program = new SyscallProgram([
      opening("proc", AT_FDCWD, WHO, O_PATH | O_DIRECTORY),
      ...operations,
    ]);
  }

  /**
   * Makes its calls.
   *
   * @returns the process's folder
   * @throws {SyscallError} ENOENT if there is no such process
   */
  run(pid: number, socket = -1): Fd {
    const who = this.#program.output(WHO.name);
    encoder.encodeInto(`/proc/${pid}\0`, who);
    const numbers = new DataView(who.buffer, who.byteOffset + PATH_SIZE);
    numbers.setInt32(0, pid, true);
    numbers.setInt32(8, socket, true);
    this.#program.run();
    return new Fd(this.required("proc"));
  }

  /** The result of a call. */
  result(label: string): number {
    return this.#program.result(label);
  }

  /**
   * The result of a call that must not fail.
   *
   * @throws {SyscallError}
   */
  required(label: string): number {
    const result = this.#program.result(label);
    if (result >= 0) return result;
    const call = this.#program.operations.find((operation) => operation.label === label);
    throw new SyscallError(call?.syscall ?? "", -result, label);
  }

  /** What the kernel told, up to the next look. */
  output(name: string): Uint8Array {
    return this.#program.output(name);
  }

  /** A part of it that stays. */
  copy(name: string, size: number): Uint8Array<ArrayBuffer> {
    return this.#program.output(name).slice(0, size) as Uint8Array<ArrayBuffer>;
  }

  /**
   * A file that was read; what is longer than its room is read again.
   *
   * @throws {SyscallError} ESRCH, ENOENT if the process has ended since
   */
  file(proc: Fd, name: string, size: number): Uint8Array<ArrayBuffer> {
    this.required(name);
    const length = this.required(`${name}.read`);
    if (length < size) return this.copy(`${name}.bytes`, length);
    using file = openAt(proc, name);
    return readAll(file);
  }
}
