/**
 * The machine of system call filters, as the kernel has it: classic BPF over struct seccomp_data.
 *
 * Source: seccomp(2), the kernel's Documentation/userspace-api/seccomp_filter.rst.
 *
 * @module
 */

/** AUDIT_ARCH of each machine that hull runs on. */
export const AUDIT_ARCH = { x86_64: 0xc000003e, aarch64: 0xc00000b7 } as const;

/** A system call as a filter sees it. */
export interface FilteredCall {
  readonly number: number;
  /** Its AUDIT_ARCH; this machine's where nothing is said. */
  readonly architecture?: number;
  readonly args?: readonly bigint[];
}

/** What a filter answers where a call is made. */
export const RET_ALLOW = 0x7fff0000;

const STEPS = 10_000;

/**
 * What a filter answers to a call: one of the kernel's SECCOMP_RET values with its data.
 *
 * @param program instructions of eight bytes
 * @throws {RangeError} if it is no filter that the kernel would take
 */
export function answerOf(program: Uint8Array, call: FilteredCall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number, true);
  data.setUint32(4, call.architecture ?? AUDIT_ARCH[Deno.build.arch], true);
  (call.args ?? []).forEach((value, k) => data.setBigUint64(16 + 8 * k, value, true));
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  let accumulator = 0;
  for (let step = 0, at = 0; step < STEPS; step++, at++) {
    const code = view.getUint16(8 * at, true);
    const [yes, no] = [view.getUint8(8 * at + 2), view.getUint8(8 * at + 3)];
    const k = view.getUint32(8 * at + 4, true);
    if (code === 0x20) accumulator = data.getUint32(k, true);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x06) return k;
    else if (code === 0x15) at += accumulator === k ? yes : no;
    else if (code === 0x25) at += accumulator > k ? yes : no;
    else if (code === 0x35) at += accumulator >= k ? yes : no;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? yes : no;
    else throw new RangeError(`instruction ${at} has the code 0x${code.toString(16)}`);
  }
  throw new RangeError("the filter does not end");
}
