/**
 * bpf(2), as far as device rules of cgroup v2 need it: load a program of type CGROUP_DEVICE, attach
 * it to a cgroup, find and detach others.
 *
 * Source: bpf(2); include/uapi/linux/bpf.h.
 *
 * @module
 */

import { EAGAIN, EINTR, failedWith, SyscallError } from "../c/errno.ts";
import { Fd } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { addressOf, cString } from "../c/memory.ts";

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;

/** The most programs that a cgroup holds: BPF_CGROUP_MAX_PROGS. */
const MOST_PROGRAMS = 64;
const LOAD_TRIES = 30;

/** Fields by offset: 4 bytes for a number, 8 for a bigint. */
function attributes(size: number, fields: Readonly<Record<number, number | bigint>>) {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of Object.entries(fields)) {
    if (typeof value === "bigint") view.setBigUint64(Number(offset), value, true);
    else view.setUint32(Number(offset), value, true);
  }
  return bytes;
}

function bpf(command: number, attr: Uint8Array<ArrayBuffer>): number {
  return checked("bpf", libc.bpf(command, attr, attr.length));
}

/**
 * Loads a program of type CGROUP_DEVICE. The fd is close-on-exec.
 *
 * @param instructions 8 bytes each
 * @throws {SyscallError} EACCES or EINVAL if the kernel's verifier refuses it, EPERM
 */
export function loadDeviceProgram(instructions: Uint8Array<ArrayBuffer>): Fd {
  const license = cString("Apache-2.0");
  const attr = attributes(64, {
    0: BPF_PROG_TYPE_CGROUP_DEVICE,
    4: instructions.length / 8,
    8: addressOf(instructions),
    16: addressOf(license),
  });
  attr.set(cString("hull_devices"), 48);
  for (let attempt = 1;; attempt++) {
    try {
      return new Fd(bpf(BPF_PROG_LOAD, attr));
    } catch (error) {
      // The verifier stops with EAGAIN when a signal comes.
      const again = error instanceof SyscallError &&
        (error.errno === EAGAIN || error.errno === EINTR) && attempt < LOAD_TRIES;
      if (!again) throw error;
    }
  }
}

/**
 * Attaches a program to a cgroup, beside others or in the place of one.
 *
 * @returns false if the kernel (before 5.6) can't replace
 * @throws {SyscallError}
 */
export function attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): boolean {
  const attr = attributes(20, {
    0: cgroup.number,
    4: program.number,
    8: BPF_CGROUP_DEVICE,
    12: BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE),
    16: replaced?.number ?? 0,
  });
  try {
    bpf(BPF_PROG_ATTACH, attr);
    return true;
  } catch (error) {
    if (replaced !== undefined && failedWith(error, "EINVAL")) {
      return false;
    }
    throw error;
  }
}

/**
 * Detaches a program from a cgroup.
 *
 * @throws {SyscallError} ENOENT if it is not attached
 */
export function detachDeviceProgram(cgroup: Fd, program: Fd): void {
  bpf(
    BPF_PROG_DETACH,
    attributes(20, { 0: cgroup.number, 4: program.number, 8: BPF_CGROUP_DEVICE }),
  );
}

/**
 * The device programs attached to a cgroup itself, each as an fd for the caller to close.
 *
 * @throws {SyscallError}
 */
export function deviceProgramsOf(cgroup: Fd): Fd[] {
  const ids = new Uint8Array(4 * MOST_PROGRAMS);
  // Large enough for all fields of a query: Linux 6.17 writes the last one in any case.
  const attr = attributes(64, {
    0: cgroup.number,
    4: BPF_CGROUP_DEVICE,
    16: addressOf(ids),
    24: MOST_PROGRAMS,
  });
  bpf(BPF_PROG_QUERY, attr);
  const count = new DataView(attr.buffer).getUint32(24, true);
  const view = new DataView(ids.buffer);
  const programs: Fd[] = [];
  try {
    for (let k = 0; k < count; k++) {
      const program = openProgram(view.getUint32(4 * k, true));
      if (program !== undefined) programs.push(program);
    }
    return programs;
  } catch (error) {
    for (const program of programs) program.close();
    throw error;
  }
}

/** Undefined for a program that has gone meanwhile. */
function openProgram(id: number): Fd | undefined {
  try {
    return new Fd(bpf(BPF_PROG_GET_FD_BY_ID, attributes(12, { 0: id })));
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}
