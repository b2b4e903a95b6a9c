/**
 * Compiles `linux.seccomp` of config.json to the BPF program that the kernel loads.
 *
 * libseccomp makes the program; in front of it comes the stub for calls that are newer than the
 * profile (enosys_stub.ts). Nothing of the kernel's state is changed here.
 *
 * Source: config-linux.md "Seccomp", seccomp(2), seccomp_rule_add(3).
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import { ENOSYS, EPERM, SyscallError } from "../../../ffi/c/errno.ts";
import {
  type Comparison,
  MOST_INSTRUCTIONS,
  SCMP_CMP,
  SCMP_FLTATR_CTL_OPTIMIZE,
  SECCOMP_RET,
  type SeccompFilter,
  type SeccompLibrary,
} from "../../../ffi/seccomp/seccomp.ts";
import type { SeccompAction, SeccompOperator } from "../../config/types/names.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../../config/types/seccomp.ts";
import { ContainerError } from "../../errors.ts";
import { enosysStub, type LargestCall } from "./enosys_stub.ts";
import { INSTRUCTION_SIZE } from "./filter_assembler.ts";

/** A profile as the kernel wants it. */
export interface CompiledProfile {
  /** 8 bytes an instruction. */
  readonly program: Uint8Array<ArrayBuffer>;
  /** The names that libseccomp doesn't know; the profile says nothing of these calls. */
  readonly unknown: readonly string[];
}

/** From so many rules on, libseccomp's binary tree is better than its list. */
const LONG_LIST = 32;
const BINARY_TREE = 2;

const ACTIONS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET.KILL_PROCESS,
  SCMP_ACT_TRAP: SECCOMP_RET.TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET.ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET.TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET.ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET.LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET.NOTIFY,
};

const OPERATORS: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: SCMP_CMP.NE,
  SCMP_CMP_LT: SCMP_CMP.LT,
  SCMP_CMP_LE: SCMP_CMP.LE,
  SCMP_CMP_EQ: SCMP_CMP.EQ,
  SCMP_CMP_GE: SCMP_CMP.GE,
  SCMP_CMP_GT: SCMP_CMP.GT,
  SCMP_CMP_MASKED_EQ: SCMP_CMP.MASKED_EQ,
};

/**
 * Default actions that let a call happen, or leave the answer to a tracer, which may know newer
 * calls than the profile.
 */
const PERMISSIVE: ReadonlySet<SeccompAction> = new Set([
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_TRACE",
]);

/**
 * Compiles a valid profile.
 *
 * @throws {ContainerError} `Unsupported` for an architecture or action that this libseccomp can't
 *   do, `ConfigInvalid` for rules that contradict each other or are too many
 */
export function compileProfile(library: SeccompLibrary, seccomp: Seccomp): CompiledProfile {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp;
  const otherwise = actionNumber(defaultAction, defaultErrnoRet);
  using filter = library.filter(otherwise);
  const architectures = addArchitectures(library, filter, seccomp);
  const rules = new RuleAdder(library, filter, otherwise);
  syscalls.forEach((syscall, k) => rules.add(syscall, `${POINTER}/syscalls/${k}`));
  if (rules.count > LONG_LIST) optimize(filter);
  const isOpen = PERMISSIVE.has(defaultAction) || defaultErrnoRet === ENOSYS;
  const stub = enosysStub(isOpen ? [] : largestCalls(library, architectures, syscalls));
  const compiled = filter.export();
  const program = new Uint8Array(stub.length + compiled.length);
  program.set(stub);
  program.set(compiled, stub.length);
  requireSize(program.length / INSTRUCTION_SIZE);
  return { program, unknown: [...rules.unknown] };
}

const POINTER = "/linux/seccomp";

/** An action as the kernel's number. The low bits carry the errno, for actions that have one. */
function actionNumber(action: SeccompAction, errnoRet: number | undefined): number {
  const carries = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return ACTIONS[action] + (carries ? errnoRet ?? EPERM : 0);
}

/** Adds the profile's architectures to the native one; gives the tokens of all. */
function addArchitectures(
  library: SeccompLibrary,
  filter: SeccompFilter,
  { architectures = [] }: Seccomp,
): ReadonlySet<number> {
  const tokens = new Set([library.nativeArchitecture]);
  architectures.forEach((name, k) => {
    const token = library.architecture(name.replace("SCMP_ARCH_", "").toLowerCase());
    const refuse = (why: string, errno?: string) =>
      new ContainerError("Unsupported", `the system call filter can't have ${name}: ${why}`, {
        step: "seccomp",
        ...(errno === undefined ? {} : { syscall: "seccomp_arch_add", errno }),
        pointer: `${POINTER}/architectures/${k}`,
        hint: "name this machine's architecture and those that its kernel can run",
      });
    if (token === undefined) throw refuse(`libseccomp ${library.version} doesn't know it`);
    if (tokens.has(token)) return;
    try {
      filter.addArchitecture(token);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      const other = "its byte order is another than this machine's";
      throw refuse(error.code === "EDOM" ? other : error.message, error.code);
    }
    tokens.add(token);
  });
  return tokens;
}

/** Adds rules to a filter. */
class RuleAdder {
  /** How many were added. */
  count = 0;
  /** Names that libseccomp doesn't know. */
  readonly unknown = new Set<string>();
  readonly #library: SeccompLibrary;
  readonly #filter: SeccompFilter;
  readonly #defaultAction: number;

  constructor(library: SeccompLibrary, filter: SeccompFilter, defaultAction: number) {
    this.#library = library;
    this.#filter = filter;
    this.#defaultAction = defaultAction;
  }

  add({ names, action, errnoRet, args = [] }: SeccompSyscall, pointer: string): void {
    const number = actionNumber(action, errnoRet);
    if (number === this.#defaultAction) return; // libseccomp refuses what changes nothing
    const alternatives = conditions(args);
    names.forEach((name, k) => {
      const syscall = this.#library.syscallNumber(name);
      if (syscall === undefined) {
        this.unknown.add(name);
        return;
      }
      for (const comparisons of alternatives) {
        try {
          this.#filter.addRule(number, syscall, comparisons);
        } catch (error) {
          throw ruleError(error, name, `${pointer}/names/${k}`);
        }
        this.count++;
      }
    });
  }
}

/**
 * The conditions of a rule, as rules of libseccomp. A rule there has at most one condition on each
 * argument. If there are several on one argument, each condition becomes a rule of its own, so that
 * one of them is enough. All runtimes read profiles this way, and some profiles rely on it.
 */
function conditions(args: readonly SeccompArg[]): readonly (readonly Comparison[])[] {
  const all = args.map(({ index, op, value, valueTwo = 0 }): Comparison => ({
    index,
    operator: OPERATORS[op],
    value: BigInt(value),
    valueTwo: BigInt(valueTwo),
  }));
  const isOneEach = new Set(args.map(({ index }) => index)).size === args.length;
  return isOneEach ? [all] : all.map((comparison) => [comparison]);
}

function ruleError(error: unknown, name: string, pointer: string): ContainerError {
  const contradicts = failedWith(error, "EEXIST");
  return syscallFailure(
    error,
    contradicts ? "ConfigInvalid" : "Unsupported",
    contradicts
      ? `the rule for ${name} contradicts another with the same conditions`
      : `libseccomp can't add the rule for ${name}`,
    { step: "seccomp", pointer },
  );
}

function optimize(filter: SeccompFilter): void {
  try {
    filter.setAttribute(SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error; // an older libseccomp makes a list
  }
}

/** The largest call that the profile names, architecture by architecture. */
function largestCalls(
  library: SeccompLibrary,
  architectures: ReadonlySet<number>,
  syscalls: readonly SeccompSyscall[],
): LargestCall[] {
  const names = new Set(syscalls.flatMap((syscall) => syscall.names));
  return [...architectures].flatMap((architecture) => {
    let number = 0;
    for (const name of names) {
      number = Math.max(number, library.syscallNumber(name, architecture) ?? 0);
    }
    return number === 0 ? [] : [{ architecture, number }];
  });
}

function requireSize(instructions: number): void {
  if (instructions <= MOST_INSTRUCTIONS) return;
  throw new ContainerError(
    "ConfigInvalid",
    `the system call filter has ${instructions} instructions, the kernel takes ${MOST_INSTRUCTIONS}`,
    { step: "seccomp", pointer: `${POINTER}/syscalls`, hint: "use fewer rules with conditions" },
  );
}
