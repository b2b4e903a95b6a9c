/**
 * `linux.seccomp` of config.json: the system call filter (config-linux.md, Seccomp).
 *
 * @module
 */

import type { SeccompAction, SeccompArchitecture, SeccompFlag, SeccompOperator } from "./names.ts";

/** System call filter (config-linux.md, Seccomp). */
export interface Seccomp {
  /** What happens to a call that no rule matches. */
  readonly defaultAction: SeccompAction;
  /** errno for a default action of SCMP_ACT_ERRNO or SCMP_ACT_TRACE; default EPERM (1). */
  readonly defaultErrnoRet?: number | undefined;
  /** Architectures beside the native one. */
  readonly architectures?: readonly SeccompArchitecture[] | undefined;
  /**
   * Flags of seccomp(2); without the field it is SECCOMP_FILTER_FLAG_SPEC_ALLOW. TSYNC changes
   * nothing: execve ends init's other threads.
   */
  readonly flags?: readonly SeccompFlag[] | undefined;
  /** Unix socket that gets the notify fd; needed with SCMP_ACT_NOTIFY. */
  readonly listenerPath?: string | undefined;
  /** Opaque text for the listener; only with `listenerPath`. */
  readonly listenerMetadata?: string | undefined;
  /** The rules; a call that none of them matches gets `defaultAction`. */
  readonly syscalls?: readonly SeccompSyscall[] | undefined;
}

/** One rule: some system calls, optionally with conditions on their arguments. */
export interface SeccompSyscall {
  /** System call names, at least one. */
  readonly names: readonly string[];
  /** What happens to a call that the rule matches. */
  readonly action: SeccompAction;
  /** errno for SCMP_ACT_ERRNO or SCMP_ACT_TRACE; default EPERM (1). */
  readonly errnoRet?: number | undefined;
  /** Conditions; all must hold. */
  readonly args?: readonly SeccompArg[] | undefined;
}

/** A condition on one argument. */
export interface SeccompArg {
  /** Which argument, 0 to 5. */
  readonly index: number;
  /** What it is compared with; the mask for SCMP_CMP_MASKED_EQ. At most 2^53. */
  readonly value: number;
  /** What the masked argument is compared with, for SCMP_CMP_MASKED_EQ. At most 2^53. */
  readonly valueTwo?: number | undefined;
  /** How the argument is compared. */
  readonly op: SeccompOperator;
}
