/**
 * Who a process is: the structures of capset(2) and the numbers of prctl(2) that hull uses.
 *
 * Source: capabilities(7), prctl(2), capset(2).
 *
 * @module
 */

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
  SET_CHILD_SUBREAPER: 36,
  SET_NO_NEW_PRIVS: 38,
  CAP_AMBIENT: 47,
} as const;

/** PR_CAP_AMBIENT raises one. */
export const PR_CAP_AMBIENT_RAISE = 2;
/** Gives the flags of capabilities(7), "The securebits flags". */
export const PR_GET_SECUREBITS = 27;
/** PR_CAP_AMBIENT clears all. */
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
