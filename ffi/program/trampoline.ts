/**
 * The trampoline: a page of machine code that walks an array of operations and makes each system
 * call, in place or in a clone, with no JavaScript on the way.
 *
 * Deno has many threads, so a forked copy of it must not run JavaScript: a lock held by a thread
 * that no longer exists would hang it. What has to happen between clone3 and execve is therefore
 * written down as data ({@linkcode ./program.ts}) and walked by this code, which is position
 * independent, uses no stack inside the loop and touches nothing but the array. It serves in a
 * child that shares the parent's memory, in one with a copy of it, and in a process that goes on.
 *
 * One operation is 80 bytes, little-endian:
 *
 * | offset | field | meaning |
 * |---|---|---|
 * | 0 | i64 number | the system call; -1 fails with ENOSYS and so makes a jump or the end |
 * | 8 | i64 argument[6] | values or addresses |
 * | 56 | i64 result | stored after the call |
 * | 64 | i32 onError | on a result of -4095 to -1: 0 goes on, n jumps n operations, 0x7fffffff returns |
 * | 68 | i32 onPositive | the same on a result above 0 |
 * | 72 | u8 indirect | bit k: argument k is the address of its value |
 * | 73 | u8 tries | how often the call is made again on EAGAIN; counted down |
 * | 74 | u16 | zero |
 * | 76 | i32 tolerated | an errno that counts as success |
 *
 * The code returns the offset in bytes of the operation that it made last.
 *
 * @module
 */

import { checked, libc } from "../c/libc.ts";
import { CODE as AARCH64 } from "./trampoline_aarch64.ts";
import { CODE as X86_64 } from "./trampoline_x86_64.ts";

const PROT_READ = 1n;
const PROT_WRITE = 2n;
const PROT_EXEC = 4n;
const MAP_PRIVATE = 0x02n;
const MAP_ANONYMOUS = 0x20n;
const PAGE = 65_536n; // the largest page of aarch64; mmap rounds up anyway

/** The size of one operation in bytes. */
export const OPERATION_SIZE = 80;

/** Where in an operation its result stands, in bytes. */
export const RESULT_OFFSET = 56;

/** The jump that returns from the trampoline. */
export const RETURN = 0x7fffffff;

/** The machine code for a CPU. */
export function machineCode(arch: "x86_64" | "aarch64"): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(arch === "aarch64" ? AARCH64 : X86_64);
}

/** Puts the code into a page of its own, which is never writable and executable at once. */
function install(): Deno.PointerObject {
  const code = machineCode(Deno.build.arch);
  const made = libc.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  const address = BigInt(checked("mmap", made));
  const page = Deno.UnsafePointer.create(address) as Deno.PointerObject;
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(page, code.length)).set(code);
  checked("mprotect", libc.mprotect(address, PAGE, PROT_READ | PROT_EXEC));
  return page;
}

const page = install();
const inline = new Deno.UnsafeFnPointer(
  page as Deno.PointerObject<{ parameters: ["buffer"]; result: "i64" }>,
  { parameters: ["buffer"], result: "i64" },
);
const pooled = new Deno.UnsafeFnPointer(
  page as Deno.PointerObject<{ parameters: ["buffer"]; result: "i64"; nonblocking: true }>,
  { parameters: ["buffer"], result: "i64", nonblocking: true },
);

/** Walks the operations on the calling thread; gives the offset of the last one made. */
export function walk(operations: Uint8Array<ArrayBuffer>): number {
  return Number(inline.call(operations));
}

/** Walks the operations on a thread of Deno's pool, while the event loop goes on. */
export async function walkOffThread(operations: Uint8Array<ArrayBuffer>): Promise<number> {
  return Number(await pooled.call(operations));
}
