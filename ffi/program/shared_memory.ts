/**
 * Memory that several processes share: a file in memory, mapped in this program and, through its fd
 * or over a clone, in others. A mapping ends with execve.
 *
 * Source: mmap(2), memfd_create(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import type { Fd } from "../files/file.ts";
import { memoryFile } from "../files/memory_file.ts";
import type { Operation } from "./operation.ts";
import { SyscallProgram } from "./program.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FIXED_NOREPLACE = 0x10_0000;

/** The call that maps `size` bytes of a file of {@linkcode SharedMemory}; `at` 0 is anywhere. */
export function mapShared(fd: Operation["args"][number], size: number, at = 0n): Operation {
  const flags = MAP_SHARED | (at === 0n ? 0 : MAP_FIXED_NOREPLACE);
  return { syscall: "mmap", args: [at, size, PROT_READ | PROT_WRITE, flags, fd, 0] };
}

/** Shared memory, mapped in this program. */
export class SharedMemory implements Disposable {
  /** The file behind it. */
  readonly file: Fd;
  /** Where it is mapped. */
  readonly address: bigint;
  /** In bytes. */
  readonly size: number;

  /**
   * Maps a file.
   *
   * @throws {SyscallError}
   */
  constructor(file: Fd, size: number) {
    this.file = file;
    this.size = size;
    const program = new SyscallProgram([mapShared(file.number, size)]);
    program.run();
    this.address = BigInt(succeeded("mmap", program.result(0)));
  }

  /**
   * Makes a file of zeros in memory and maps it.
   *
   * @param name by which people find it in /proc/PID/maps
   * @throws {SyscallError}
   */
  static create(name: string, size: number): SharedMemory {
    const file = memoryFile(name);
    try {
      const program = new SyscallProgram([{ syscall: "ftruncate", args: [file.number, size] }]);
      program.run();
      succeeded("ftruncate", program.result(0));
      return new SharedMemory(file, size);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** What is in it now. */
  read(): DataView {
    const bytes = new Uint8Array(this.size);
    const pointer = Deno.UnsafePointer.create(this.address) as Deno.PointerObject<unknown>;
    new Deno.UnsafePointerView(pointer).copyInto(bytes);
    return new DataView(bytes.buffer);
  }

  /** Unmaps it and closes its file. */
  [Symbol.dispose](): void {
    if (!this.file.isOpen) return;
    new SyscallProgram([{ syscall: "munmap", args: [this.address, this.size] }]).run();
    this.file.close();
  }
}

function succeeded(syscall: string, result: number): number {
  if (result < 0) throw new SyscallError(syscall, -result);
  return result;
}
