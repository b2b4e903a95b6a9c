import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SeccompLibrary } from "../../../../../ffi/seccomp/seccomp.ts";
import type { Seccomp, SeccompSyscall } from "../../../../../src/config/types/seccomp.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import {
  type CompiledProfile,
  compileProfile,
} from "../../../../../src/security/filters/seccomp_profile.ts";
import { answerOf, type Call, I386, missingLibrary } from "../../../../fixtures/filter_machine.ts";
import { testWhere } from "../../../../fixtures/test_where.ts";

const MISSING = missingLibrary();
const ALLOW = 0x7fff0000;
const errno = (number: number) => 0x00050000 + number;
const EPERM = errno(1);
const ENOSYS = errno(38);
const OTHER_ARCH = Deno.build.arch === "aarch64" ? "SCMP_ARCH_ARM" : "SCMP_ARCH_X86";

function compile(seccomp: Seccomp): CompiledProfile {
  using library = SeccompLibrary.open();
  return compileProfile(library, seccomp);
}

function numberOf(name: string, architecture?: number): number {
  using library = SeccompLibrary.open();
  return library.syscallNumber(name, architecture) as number;
}

/** What a profile answers to calls by name, with arguments. */
function answers(
  seccomp: Seccomp,
  calls: readonly (readonly [name: string, ...args: bigint[]])[],
): number[] {
  const { program } = compile(seccomp);
  return calls.map(([name, ...args]) => answerOf(program, { number: numberOf(name), args }));
}

function refusal(seccomp: Seccomp): ContainerError {
  return assertThrows(() => compile(seccomp), ContainerError);
}

const deny = (...syscalls: SeccompSyscall[]): Seccomp => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls,
});

testWhere(
  MISSING,
  "each action is what the kernel calls it, with the errno that was chosen",
  () => {
    const expected = {
      SCMP_ACT_KILL: 0,
      SCMP_ACT_KILL_THREAD: 0,
      SCMP_ACT_KILL_PROCESS: 0x80000000,
      SCMP_ACT_TRAP: 0x00030000,
      SCMP_ACT_ERRNO: EPERM,
      SCMP_ACT_TRACE: 0x7ff00001,
      SCMP_ACT_LOG: 0x7ffc0000,
      SCMP_ACT_NOTIFY: 0x7fc00000,
    } as const;
    for (const [action, answer] of Object.entries(expected)) {
      const profile = deny({ names: ["mkdirat"], action: action as keyof typeof expected });
      assertEquals(answers(profile, [["mkdirat"], ["getpid"]]), [answer, ALLOW], action);
    }
    const chosen = deny(
      { names: ["mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 },
      { names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 0 },
      { names: ["getppid"], action: "SCMP_ACT_TRACE", errnoRet: 7 },
    );
    assertEquals(answers(chosen, [["mkdirat"], ["getpid"], ["getppid"]]), [
      errno(95),
      errno(0),
      0x7ff00007,
    ]);
  },
);

testWhere(MISSING, "the default action and its errno", () => {
  const only = (rest: Partial<Seccomp>): Seccomp => ({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: ["landlock_restrict_self"], action: "SCMP_ACT_ALLOW" }],
    ...rest,
  });
  const calls = [["landlock_restrict_self"], ["getpid"]] as const;
  assertEquals(answers(only({}), calls), [ALLOW, EPERM]);
  assertEquals(answers(only({ defaultErrnoRet: 5 }), calls), [ALLOW, errno(5)]);
  assertEquals(answers(only({ defaultAction: "SCMP_ACT_KILL_PROCESS" }), calls), [
    ALLOW,
    0x80000000,
  ]);
  assertEquals(answers({ defaultAction: "SCMP_ACT_LOG" }, [["getpid"]]), [0x7ffc0000]);
});

/** For `value`, which arguments match with an operator: below, equal, above. */
const OPERATORS = {
  SCMP_CMP_NE: [true, false, true],
  SCMP_CMP_LT: [true, false, false],
  SCMP_CMP_LE: [true, true, false],
  SCMP_CMP_EQ: [false, true, false],
  SCMP_CMP_GE: [false, true, true],
  SCMP_CMP_GT: [false, false, true],
} as const;

for (const [op, matches] of Object.entries(OPERATORS)) {
  testWhere(MISSING, `${op} compares all 64 bits of an argument`, () => {
    for (const value of [5, 0xffffffff, 2 ** 40 + 5]) {
      const profile = deny({
        names: ["lseek"],
        action: "SCMP_ACT_ERRNO",
        args: [{ index: 1, value, op: op as keyof typeof OPERATORS }],
      });
      const seen = [BigInt(value) - 1n, BigInt(value), BigInt(value) + 1n]
        .map((argument) => ["lseek", 0n, argument] as const);
      const expected = matches.map((isMatch) => isMatch ? EPERM : ALLOW);
      assertEquals(answers(profile, seen), expected, String(value));
    }
  });
}

testWhere(MISSING, "SCMP_CMP_MASKED_EQ masks with value and compares with valueTwo", () => {
  const masked = (valueTwo?: number) =>
    deny({
      names: ["clone"],
      action: "SCMP_ACT_ERRNO",
      args: [{
        index: 0,
        value: 0x7e020000,
        op: "SCMP_CMP_MASKED_EQ",
        ...(valueTwo === undefined ? {} : { valueTwo }),
      }],
    });
  const calls = [["clone", 0x11n], ["clone", 0x10020011n], ["clone", 0x00020000n]] as const;
  assertEquals(answers(masked(), calls), [EPERM, ALLOW, ALLOW]);
  assertEquals(answers(masked(0x00020000), calls), [ALLOW, ALLOW, EPERM]);
});

testWhere(
  MISSING,
  "all conditions of a rule must hold; several on one argument are a rule each",
  () => {
    const equal = (index: number, value: number) => ({ index, value, op: "SCMP_CMP_EQ" } as const);
    const both = deny({
      names: ["lseek"],
      action: "SCMP_ACT_ERRNO",
      args: [equal(0, 1), equal(1, 2)],
    });
    const calls = [["lseek", 1n, 2n], ["lseek", 1n, 3n], ["lseek", 0n, 2n]] as const;
    assertEquals(answers(both, calls), [EPERM, ALLOW, ALLOW]);
    const either = deny({
      names: ["lseek"],
      action: "SCMP_ACT_ERRNO",
      args: [equal(0, 1), equal(0, 2), equal(2, 9)],
    });
    assertEquals(
      answers(either, [["lseek", 1n], ["lseek", 2n], ["lseek", 3n, 0n, 9n], ["lseek", 3n, 0n, 8n]]),
      [EPERM, EPERM, EPERM, ALLOW],
    );
  },
);

testWhere(MISSING, "names that libseccomp doesn't know are told and skipped", () => {
  const { program, unknown } = compile(
    deny({ names: ["no_such_call", "mkdirat", "nor_this"], action: "SCMP_ACT_ERRNO" }),
  );
  assertEquals(unknown, ["no_such_call", "nor_this"]);
  assertEquals(answerOf(program, { number: numberOf("mkdirat") }), EPERM);
});

testWhere(MISSING, "rules that change nothing are skipped, contradictions refused by place", () => {
  const profile = deny(
    { names: ["getpid"], action: "SCMP_ACT_ALLOW" },
    { names: ["mkdirat", "mkdirat"], action: "SCMP_ACT_ERRNO" },
  );
  assertEquals(answers(profile, [["getpid"], ["mkdirat"]]), [ALLOW, EPERM]);
  const args = [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] as const;
  const error = refusal(deny(
    { names: ["lseek"], action: "SCMP_ACT_ERRNO", args },
    { names: ["getpid", "lseek"], action: "SCMP_ACT_TRAP", args },
  ));
  assertEquals(
    [error.code, error.errno, error.pointer],
    ["ConfigInvalid", "EEXIST", "/linux/seccomp/syscalls/1/names/1"],
  );
});

testWhere(
  MISSING,
  "a further architecture has its own numbers; one that is not named is killed",
  () => {
    const rule: SeccompSyscall = { names: ["mkdirat"], action: "SCMP_ACT_ERRNO" };
    using library = SeccompLibrary.open();
    const other = library.architecture(OTHER_ARCH.slice("SCMP_ARCH_".length).toLowerCase()) ?? I386;
    const foreign: Call = { architecture: other, number: numberOf("mkdirat", other) };
    const native: Call = { number: numberOf("mkdirat") };
    const alone = compile(deny(rule)).program;
    assertEquals([answerOf(alone, native), answerOf(alone, foreign)], [EPERM, 0]);
    const both = compile({ ...deny(rule), architectures: [OTHER_ARCH, OTHER_ARCH] }).program;
    assertEquals([answerOf(both, native), answerOf(both, foreign)], [EPERM, EPERM]);
  },
);

testWhere(MISSING, "an architecture of another byte order is refused by place", () => {
  const error = refusal({ ...deny(), architectures: [OTHER_ARCH, "SCMP_ARCH_S390X"] });
  assertEquals([error.code, error.pointer], ["Unsupported", "/linux/seccomp/architectures/1"]);
  assertStringIncludes(error.message, "byte order");
});

testWhere(
  MISSING,
  "calls newer than the profile answer ENOSYS unless the default action is open",
  () => {
    const newest = numberOf("openat2");
    const asks = (rest: Partial<Seccomp>): number[] => {
      const { program } = compile({
        defaultAction: "SCMP_ACT_ERRNO",
        syscalls: [{ names: ["openat2", "getpid", "no_such_call"], action: "SCMP_ACT_ALLOW" }],
        ...rest,
      });
      return [newest, newest + 1, 9999].map((number) => answerOf(program, { number }));
    };
    assertEquals(asks({}), [ALLOW, ENOSYS, ENOSYS]);
    assertEquals(asks({ defaultErrnoRet: 2 }), [ALLOW, ENOSYS, ENOSYS]);
    assertEquals(asks({ defaultAction: "SCMP_ACT_KILL_PROCESS" }), [ALLOW, ENOSYS, ENOSYS]);
    assertEquals(asks({ defaultAction: "SCMP_ACT_TRAP" }), [ALLOW, ENOSYS, ENOSYS]);
    assertEquals(asks({ defaultErrnoRet: 38 }), [ALLOW, ENOSYS, ENOSYS]);
    assertEquals(asks({ defaultAction: "SCMP_ACT_LOG" }), [ALLOW, 0x7ffc0000, 0x7ffc0000]);
    assertEquals(asks({ defaultAction: "SCMP_ACT_TRACE" }), [ALLOW, 0x7ff00001, 0x7ff00001]);
    // A profile that names nothing knows no newest call.
    assertEquals(asks({ syscalls: [] }), [EPERM, EPERM, EPERM]);
  },
);

testWhere(MISSING, "a long list of rules answers like a short one", () => {
  using library = SeccompLibrary.open();
  const names = ["read", "write", "openat", "close", "mmap", "munmap", "brk", "ioctl", "pread64"]
    .concat(["pwrite64", "readv", "writev", "mremap", "msync", "mincore", "madvise", "dup", "dup3"])
    .concat(["socket", "connect", "accept", "sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown"])
    .concat([
      "bind",
      "listen",
      "clone",
      "execve",
      "exit",
      "wait4",
      "kill",
      "uname",
      "fcntl",
      "flock",
    ])
    .concat(["fsync", "getcwd", "chdir", "fchdir", "umask", "getuid", "setuid", "openat2"]);
  const { program } = compile({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
  });
  const allowed = new Set(names.map((name) => library.syscallNumber(name)));
  for (let number = 0; number <= numberOf("openat2"); number++) {
    assertEquals(answerOf(program, { number }), allowed.has(number) ? ALLOW : EPERM, `${number}`);
  }
});

testWhere(MISSING, "a filter that the kernel would find too long is refused", () => {
  const args = Array.from(
    { length: 2000 },
    (_, k) => ({ index: 0, value: 2 ** 33 * k + k, op: "SCMP_CMP_EQ" } as const),
  );
  const error = refusal(deny({ names: ["lseek"], action: "SCMP_ACT_ERRNO", args }));
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/seccomp/syscalls"]);
  assert(error.message.includes("4096"));
});
