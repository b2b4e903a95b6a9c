/**
 * What the kernel and the library know of seccomp, asked without setting a filter.
 *
 * Source: seccomp(2), linux/seccomp.h, seccomp_version(3).
 *
 * @module
 */

import { SyscallProgram } from "./program.ts";

const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;
const NEW_LISTENER = 8;
const EFAULT = 14;

/** The flags of a filter, by their names; the last is one of a filter with a listener. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32 | NEW_LISTENER,
};

/** What a filter may answer, by libseccomp's names: SECCOMP_RET_… */
const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
};

/** What there is. */
export interface SeccompSupport {
  /** The library's version, such as `2.5.4`; undefined without the library. */
  readonly library: string | undefined;
  /** The names of the kernel's actions. */
  readonly actions: readonly string[];
  /** The names of the kernel's flags. */
  readonly flags: readonly string[];
}

/** Asks. */
export function probeSeccomp(): SeccompSupport {
  return {
    library: libseccompVersion(),
    actions: Object.keys(ACTIONS).filter((name) => hasAction(ACTIONS[name] as number)),
    flags: Object.keys(FLAGS).filter((name) => hasFlags(FLAGS[name] as number)),
  };
}

/** Whether the kernel knows flags: it looks at them before it finds that there is no filter. */
export function hasFlags(flags: number): boolean {
  return seccomp([SECCOMP_SET_MODE_FILTER, flags, 0]) === -EFAULT;
}

/** Whether the kernel knows an answer of a filter. */
export function hasAction(action: number): boolean {
  const number = new Uint8Array(new Uint32Array([action]).buffer);
  return seccomp([SECCOMP_GET_ACTION_AVAIL, 0, number]) === 0;
}

function seccomp(args: readonly (number | Uint8Array)[]): number {
  const program = new SyscallProgram([{ syscall: "seccomp", args, onError: "continue" }]);
  program.run();
  return program.result(0);
}

function libseccompVersion(): string | undefined {
  const library = openLibseccomp();
  try {
    const version = library?.symbols.seccomp_version() ?? null;
    if (version === null) return undefined;
    const view = new Deno.UnsafePointerView(version);
    return [0, 4, 8].map((offset) => view.getUint32(offset)).join(".");
  } finally {
    library?.close();
  }
}

function openLibseccomp() {
  try {
    return Deno.dlopen("libseccomp.so.2", {
      /** const struct scmp_version *seccomp_version(void) */
      seccomp_version: { parameters: [], result: "pointer" },
    });
  } catch {
    return undefined; // dlopen(3) found none
  }
}
