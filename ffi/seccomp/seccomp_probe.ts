/**
 * What the kernel and the library know of seccomp, asked without setting a filter.
 *
 * Source: seccomp(2), linux/seccomp.h, seccomp_version(3).
 *
 * @module
 */

import { SyscallProgram } from "../program/program.ts";
import {
  LibraryMissingError,
  SECCOMP_RET,
  SeccompLibrary,
  supportsFilterFlags,
} from "./seccomp.ts";
import { SECCOMP_FILTER_FLAG } from "./seccomp_flags.ts";

const SECCOMP_GET_ACTION_AVAIL = 2;

const { TSYNC, LOG, SPEC_ALLOW, NEW_LISTENER, WAIT_KILLABLE_RECV } = SECCOMP_FILTER_FLAG;

/** The flags of a filter, by their names; the last is one of a filter with a listener. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: TSYNC,
  SECCOMP_FILTER_FLAG_LOG: LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: WAIT_KILLABLE_RECV | NEW_LISTENER,
};

/** What a filter may answer, by libseccomp's names. */
const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET.KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_TRAP: SECCOMP_RET.TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET.ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET.TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET.ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET.LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET.NOTIFY,
};

/** What the library and the kernel support. */
export interface SeccompSupport {
  /** The library's version, such as `2.5.4`; undefined without the library. */
  readonly library: string | undefined;
  /** The names of the kernel's actions. */
  readonly actions: readonly string[];
  /** The names of the kernel's flags. */
  readonly flags: readonly string[];
}

/** Asks the library and the kernel what they support. */
export function probeSeccomp(): SeccompSupport {
  return {
    library: libseccompVersion(),
    actions: Object.keys(ACTIONS).filter((name) => hasAction(ACTIONS[name] as number)),
    flags: Object.keys(FLAGS).filter((name) => supportsFilterFlags(FLAGS[name] as number)),
  };
}

/** Whether the kernel knows an answer of a filter. */
export function hasAction(action: number): boolean {
  const number = new Uint8Array(new Uint32Array([action]).buffer);
  const args = [SECCOMP_GET_ACTION_AVAIL, 0, number];
  const program = new SyscallProgram([{ syscall: "seccomp", args, onError: "continue" }]);
  program.run();
  return program.result(0) === 0;
}

function libseccompVersion(): string | undefined {
  try {
    using library = SeccompLibrary.open();
    return library.version;
  } catch (error) {
    if (error instanceof LibraryMissingError) return undefined;
    throw error;
  }
}
