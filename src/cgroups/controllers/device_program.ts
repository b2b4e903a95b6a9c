/**
 * A device policy as an eBPF program: the kernel runs it when a process of the cgroup opens or
 * makes a device node; 1 lets it, 0 refuses with EPERM.
 *
 * The program gets `struct bpf_cgroup_dev_ctx { u32 access_type, major, minor }`, access_type being
 * the access in the upper and the type in the lower 16 bits. It walks the exceptions in order; the
 * first that applies decides, else the mode.
 *
 * Source: include/uapi/linux/bpf.h; Documentation/bpf/standardization/instruction-set.rst.
 *
 * @module
 */

import { ALL_ACCESS, type DeviceException, type DevicePolicy } from "./device_rules.ts";

/** BPF_DEVCG_DEV_BLOCK and BPF_DEVCG_DEV_CHAR. */
const TYPE_NUMBERS = { b: 1, c: 2 } as const;

const LOAD_32 = 0x61; // dst = *(u32 *)(src + offset)
const MOVE_IMMEDIATE = 0xb4; // the 32-bit operations clear the upper half
const MOVE_REGISTER = 0xbc;
const AND_IMMEDIATE = 0x54;
const SHIFT_RIGHT = 0x74;
const JUMP_IF_EQUAL = 0x15; // to an immediate
const JUMP_UNLESS_EQUAL = 0x55;
const JUMP_UNLESS_SAME = 0x5d; // as a register
const EXIT = 0x95;

const RESULT = 0;
const CONTEXT = 1; // and, once the context is read, scratch
const TYPE = 2;
const ACCESS = 3;
const MAJOR = 4;
const MINOR = 5;

/** One eBPF instruction; a jump to the next exception has its offset filled in later. */
export interface Instruction {
  readonly opcode: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
}

/**
 * The instructions for a policy.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { containerDevicePolicy } from "./device_rules.ts";
 * import { deviceProgram, encodeProgram } from "./device_program.ts";
 *
 * const program = deviceProgram(containerDevicePolicy([{ allow: true, access: "rwm" }]));
 * assert(program.length === 8 && encodeProgram(program).length === 64);
 * ```
 */
export function deviceProgram({ allowAll, exceptions }: DevicePolicy): Instruction[] {
  return [
    instruction(LOAD_32, TYPE, 0, CONTEXT, 0),
    instruction(MOVE_REGISTER, ACCESS, 0, TYPE),
    instruction(AND_IMMEDIATE, TYPE, 0xffff),
    instruction(SHIFT_RIGHT, ACCESS, 16),
    instruction(LOAD_32, MAJOR, 0, CONTEXT, 4),
    instruction(LOAD_32, MINOR, 0, CONTEXT, 8),
    ...exceptions.flatMap((exception) => exceptionBlock(exception, allowAll)),
    ...verdict(allowAll),
  ];
}

function exceptionBlock(exception: DeviceException, allowAll: boolean): Instruction[] {
  const block = [
    instruction(JUMP_UNLESS_EQUAL, TYPE, TYPE_NUMBERS[exception.type]),
    ...accessTest(exception.access, allowAll),
    ...numberTest(MAJOR, exception.major),
    ...numberTest(MINOR, exception.minor),
    ...verdict(!allowAll),
  ];
  // Every jump of a block leads behind it.
  return block.map((one, index) =>
    isJump(one.opcode) ? { ...one, offset: block.length - index - 1 } : one
  );
}

/** An allowed exception must cover the whole access; a denied one applies to any part of it. */
function accessTest(access: number, allowAll: boolean): Instruction[] {
  if (!allowAll && access === ALL_ACCESS) return [];
  return [
    instruction(MOVE_REGISTER, CONTEXT, 0, ACCESS),
    instruction(AND_IMMEDIATE, CONTEXT, allowAll ? access : ~access),
    instruction(allowAll ? JUMP_IF_EQUAL : JUMP_UNLESS_EQUAL, CONTEXT, 0),
  ];
}

/** Through a register: an immediate is extended by its sign, which device numbers don't have. */
function numberTest(register: number, number: number | undefined): Instruction[] {
  if (number === undefined) return [];
  return [
    instruction(MOVE_IMMEDIATE, CONTEXT, number),
    instruction(JUMP_UNLESS_SAME, register, 0, CONTEXT),
  ];
}

function verdict(allow: boolean): Instruction[] {
  return [instruction(MOVE_IMMEDIATE, RESULT, allow ? 1 : 0), instruction(EXIT, 0, 0)];
}

function isJump(opcode: number): boolean {
  return opcode === JUMP_IF_EQUAL || opcode === JUMP_UNLESS_EQUAL || opcode === JUMP_UNLESS_SAME;
}

function instruction(
  opcode: number,
  destination: number,
  immediate: number,
  source = 0,
  offset = 0,
): Instruction {
  return { opcode, destination, source, offset, immediate };
}

/** The bytes for bpf(2): 8 for each instruction, little-endian. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  program.forEach(({ opcode, destination, source, offset, immediate }, index) => {
    view.setUint8(8 * index, opcode);
    view.setUint8(8 * index + 1, destination | (source << 4));
    view.setInt16(8 * index + 2, offset, true);
    view.setInt32(8 * index + 4, immediate | 0, true);
  });
  return bytes;
}
