import { assertEquals } from "@std/assert";
import {
  containerDevicePolicy,
  type DevicePolicy,
  policyAllows,
} from "../../../../../src/cgroups/controllers/device_rules.ts";
import {
  deviceProgram,
  encodeProgram,
} from "../../../../../src/cgroups/controllers/device_program.ts";
import type { DeviceRule } from "../../../../../src/config/types/config.ts";

/**
 * Runs encoded eBPF as the kernel would: registers of 64 bits, 32-bit operations clear the upper
 * half, immediates of 64-bit comparisons are extended by their sign.
 */
function interpret(code: Uint8Array<ArrayBuffer>, context: Uint8Array<ArrayBuffer>): bigint {
  const view = new DataView(code.buffer);
  const memory = new DataView(context.buffer);
  const registers = new Array<bigint | undefined>(11).fill(undefined);
  registers[1] = 0n; // the context's address
  const get = (register: number): bigint => {
    const value = registers[register];
    if (value === undefined) throw new Error(`r${register} is read before it is written`);
    return value;
  };
  for (let pc = 0;; pc++) {
    if (8 * pc >= code.length) throw new Error("the program runs off its end");
    const opcode = view.getUint8(8 * pc);
    const [to, from] = [view.getUint8(8 * pc + 1) & 15, view.getUint8(8 * pc + 1) >> 4];
    const offset = view.getInt16(8 * pc + 2, true);
    const immediate = BigInt(view.getInt32(8 * pc + 4, true));
    const to32 = (value: bigint) => registers[to] = BigInt.asUintN(32, value);
    switch (opcode) {
      case 0x61: // ldx w
        registers[to] = BigInt(memory.getUint32(Number(get(from)) + offset, true));
        break;
      case 0xb4: // mov32 imm
        to32(immediate);
        break;
      case 0xbc: // mov32 reg
        to32(get(from));
        break;
      case 0x54: // and32 imm
        to32(get(to) & BigInt.asUintN(32, immediate));
        break;
      case 0x74: // rsh32 imm
        to32(BigInt.asUintN(32, get(to)) >> immediate);
        break;
      case 0x15: // jeq imm
        if (get(to) === BigInt.asUintN(64, immediate)) pc += offset;
        break;
      case 0x55: // jne imm
        if (get(to) !== BigInt.asUintN(64, immediate)) pc += offset;
        break;
      case 0x5d: // jne reg
        if (get(to) !== get(from)) pc += offset;
        break;
      case 0x95: // exit
        return get(0);
      default:
        throw new Error(`opcode 0x${opcode.toString(16)} at ${pc}`);
    }
  }
}

function ask(
  code: Uint8Array<ArrayBuffer>,
  type: "b" | "c",
  major: number,
  minor: number,
  access: number,
) {
  const context = new Uint8Array(12);
  const view = new DataView(context.buffer);
  view.setUint32(0, (access << 16) | (type === "b" ? 1 : 2), true);
  view.setUint32(4, major, true);
  view.setUint32(8, minor, true);
  return interpret(code, context) === 1n;
}

const NUMBERS = [0, 1, 3, 5, 8, 136, 259, 0x7fffffff, 0x80000000, 0xffffffff];

/** The program and the policy must agree on every device and access there is a rule about. */
function compare(policy: DevicePolicy): number {
  const code = encodeProgram(deviceProgram(policy));
  let cases = 0;
  for (const type of ["b", "c"] as const) {
    for (const major of NUMBERS) {
      for (const minor of NUMBERS) {
        for (let access = 1; access <= 7; access++, cases++) {
          assertEquals(
            ask(code, type, major, minor, access),
            policyAllows(policy, type, major, minor, access),
            `${type} ${major}:${minor} ${access} of ${JSON.stringify(policy)}`,
          );
        }
      }
    }
  }
  return cases;
}

Deno.test("the program decides as the policy does", () => {
  const lists: DeviceRule[][] = [
    [],
    [{ allow: true }],
    [{ allow: true, type: "c", major: 1, access: "rw" }],
    [{ allow: true, type: "b", major: 8, minor: 0, access: "r" }],
    [{ allow: true, type: "b", minor: 3, access: "w" }],
    [{ allow: true, type: "b", major: 0x80000000, minor: 0xffffffff, access: "rwm" }],
    [{ allow: true }, { allow: false, type: "b", major: 8, minor: 0, access: "w" }],
    [{ allow: true }, { allow: false, type: "b", access: "rw" }],
    [{ allow: true }, { allow: false, type: "b", major: 8, access: "rwm" }],
  ];
  for (const list of lists) assertEquals(compare(containerDevicePolicy(list)), 1400);
});

Deno.test("the program decides as the policy does, on random rules", () => {
  let seed = 20_261_124;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const pick = () => random(3) === 0 ? undefined : NUMBERS[random(NUMBERS.length)];
  for (let round = 0; round < 40; round++) {
    const exceptions = Array.from({ length: random(6) }, () => ({
      type: random(2) === 0 ? "b" as const : "c" as const,
      major: pick(),
      minor: pick(),
      access: 1 + random(7),
    }));
    compare({ allowAll: random(2) === 0, exceptions });
  }
});

Deno.test("an instruction is laid out as the kernel reads it", () => {
  const policy: DevicePolicy = {
    allowAll: false,
    exceptions: [{ type: "c", major: 1, minor: undefined, access: 2 }],
  };
  assertEquals(encodeProgram(deviceProgram(policy)).toHex().match(/.{16}/g), [
    "6112000000000000", // r2 = *(u32 *)(r1 + 0)
    "bc23000000000000", // w3 = w2
    "54020000ffff0000", // w2 &= 0xffff
    "7403000010000000", // w3 >>= 16
    "6114040000000000", // r4 = *(u32 *)(r1 + 4)
    "6115080000000000", // r5 = *(u32 *)(r1 + 8)
    "5502070002000000", // if r2 != 2 goto +7
    "bc31000000000000", // w1 = w3
    "54010000fdffffff", // w1 &= ~2
    "5501040000000000", // if r1 != 0 goto +4
    "b401000001000000", // w1 = 1
    "5d14020000000000", // if r4 != r1 goto +2
    "b400000001000000", // w0 = 1
    "9500000000000000", // exit
    "b400000000000000", // w0 = 0
    "9500000000000000",
  ]);
});
