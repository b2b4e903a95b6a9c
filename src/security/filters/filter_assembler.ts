/**
 * An assembler for the classic BPF of seccomp filters: instructions as data, jumps to labels.
 *
 * A filter sees `struct seccomp_data`: the call's number at offset 0, the architecture at 4, the
 * instruction pointer at 8, the arguments from 16 on. It has one register, and ends by returning
 * what is to happen to the call. Jumps lead forward only.
 *
 * Source: seccomp(2), bpf(4) of BSD, linux/filter.h, linux/seccomp.h.
 *
 * @module
 */

/** Offset of the call's number in struct seccomp_data. */
export const DATA_NUMBER = 0;
/** Offset of the architecture, one of linux/audit.h's AUDIT_ARCH. */
export const DATA_ARCHITECTURE = 4;

/** Where a condition leads; without a label to the next instruction. */
export interface Branches {
  readonly yes?: string | undefined;
  readonly no?: string | undefined;
}

/** One instruction, which others may jump to by its label. */
export type Instruction =
  & { readonly label?: string | undefined }
  & (
    | { readonly load: number }
    | { readonly answer: number }
    | { readonly goto: string }
    | ({ readonly equals: number } & Branches)
    | ({ readonly above: number } & Branches)
    | ({ readonly hasBits: number } & Branches)
  );

const BPF_LD_W_ABS = 0x20;
const BPF_RET_K = 0x06;
const BPF_JMP_JA = 0x05;
const BPF_JMP_JEQ_K = 0x15;
const BPF_JMP_JGT_K = 0x25;
const BPF_JMP_JSET_K = 0x45;

/** The size of an instruction in bytes: struct sock_filter. */
export const INSTRUCTION_SIZE = 8;
const LONGEST_BRANCH = 255;

/**
 * The bytes of a program, in the byte order of the supported machines.
 *
 * @param end a label for the place behind the program, where another is to follow
 * @throws {RangeError} for a label that is unknown, behind the jump, or too far for a condition
 *
 * @example A filter that answers ENOSYS to call 5 and allows the rest
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { assemble } from "./filter_assembler.ts";
 *
 * const program = assemble([
 *   { load: 0 },
 *   { equals: 5, no: "allow" },
 *   { answer: 0x00050026 },
 *   { answer: 0x7fff0000, label: "allow" },
 * ]);
 * assertEquals(program.length, 4 * 8);
 * ```
 */
export function assemble(
  program: readonly Instruction[],
  end?: string,
): Uint8Array<ArrayBuffer> {
  const places = new Map<string, number>();
  program.forEach(({ label }, at) => {
    if (label !== undefined) places.set(label, at);
  });
  if (end !== undefined) places.set(end, program.length);
  const bytes = new Uint8Array(INSTRUCTION_SIZE * program.length);
  const view = new DataView(bytes.buffer);
  program.forEach((instruction, at) => {
    const distance = (label: string | undefined, longest: number): number => {
      if (label === undefined) return 0;
      const skipped = (places.get(label) ?? -1) - at - 1;
      if (skipped < 0 || skipped > longest) throw new RangeError(`no way from ${at} to ${label}`);
      return skipped;
    };
    const { code, k, branches } = encode(instruction, (to) => distance(to, 0xffffffff));
    view.setUint16(INSTRUCTION_SIZE * at, code, true);
    view.setUint8(INSTRUCTION_SIZE * at + 2, distance(branches.yes, LONGEST_BRANCH));
    view.setUint8(INSTRUCTION_SIZE * at + 3, distance(branches.no, LONGEST_BRANCH));
    view.setUint32(INSTRUCTION_SIZE * at + 4, k, true);
  });
  return bytes;
}

/** An instruction's code and operand, and where it branches. */
function encode(
  instruction: Instruction,
  distance: (label: string) => number,
): { code: number; k: number; branches: Branches } {
  if ("load" in instruction) return { code: BPF_LD_W_ABS, k: instruction.load, branches: {} };
  if ("answer" in instruction) return { code: BPF_RET_K, k: instruction.answer, branches: {} };
  if ("goto" in instruction) {
    return { code: BPF_JMP_JA, k: distance(instruction.goto), branches: {} };
  }
  const branches = instruction;
  if ("equals" in instruction) return { code: BPF_JMP_JEQ_K, k: instruction.equals, branches };
  if ("above" in instruction) return { code: BPF_JMP_JGT_K, k: instruction.above, branches };
  return { code: BPF_JMP_JSET_K, k: instruction.hasBits, branches };
}
