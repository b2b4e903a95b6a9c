/**
 * What the doctor asks a host. Tests give their own answers.
 *
 * @module
 */

import { EPERM } from "../../ffi/c/errno.ts";
import { softLimitOf } from "../../ffi/processes/rlimit.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { isAdmin, isInUserNamespace, isOrdinaryUser } from "../own/rights.ts";
import { type ReadHost, readHost } from "../rootless/host_rules.ts";

/** A call as it is tried. */
export type Trial = Pick<Operation, "syscall" | "args">;

/** The questions. */
export interface Host {
  /** The kernel's release, such as `6.12.0`. */
  readonly release: string;
  /** The kind of CPU, such as `x86_64`. */
  readonly arch: string;
  readonly read: ReadHost;
  /** This program's user. */
  readonly uid: number;
  /** Whether this program has CAP_SYS_ADMIN, if only in its user namespace. */
  readonly isAdmin: boolean;
  readonly isInUserNamespace: boolean;
  /** Whether containers are made in a user namespace of their own in any case. */
  readonly isOrdinaryUser: boolean;
  /** The errno of a call that can't succeed; 0 if it did. */
  readonly attempt: (trial: Trial) => number;
  /** The soft limit of this program, such as that of `RLIMIT_NOFILE`; 2^64 for none. */
  readonly softLimit: (name: string) => number;
  /** The time of day in milliseconds since 1970. */
  readonly now: () => number;
}

/** This host. */
export function thisHost(): Host {
  return {
    release: Deno.osRelease(),
    arch: Deno.build.arch,
    read: readHost,
    uid: Deno.uid() ?? 0,
    isAdmin: isAdmin(),
    isInUserNamespace: isInUserNamespace(),
    isOrdinaryUser: isOrdinaryUser(),
    attempt,
    softLimit: softLimitOf,
    now: Date.now,
  };
}

function attempt(trial: Trial): number {
  const program = new SyscallProgram([trial]);
  program.run();
  return program.failure()?.errno ?? 0;
}

/**
 * Whether a call's errno says that something around hull forbids it: a filter does not look at the
 * arguments, and the kernel asks for the right before it does.
 *
 * @param needsRight whether the kernel wants CAP_SYS_ADMIN for it
 */
export function isForbidden(errno: number, needsRight: boolean, host: Host): boolean {
  return errno === EPERM && (!needsRight || host.isAdmin);
}
