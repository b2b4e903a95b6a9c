/**
 * The numbers by which a filter is loaded: seccomp(2).
 *
 * @module
 */

/** seccomp(2) sets a filter. */
export const SECCOMP_SET_MODE_FILTER = 1;

/** Flags of SECCOMP_SET_MODE_FILTER. */
export const SECCOMP_FILTER_FLAG = {
  TSYNC: 1,
  LOG: 2,
  SPEC_ALLOW: 4,
  NEW_LISTENER: 8,
  TSYNC_ESRCH: 16,
  WAIT_KILLABLE_RECV: 32,
} as const;
