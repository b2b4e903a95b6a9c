/**
 * Resource limits: getrlimit(2).
 *
 * @module
 */

import { checked, libc } from "../c/libc.ts";

/** The numbers of the limits, by the names of the OCI spec. */
export const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/**
 * The value that means no limit; what config.json writes as 2^64 - 1 is rounded by JSON to 2^64.
 */
const INFINITY = 0xffffffffffffffffn;

/** struct rlimit64. A value beyond what a JSON number tells apart from 2^64 - 1 means no limit. */
export function rlimitBytes(soft: number, hard: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, limit(soft), true);
  view.setBigUint64(8, limit(hard), true);
  return bytes;
}

function limit(value: number): bigint {
  return value >= 2 ** 64 || value < 0 ? INFINITY : BigInt(value);
}

/**
 * The hard limit of a process, 2^64 for none: prlimit(2).
 *
 * @param pid its number; without one it is this program's
 * @throws {SyscallError}
 */
export function hardLimitOf(name: string, pid = 0): number {
  return limitOf(pid, name, 8);
}

/** The soft limit, as of {@linkcode hardLimitOf}. */
export function softLimitOf(name: string, pid = 0): number {
  return limitOf(pid, name, 0);
}

function limitOf(pid: number, name: string, at: number): number {
  const bytes = new Uint8Array(16);
  checked("prlimit64", libc.prlimit64(pid, RLIMITS[name] as number, null, bytes), name);
  const value = new DataView(bytes.buffer).getBigUint64(at, true);
  return value === INFINITY ? 2 ** 64 : Number(value);
}

/**
 * Sets a limit of another process: prlimit(2).
 *
 * @throws {SyscallError} EPERM if a hard limit is raised without CAP_SYS_RESOURCE
 */
export function setLimit(pid: number, name: string, soft: number, hard: number): void {
  const old = new Uint8Array(16);
  const resource = RLIMITS[name] as number;
  checked("prlimit64", libc.prlimit64(pid, resource, rlimitBytes(soft, hard), old), name);
}
