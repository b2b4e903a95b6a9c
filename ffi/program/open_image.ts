/**
 * An executable that can be told to do more than it holds.
 *
 * @module
 */

import type { Argument, Operation } from "./operation.ts";
import { SyscallProgram } from "./program.ts";
import { type Arch, dataAddress, layOut } from "./program_image.ts";
import { machineCode } from "./trampoline.ts";

/** An executable that has its caller's words, and room for programs that it gets while it runs. */
export interface OpenImage {
  /** The bytes of the executable. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where its first operation lies in memory. */
  readonly base: bigint;
  /** Where it has something that an operation points to. */
  readonly placeOf: (argument: Argument) => bigint;
}

/**
 * An executable that can be told to do more than it holds.
 *
 * @param operations as of {@linkcode programImage}, for the address of the first one. The first two
 *   are not made: their results are the addresses of the words and of the environment with which it
 *   was called, for execve(2)
 * @param room how many bytes it has in memory from its first operation on, zero behind the last
 */
export function openImage(
  operations: (base: bigint) => readonly Operation[],
  room: number,
  outside: ReadonlyMap<string, number>,
  arch: Arch = Deno.build.arch,
): OpenImage {
  const code = Uint8Array.of(...Uint8Array.fromHex(KEEP_WORDS[arch]), ...machineCode(arch));
  const base = dataAddress(code, arch);
  const program = new SyscallProgram(operations(base), [], { base, outside });
  return {
    bytes: layOut(code, program.memory, arch, room),
    base,
    placeOf: (argument) => base + BigInt(program.offset(argument)),
  };
}

/**
 * Keeps the addresses of the caller's words and environment, which lie on the stack behind their
 * number, as the results of the first two operations, and begins with the third.
 */
const KEEP_WORDS = {
  x86_64: "488d442408" + // lea rax, [rsp+8] ; the words
    "48894738" + // mov [rdi+56], rax
    "488b0c24" + // mov rcx, [rsp] ; how many they are
    "488d44cc10" + // lea rax, [rsp+rcx*8+16] ; behind them and a zero: the environment
    "48898788000000" + // mov [rdi+136], rax
    "4881c7a0000000", // add rdi, 160
  aarch64: "e1230091" + // add x1, sp, #8
    "011c00f9" + // str x1, [x0, #56]
    "e20340f9" + // ldr x2, [sp]
    "210c028b" + // add x1, x1, x2, lsl #3
    "21200091" + // add x1, x1, #8
    "014400f9" + // str x1, [x0, #136]
    "00800291", // add x0, x0, #160
} as const;
