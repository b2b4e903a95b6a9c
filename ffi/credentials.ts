/**
 * Who a process is: capabilities by name, and the numbers of prctl that hull uses.
 *
 * Source: capabilities(7), prctl(2), capset(2).
 *
 * @module
 */

/** The capabilities in the order of their numbers. */
export const CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];

/** The bit mask of capability names; names that are not known are left out. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = CAPABILITIES.indexOf(name);
    if (number >= 0) mask |= 1n << BigInt(number);
  }
  return mask;
}

/** struct __user_cap_header_struct for the calling thread, version 3. */
export function capabilityHeader(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([0x20080522, 0]).buffer);
}

/** struct __user_cap_data_struct[2]: three masks cut into low and high words. */
export function capabilityData(
  effective: bigint,
  permitted: bigint,
  inheritable: bigint,
): Uint8Array<ArrayBuffer> {
  const low = (mask: bigint) => Number(mask & 0xffffffffn);
  const high = (mask: bigint) => Number(mask >> 32n);
  return new Uint8Array(
    new Uint32Array([
      low(effective),
      low(permitted),
      low(inheritable),
      high(effective),
      high(permitted),
      high(inheritable),
    ]).buffer,
  );
}

/** Options of prctl(2). */
export const PR = {
  SET_PDEATHSIG: 1,
  SET_DUMPABLE: 4,
  SET_KEEPCAPS: 8,
  CAPBSET_DROP: 24,
  SET_NO_NEW_PRIVS: 38,
  CAP_AMBIENT: 47,
} as const;

/** PR_CAP_AMBIENT raises one. */
export const PR_CAP_AMBIENT_RAISE = 2;
/** PR_CAP_AMBIENT clears all. */
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
