/**
 * A syscall program as an executable: an ELF file of some thousand bytes that the kernel loads in
 * place of a whole runtime. It holds the trampoline's code and the operations, and needs two or
 * three pages of memory.
 *
 * Source: elf(5).
 *
 * @module
 */

import { type Fd, writeAll } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { memoryFile, MFD_EXEC } from "../files/memory_file.ts";
import type { Operation } from "./operation.ts";
import { SyscallProgram } from "./program.ts";
import { machineCode } from "./trampoline.ts";

/** Where the two segments are loaded; fixed, since nothing else is in the address space. */
const CODE_ADDRESS = 0x1000_0000n;
const DATA_ADDRESS = 0x2000_0000n;
/** The largest page of aarch64: file offsets and addresses agree up to it. */
const PAGE = 0x1_0000n;

const ELF_HEADER = 64;
const SEGMENT_HEADER = 56;
const SEGMENTS = 3;
const ENTRY = ELF_HEADER + SEGMENTS * SEGMENT_HEADER;

/** A CPU. */
export type Arch = "x86_64" | "aarch64";

const MACHINE = { x86_64: 62, aarch64: 183 } as const;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const READ = 4;
const WRITE = 2;
const EXECUTE = 1;

const MFD_ALLOW_SEALING = 2;

/**
 * The bytes of the executable.
 *
 * @param operations the last one must end the process: there is nowhere to return to
 * @param tail where a failure goes on, which must end the process as well; see `SyscallProgram`
 */
export function programImage(
  operations: readonly Operation[],
  tail: readonly Operation[] = [],
  arch: Arch = Deno.build.arch,
): Uint8Array<ArrayBuffer> {
  const code = machineCode(arch);
  const base = dataAddress(code, arch);
  return layOut(code, new SyscallProgram(operations, tail, { base }).memory, arch);
}

/** Where the operations lie in memory. */
export function dataAddress(code: Uint8Array, arch: Arch): bigint {
  return DATA_ADDRESS + BigInt(dataOffset(code, arch));
}

function dataOffset(code: Uint8Array, arch: Arch): number {
  return align(ENTRY + entryCode(arch).length + code.length);
}

/**
 * The file of a program.
 *
 * @param room the size of the data in memory, if it is more than in the file
 */
export function layOut(
  code: Uint8Array,
  data: Uint8Array,
  arch: Arch,
  room: number = data.length,
): Uint8Array<ArrayBuffer> {
  const start = entryCode(arch);
  const dataAt = dataOffset(code, arch);
  const base = dataAddress(code, arch);
  const image = new Uint8Array(dataAt + data.length);
  const view = new DataView(image.buffer);
  writeHeader(view, MACHINE[arch]);
  writeSegment(view, 0, [PT_LOAD, READ | EXECUTE], 0, CODE_ADDRESS, dataAt);
  writeSegment(view, 1, [PT_LOAD, READ | WRITE], dataAt, base, data.length, room);
  writeSegment(view, 2, [PT_GNU_STACK, READ | WRITE], 0, 0n, 0);
  image.set(start, ENTRY);
  // The address of the operations stands in the entry's code as data.
  view.setBigUint64(ENTRY + start.length - 8, base, true);
  image.set(code, ENTRY + start.length);
  image.set(data, dataAt);
  return image;
}

/**
 * A file in memory that holds an executable; execveat(2) starts it by its fd.
 *
 * @throws {SyscallError} EACCES where the host forbids such files (sysctl vm.memfd_noexec)
 */
export function executableFile(name: string, image: Uint8Array<ArrayBuffer>): Fd {
  const file = memoryFile(name, MFD_ALLOW_SEALING | MFD_EXEC);
  writeAll(file, image);
  // A process that opens it through /proc while it runs can't change it for others that have it
  // open.
  checked("fcntl", libc.fcntl(file.number, F_ADD_SEALS, ALL_SEALS), name);
  return file;
}

const F_ADD_SEALS = 1033;
/**
 * F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_FUTURE_WRITE. F_SEAL_WRITE is not needed,
 * since nobody has the file mapped, and it may wait some milliseconds to be sure of that.
 */
const ALL_SEALS = 0x17;

/** Puts the operations' address, its last eight bytes, into the first argument's register. */
function entryCode(arch: Arch): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(
    arch === "x86_64"
      ? "48bf" + "0000000000000000" // mov rdi, imm64
      // ldr x0, #8 is followed by a jump over what it reads; but the literal must come last here:
      : "60000058" + "04000014" + "1f2003d5" + "0000000000000000", // ldr x0, #12; b #16; nop
  );
}

function align(offset: number): number {
  return (offset + 15) & ~15;
}

function writeHeader(view: DataView, machine: number): void {
  view.setUint32(0, 0x464c457f, true); // 0x7f, ELF
  view.setUint32(4, 0x00010102, true); // 64 bits, little-endian, version 1
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, CODE_ADDRESS + BigInt(ENTRY), true);
  view.setBigUint64(32, BigInt(ELF_HEADER), true);
  view.setUint16(52, ELF_HEADER, true);
  view.setUint16(54, SEGMENT_HEADER, true);
  view.setUint16(56, SEGMENTS, true);
}

function writeSegment(
  view: DataView,
  index: number,
  [type, flags]: readonly [type: number, flags: number],
  offset: number,
  address: bigint,
  size: number,
  room: number = size,
): void {
  const at = ELF_HEADER + index * SEGMENT_HEADER;
  view.setUint32(at, type, true);
  view.setUint32(at + 4, flags, true);
  view.setBigUint64(at + 8, BigInt(offset), true);
  view.setBigUint64(at + 16, address, true);
  view.setBigUint64(at + 24, address, true);
  view.setBigUint64(at + 32, BigInt(size), true);
  view.setBigUint64(at + 40, BigInt(room), true);
  view.setBigUint64(at + 48, type === PT_LOAD ? PAGE : 16n, true);
}
