/**
 * libseccomp, which compiles rules about system calls to a BPF program, and seccomp(2), as far as
 * it says what the kernel supports.
 *
 * The library is opened only when it is needed: a host without it can still run containers that
 * have no filter.
 *
 * Source: seccomp(2), seccomp_init(3) and its siblings, linux/seccomp.h.
 *
 * @module
 */

import { EFAULT, EINVAL, SyscallError } from "../c/errno.ts";
import { readAll } from "../files/file.ts";
import { UNCOMPILED, UNREAD } from "../c/libc.ts";
import { cString } from "../c/memory.ts";
import { memoryFile } from "../files/memory_file.ts";
import { rewind } from "../files/offset.ts";
import { SyscallProgram } from "../program/program.ts";
import { SECCOMP_SET_MODE_FILTER } from "./seccomp_flags.ts";

/** What a filter answers; the low 16 bits of ERRNO and TRACE carry a number. */
export const SECCOMP_RET = {
  KILL_PROCESS: 0x80000000,
  KILL_THREAD: 0x00000000,
  TRAP: 0x00030000,
  ERRNO: 0x00050000,
  NOTIFY: 0x7fc00000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
} as const;

/** The most instructions that the kernel takes: BPF_MAXINSNS. */
export const MOST_INSTRUCTIONS = 4096;

/** How libseccomp compares an argument: enum scmp_compare. */
export const SCMP_CMP = { NE: 1, LT: 2, LE: 3, EQ: 4, GE: 5, GT: 6, MASKED_EQ: 7 } as const;

/** SCMP_FLTATR_CTL_OPTIMIZE: 2 makes a binary tree of the system calls (libseccomp 2.5). */
export const SCMP_FLTATR_CTL_OPTIMIZE = 8;

/** libseccomp's name for x32 calls, which the kernel sees as x86_64 with bit 30 in the number. */
export const SCMP_ARCH_X32 = 0x4000003e;

/** The library's file. */
export const LIBSECCOMP = "libseccomp.so.2";

/** Uncompiled, as in libc.ts: most starts only ask which library it is. */
const SYMBOLS = {
  /** const struct scmp_version *seccomp_version(void) */
  seccomp_version: { parameters: [UNCOMPILED], result: "pointer" },
  /** uint32_t seccomp_arch_native(void) */
  seccomp_arch_native: { parameters: [UNCOMPILED], result: "u32" },
  /** unsigned int seccomp_api_get(void) */
  seccomp_api_get: { parameters: [UNCOMPILED], result: "u32" },
  /** uint32_t seccomp_arch_resolve_name(const char *arch_name) */
  seccomp_arch_resolve_name: { parameters: ["buffer", UNCOMPILED], result: "u32" },
  /** int seccomp_syscall_resolve_name(const char *name) */
  seccomp_syscall_resolve_name: { parameters: ["buffer", UNCOMPILED], result: "i32" },
  /** int seccomp_syscall_resolve_name_arch(uint32_t arch_token, const char *name) */
  seccomp_syscall_resolve_name_arch: { parameters: ["u32", "buffer", UNCOMPILED], result: "i32" },
  /** scmp_filter_ctx seccomp_init(uint32_t def_action) */
  seccomp_init: { parameters: ["u32", UNCOMPILED], result: "pointer" },
  /** void seccomp_release(scmp_filter_ctx ctx) */
  seccomp_release: { parameters: ["pointer", UNCOMPILED], result: "void" },
  /** int seccomp_arch_add(scmp_filter_ctx ctx, uint32_t arch_token) */
  seccomp_arch_add: { parameters: ["pointer", "u32", UNCOMPILED], result: "i32" },
  /** int seccomp_attr_set(scmp_filter_ctx ctx, enum scmp_filter_attr attr, uint32_t value) */
  seccomp_attr_set: { parameters: ["pointer", "u32", "u32", UNCOMPILED], result: "i32" },
  /**
   * int seccomp_rule_add_array(scmp_filter_ctx ctx, uint32_t action, int syscall,
   *   unsigned int arg_cnt, const struct scmp_arg_cmp *arg_array)
   */
  seccomp_rule_add_array: {
    parameters: ["pointer", "u32", "i32", "u32", "buffer", UNCOMPILED],
    result: "i32",
  },
  /** int seccomp_export_bpf(scmp_filter_ctx ctx, int fd) */
  seccomp_export_bpf: { parameters: ["pointer", "i32", UNCOMPILED], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The library is not on this host, or too old to have all that is needed. */
export class LibraryMissingError extends Error {
  override readonly name = "LibraryMissingError";
  /** The file that was looked for. */
  readonly library: string;

  /** Made where the library could not be opened. */
  constructor(library: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.library = library;
  }
}

/** One condition on an argument: struct scmp_arg_cmp. */
export interface Comparison {
  /** Which argument, 0 to 5. */
  readonly index: number;
  /** One of {@linkcode SCMP_CMP}. */
  readonly operator: number;
  /** What it is compared with; the mask of MASKED_EQ. */
  readonly value: bigint;
  /** What the masked argument is compared with. */
  readonly valueTwo: bigint;
}

/**
 * The open library.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { LibraryMissingError, SeccompLibrary } from "./seccomp.ts";
 *
 * try {
 *   using library = SeccompLibrary.open();
 *   assert(library.syscallNumber("no_such_call") === undefined);
 * } catch (error) {
 *   assert(error instanceof LibraryMissingError);
 * }
 * ```
 */
export class SeccompLibrary implements Disposable {
  /** Its version, such as `2.5.4`. */
  readonly version: string;
  /** The token of this machine's architecture. */
  readonly nativeArchitecture: number;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    const { symbols } = library;
    const version = symbols.seccomp_version(UNREAD) as Deno.PointerObject;
    const view = new Deno.UnsafePointerView(version);
    this.version = [0, 4, 8].map((offset) => view.getUint32(offset)).join(".");
    this.nativeArchitecture = symbols.seccomp_arch_native(UNREAD);
    this.#library = library;
  }

  /**
   * Opens it.
   *
   * @throws {LibraryMissingError}
   */
  static open(file: string = LIBSECCOMP): SeccompLibrary {
    try {
      return new SeccompLibrary(Deno.dlopen(file, SYMBOLS));
    } catch (error) {
      throw new LibraryMissingError(file, error);
    }
  }

  /** What it and the kernel can do, as a level: seccomp_api_get(3). */
  get apiLevel(): number {
    return this.#library.symbols.seccomp_api_get(UNREAD);
  }

  /** The token of an architecture by libseccomp's name, such as `x86_64`. */
  architecture(name: string): number | undefined {
    const token = this.#library.symbols.seccomp_arch_resolve_name(cString(name), UNREAD);
    return token === 0 ? undefined : token;
  }

  /**
   * The number of a system call, on this machine's architecture or another. Below 0 it is
   * libseccomp's stand-in for a call that the architecture lacks and another has.
   *
   * @returns undefined for a name that it doesn't know
   */
  syscallNumber(name: string, architecture?: number): number | undefined {
    const { symbols } = this.#library;
    const number = architecture === undefined
      ? symbols.seccomp_syscall_resolve_name(cString(name), UNREAD)
      : symbols.seccomp_syscall_resolve_name_arch(architecture, cString(name), UNREAD);
    return number === NR_SCMP_ERROR ? undefined : number;
  }

  /**
   * An empty filter.
   *
   * @throws {SyscallError} EINVAL for an action that it doesn't know
   */
  filter(defaultAction: number): SeccompFilter {
    return new SeccompFilter(this.#library.symbols, defaultAction);
  }

  /** Closes it; filters must not be used any more. */
  [Symbol.dispose](): void {
    this.#library.close();
  }
}

const NR_SCMP_ERROR = -1;
const COMPARISON_SIZE = 24;

/** A filter that is put together: the native architecture is in it from the start. */
export class SeccompFilter implements Disposable {
  readonly #symbols: Symbols;
  #context: Deno.PointerValue;

  /** Made by {@linkcode SeccompLibrary.filter}. */
  constructor(symbols: Symbols, defaultAction: number) {
    this.#symbols = symbols;
    this.#context = symbols.seccomp_init(defaultAction, UNREAD);
    if (this.#context === null) throw new SyscallError("seccomp_init", EINVAL);
  }

  /**
   * Adds an architecture.
   *
   * @throws {SyscallError} EEXIST if it is there, EDOM if its byte order is another
   */
  addArchitecture(token: number): void {
    this.#check("seccomp_arch_add", this.#symbols.seccomp_arch_add(this.#context, token, UNREAD));
  }

  /**
   * Sets an attribute: seccomp_attr_set(3).
   *
   * @throws {SyscallError} EINVAL or EOPNOTSUPP if the library is too old for it
   */
  setAttribute(attribute: number, value: number): void {
    const result = this.#symbols.seccomp_attr_set(this.#context, attribute, value, UNREAD);
    this.#check("seccomp_attr_set", result);
  }

  /**
   * Adds a rule for a system call: what happens if all conditions hold.
   *
   * @throws {SyscallError} EACCES if the action is the default one, EEXIST if another rule
   *   contradicts it, EINVAL for two conditions on one argument
   */
  addRule(action: number, syscall: number, conditions: readonly Comparison[]): void {
    const bytes = new Uint8Array(COMPARISON_SIZE * conditions.length);
    const view = new DataView(bytes.buffer);
    conditions.forEach(({ index, operator, value, valueTwo }, k) => {
      const at = COMPARISON_SIZE * k;
      view.setUint32(at, index, true);
      view.setUint32(at + 4, operator, true);
      view.setBigUint64(at + 8, value, true);
      view.setBigUint64(at + 16, valueTwo, true);
    });
    const array = conditions.length === 0 ? null : bytes;
    this.#check(
      "seccomp_rule_add_array",
      this.#symbols.seccomp_rule_add_array(
        this.#context,
        action,
        syscall,
        conditions.length,
        array,
        UNREAD,
      ),
    );
  }

  /**
   * The program: 8 bytes an instruction, in this machine's byte order.
   *
   * @throws {SyscallError}
   */
  export(): Uint8Array<ArrayBuffer> {
    using file = memoryFile("hull-seccomp");
    const result = this.#symbols.seccomp_export_bpf(this.#context, file.number, UNREAD);
    this.#check("seccomp_export_bpf", result);
    rewind(file);
    return readAll(file);
  }

  /** Frees it. */
  [Symbol.dispose](): void {
    if (this.#context === null) return;
    this.#symbols.seccomp_release(this.#context, UNREAD);
    this.#context = null;
  }

  #check(call: string, result: number): void {
    if (result < 0) throw new SyscallError(call, -result);
  }
}

/**
 * Whether the kernel knows all these flags of a filter. It is asked to load a filter from address
 * 0: the kernel checks the flags first, and fails with EFAULT only if it accepts them.
 *
 * @throws {SyscallError} ENOSYS from a kernel without filters
 */
export function supportsFilterFlags(flags: number): boolean {
  const program = new SyscallProgram([
    { syscall: "seccomp", args: [SECCOMP_SET_MODE_FILTER, flags, 0] },
  ]);
  program.run();
  const errno = program.failure()?.errno ?? 0;
  if (errno === EFAULT) return true;
  if (errno === EINVAL) return false;
  throw new SyscallError("seccomp", errno);
}
