/**
 * The machine code of a container's small first process for aarch64: 544 bytes, each line of
 * assembly beside its bytes.
 *
 * What it does stands in reaper_image.ts. The assembly is a comment, since a start has no
 * use for it; a test assembles it and compares. What follows a semicolon there says why.
 *
 * @module
 */

/** Bytes in hexadecimal, each line beside the assembly that gives them. */
export const CODE = "" +
  "f90300aa" + // mov x25, x0 ; x25: where the words of the failure are
  "e90340f9" + // ldr x9, [sp] ; argc
  "f3430091" + // add x19, sp, #16 ; x19: argv behind the first
  "740e098b" + // add x20, x19, x9, lsl #3 ; x20: the environment
  "ffc33fd1" + // sub sp, sp, #4080
  "ff4305d1" + // sub sp, sp, #336 ; sp: a set of signals, a number, and from 64 on a path
  "800480d2" + // mov x0, #36 ; PR_SET_CHILD_SUBREAPER: for a container without a pid namespace of its own
  "210080d2" + // mov x1, #1
  "e81480d2" + // mov x8, #167 ; prctl
  "010000d4" + // svc #0
  "09008092" + // mov x9, #-1 ; every signal
  "2c000094" + // bl mask ; a blocked signal waits, also one that a first process would never get
  "200280d2" + // mov x0, #17 ; SIGCHLD
  "010080d2" + // mov x1, #0
  "020080d2" + // mov x2, #0
  "030080d2" + // mov x3, #0
  "040080d2" + // mov x4, #0
  "881b80d2" + // mov x8, #220 ; clone
  "010000d4" + // svc #0
  "1f0000f1" + // cmp x0, #0
  "0b0d0054" + // b.lt failed
  "40050054" + // b.eq child
  "f50300aa" + // mov x21, x0 ; x21: the program's process
  // waiting:
  "e0030091" + // mov x0, sp
  "010080d2" + // mov x1, #0
  "020080d2" + // mov x2, #0
  "030180d2" + // mov x3, #8
  "281180d2" + // mov x8, #137 ; rt_sigtimedwait
  "010000d4" + // svc #0
  "1f0000f1" + // cmp x0, #0
  "2bffff54" + // b.lt waiting ; EINTR
  "1f4400f1" + // cmp x0, #17 ; SIGCHLD
  "c0000054" + // b.eq reap
  "e10300aa" + // mov x1, x0
  "e00315aa" + // mov x0, x21
  "281080d2" + // mov x8, #129 ; kill: pass the signal on
  "010000d4" + // svc #0
  "f2ffff17" + // b waiting
  // reap:
  "00008092" + // mov x0, #-1
  "e1230091" + // add x1, sp, #8
  "220080d2" + // mov x2, #1 ; WNOHANG
  "030080d2" + // mov x3, #0
  "882080d2" + // mov x8, #260 ; wait4
  "010000d4" + // svc #0
  "1f0000f1" + // cmp x0, #0
  "4dfdff54" + // b.le waiting
  "1f0015eb" + // cmp x0, x21
  "e1feff54" + // b.ne reap
  "e90b40b9" + // ldr w9, [sp, #8] ; the program's status
  "207d0853" + // lsr w0, w9, #8
  "29190072" + // ands w9, w9, #127
  "40000054" + // b.eq finish
  "20010211" + // add w0, w9, #128
  // finish:
  "c80b80d2" + // mov x8, #94 ; exit_group: the kernel ends what is left in the pid namespace
  "010000d4" + // svc #0
  // mask:
  "e90300f9" + // str x9, [sp]
  "400080d2" + // mov x0, #2 ; SIG_SETMASK
  "e1030091" + // mov x1, sp
  "020080d2" + // mov x2, #0
  "030180d2" + // mov x3, #8
  "e81080d2" + // mov x8, #135 ; rt_sigprocmask
  "010000d4" + // svc #0
  "c0035fd6" + // ret
  // child:
  "000080d2" + // mov x0, #0
  "010080d2" + // mov x1, #0
  "481380d2" + // mov x8, #154 ; setpgid: a group of its own, which gets the terminal's signals once
  "010000d4" + // svc #0
  "881580d2" + // mov x8, #172 ; getpid
  "010000d4" + // svc #0
  "e00b00b9" + // str w0, [sp, #8]
  "000080d2" + // mov x0, #0
  "01828ad2" + // mov x1, #0x5410 ; TIOCSPGRP, where there is a terminal
  "e2230091" + // add x2, sp, #8
  "a80380d2" + // mov x8, #29 ; ioctl
  "010000d4" + // svc #0
  "090080d2" + // mov x9, #0
  "ebffff97" + // bl mask
  "600240f9" + // ldr x0, [x19] ; the program as it was asked for
  "e10300aa" + // mov x1, x0
  // slash:
  "29144038" + // ldrb w9, [x1], #1
  "3fbd0071" + // cmp w9, #47
  "40050054" + // b.eq direct
  "a9ffff35" + // cbnz w9, slash
  "0c2a8852" + // movz w12, #0x4150
  "8c0aa972" + // movk w12, #0x4854, lsl #16 ; PATH
  "ea0314aa" + // mov x10, x20
  // variable:
  "4b8540f8" + // ldr x11, [x10], #8
  "ab0400b4" + // cbz x11, failed
  "690140b9" + // ldr w9, [x11]
  "3f010c6b" + // cmp w9, w12
  "81ffff54" + // b.ne variable
  "69114039" + // ldrb w9, [x11, #4]
  "3ff50071" + // cmp w9, #61 ; =
  "21ffff54" + // b.ne variable
  "76150091" + // add x22, x11, #5 ; x22: what is left of PATH
  // folder:
  "e9030191" + // add x9, sp, #64
  "37c13f91" + // add x23, x9, #4080 ; a longer path is too long for the kernel, too
  "f7e20191" + // add x23, x23, #120
  // copy:
  "d8024039" + // ldrb w24, [x22] ; w24: 0 behind the last folder
  "18010034" + // cbz w24, ended
  "d6060091" + // add x22, x22, #1
  "1feb0071" + // cmp w24, #58 ; a colon
  "a0000054" + // b.eq ended
  "3f0117eb" + // cmp x9, x23
  "42ffff54" + // b.hs copy
  "38150038" + // strb w24, [x9], #1
  "f8ffff17" + // b copy
  // ended:
  "ea030191" + // add x10, sp, #64
  "3f010aeb" + // cmp x9, x10
  "80010054" + // b.eq next ; an empty one does not count
  "eb058052" + // mov w11, #47
  "2b150038" + // strb w11, [x9], #1
  "6a0240f9" + // ldr x10, [x19]
  // name:
  "4b154038" + // ldrb w11, [x10], #1
  "3f0117eb" + // cmp x9, x23
  "42000054" + // b.hs name.end
  "2b150038" + // strb w11, [x9], #1
  // name.end:
  "8bffff35" + // cbnz w11, name
  "3f010039" + // strb wzr, [x9]
  "e0030191" + // add x0, sp, #64
  "0b000094" + // bl become
  // next:
  "d8fcff35" + // cbnz w24, folder
  "02000014" + // b failed
  // direct:
  "08000094" + // bl become
  // failed:
  "400080d2" + // mov x0, #2
  "e10319aa" + // mov x1, x25
  "420480d2" + // mov x2, #34
  "080880d2" + // mov x8, #64 ; write
  "010000d4" + // svc #0
  "c00f8052" + // mov w0, #126 ; it was there when hull looked
  "b3ffff17" + // b finish
  // become:
  "e10313aa" + // mov x1, x19
  "e20314aa" + // mov x2, x20
  "a81b80d2" + // mov x8, #221 ; execve
  "010000d4" + // svc #0
  "c0035fd6"; // ret
