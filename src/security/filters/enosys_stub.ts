/**
 * The stub in front of a filter that answers ENOSYS to system calls which are newer than the
 * profile.
 *
 * A profile names the calls that its author knew. If a C library tries a newer call and gets EPERM
 * from the default action, it gives up; at ENOSYS it falls back to an older call. So calls with a
 * number above the largest one that the profile names for the architecture don't reach the filter.
 *
 * @module
 */

import { ENOSYS } from "../../../ffi/c/errno.ts";
import { SCMP_ARCH_X32, SECCOMP_RET } from "../../../ffi/seccomp/seccomp.ts";
import { assemble, DATA_ARCHITECTURE, DATA_NUMBER, type Instruction } from "./filter_assembler.ts";

const AUDIT_ARCH_X86_64 = 0xc000003e;
/** __X32_SYSCALL_BIT: an x86_64 call with this bit in its number is an x32 call. */
const X32_BIT = 0x40000000;
const FILTER = "filter";

/** The largest call that a profile names for an architecture. */
export interface LargestCall {
  /** libseccomp's token of the architecture. */
  readonly architecture: number;
  /** Its number, above 0; that of an x32 call with bit 30, as the kernel has it. */
  readonly number: number;
}

/** The largest calls of what is one architecture to the kernel. */
interface Group {
  readonly plain?: number;
  readonly x32?: number;
}

/**
 * The stub's bytes: none where there is no largest call. The filter stands right behind them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { enosysStub } from "./enosys_stub.ts";
 *
 * assertEquals(enosysStub([]).length, 0);
 * ```
 */
export function enosysStub(largest: readonly LargestCall[]): Uint8Array<ArrayBuffer> {
  const groups = new Map<number, Group>();
  for (const { architecture, number } of largest) {
    const isX32 = architecture === SCMP_ARCH_X32;
    const audit = isX32 ? AUDIT_ARCH_X86_64 : architecture;
    groups.set(audit, { ...groups.get(audit), [isX32 ? "x32" : "plain"]: number });
  }
  if (groups.size === 0) return new Uint8Array(0);
  const sections = [...groups].flatMap(([audit, group], k) => section(audit, group, k));
  return assemble([
    { load: DATA_ARCHITECTURE },
    ...sections,
    // Calls of an architecture that is not in the filter are left to libseccomp's part.
    { goto: FILTER, label: `section${groups.size}` },
  ], FILTER);
}

function section(audit: number, { plain, x32 }: Group, k: number): Instruction[] {
  const [late, pass, onX32] = [`late${k}`, `pass${k}`, `x32${k}`];
  const test = (number: number | undefined, label?: string): Instruction =>
    number === undefined ? { goto: pass, label } : { above: number, yes: late, no: pass, label };
  return [
    { equals: audit, no: `section${k + 1}`, label: `section${k}` },
    { load: DATA_NUMBER },
    ...(audit === AUDIT_ARCH_X86_64
      ? [{ hasBits: X32_BIT, yes: onX32 }, test(plain), test(x32, onX32)]
      : [test(plain)]),
    { answer: SECCOMP_RET.ERRNO | ENOSYS, label: late },
    { goto: FILTER, label: pass },
  ];
}
