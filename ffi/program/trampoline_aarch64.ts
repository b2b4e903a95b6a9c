/**
 * The trampoline's machine code for aarch64: 192 bytes, each line of assembly beside its bytes.
 *
 * What it does, and the layout of the operations that it walks, stand in trampoline.ts.
 *
 * The assembly is a comment, since a start has no use for it; a test assembles it and compares. What
 * follows a semicolon there says why.
 *
 * @module
 */

/** Bytes in hexadecimal, each line beside the assembly that gives them. */
export const CODE = "" +
  "e90300aa" + // mov x9, x0 ; x9: the first operation
  "ea0300aa" + // mov x10, x0 ; x10: the operation at hand
  // next:
  "480140f9" + // ldr x8, [x10] ; the number, then the six arguments, in the kernel's registers
  "408540a9" + // ldp x0, x1, [x10, #8]
  "428d41a9" + // ldp x2, x3, [x10, #24]
  "449542a9" + // ldp x4, x5, [x10, #40]
  "4b4940b9" + // ldr w11, [x10, #72] ; a set bit: the argument is the address of its value
  "4b000036" + // tbz w11, #0, direct0
  "000040f9" + // ldr x0, [x0]
  // direct0:
  "4b000836" + // tbz w11, #1, direct1
  "210040f9" + // ldr x1, [x1]
  // direct1:
  "4b001036" + // tbz w11, #2, direct2
  "420040f9" + // ldr x2, [x2]
  // direct2:
  "4b001836" + // tbz w11, #3, direct3
  "630040f9" + // ldr x3, [x3]
  // direct3:
  "4b002036" + // tbz w11, #4, direct4
  "840040f9" + // ldr x4, [x4]
  // direct4:
  "4b002836" + // tbz w11, #5, direct5
  "a50040f9" + // ldr x5, [x5]
  // direct5:
  "010000d4" + // svc #0
  "401d00f9" + // str x0, [x10, #56] ; keep the result
  "1ffc3fb1" + // cmn x0, #4095
  "c2000054" + // b.hs failed ; unsigned: -4095 to -1 is an error
  "600000b4" + // cbz x0, forward
  "4b4580b9" + // ldrsw x11, [x10, #68] ; where a result above 0 goes on
  "eb0100b5" + // cbnz x11, jump
  // forward:
  "4a410191" + // add x10, x10, #80
  "e7ffff17" + // b next
  // failed:
  "1f2c0031" + // cmn w0, #11 ; EAGAIN: made again as often as it may be
  "c1000054" + // b.ne failure
  "4b254139" + // ldrb w11, [x10, #73]
  "8b000034" + // cbz w11, failure
  "6b050051" + // sub w11, w11, #1
  "4b250139" + // strb w11, [x10, #73]
  "e0ffff17" + // b next
  // failure:
  "4b4d40b9" + // ldr w11, [x10, #76] ; zero sum: this is the tolerated errno
  "6b01002b" + // adds w11, w11, w0
  "a0feff54" + // b.eq forward
  "4b4180b9" + // ldrsw x11, [x10, #64] ; where an error goes on
  "6bfeffb4" + // cbz x11, forward
  // jump:
  "0c00b012" + // mov w12, #0x7fffffff
  "7f010c6b" + // cmp w11, w12
  "80000054" + // b.eq done
  "0c0a80d2" + // mov x12, #80
  "6a290c9b" + // madd x10, x11, x12, x10
  "d5ffff17" + // b next
  // done:
  "400109cb" + // sub x0, x10, x9
  "c0035fd6"; // ret
