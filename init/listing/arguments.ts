/**
 * The arguments of the system calls as strace would show them, with a signature for each call.
 *
 * @module
 */

import { AT_FDCWD } from "../../ffi/files/file.ts";
import { S_IFMT } from "../../ffi/files/file_status.ts";
import type { Argument, Operation } from "../../ffi/program/operation.ts";
import { MPOL_FLAG } from "../../ffi/processes/memory_policy.ts";
import { RLIMITS } from "../../ffi/processes/rlimit.ts";
import { IOPRIO_CLASS_SHIFT, readSchedulerAttributes } from "../../ffi/processes/scheduler.ts";
import { signalName } from "../../ffi/processes/signals.ts";
import type { SyscallName } from "../../ffi/c/syscalls.ts";
import { constantName, type ConstantTable, flagNames, type FlagTable } from "./flags.ts";

type Show = (argument: Argument) => string;

const decoder = new TextDecoder("utf-8", { fatal: true });
const RLIMIT_NAMES = new Map(Object.entries(RLIMITS).map(([name, number]) => [number, name]));

/** An argument of which nothing more is known. */
function plain(argument: Argument): string {
  if (typeof argument === "number" || typeof argument === "bigint") return String(argument);
  if (typeof argument === "string") return JSON.stringify(argument);
  if (argument instanceof Uint8Array) return textOrSize(argument);
  if ("result" in argument) return `<${argument.result}>`;
  if ("words" in argument) return listed(argument.words);
  if ("space" in argument) return `[${argument.space} bytes]`;
  if ("fault" in argument) return "<no value>";
  if ("field" in argument) return `<${argument.field.name} at ${argument.offset}>`;
  if ("heldIn" in argument) return `<value of ${argument.heldIn.name} at ${argument.offset}>`;
  if ("placeOf" in argument) return `<place of ${argument.placeOf}>`;
  return `<program ${argument.self}>`;
}

function listed(words: readonly Argument[]): string {
  const strings = words.filter((word) => word !== 0).map(plain);
  return `[${strings.join(", ")}]`;
}

/** Bytes as text where they are text. */
function textOrSize(bytes: Uint8Array): string {
  try {
    const text = decoder.decode(bytes);
    // deno-lint-ignore no-control-regex -- a struct holds such bytes, a text does not
    if (text !== "" && !/[\x00-\x08\x0e-\x1f]/.test(text)) return JSON.stringify(text);
  } catch { /* no text: a struct */ }
  return `[${bytes.length} bytes]`;
}

const folder: Show = (argument) => argument === AT_FDCWD ? "AT_FDCWD" : plain(argument);

const octal: Show = (argument) =>
  typeof argument === "number" && argument !== 0 ? `0${argument.toString(8)}` : plain(argument);

const flags = (table: FlagTable): Show => (argument) =>
  isNumber(argument) ? flagNames(BigInt(argument), table) : plain(argument);

const constant = (table: ConstantTable): Show => (argument) =>
  isNumber(argument) ? constantName(BigInt(argument), table) : plain(argument);

const signal: Show = (argument) =>
  typeof argument === "number" ? signalName(argument) : plain(argument);

/** A string, or NULL. */
const pointer: Show = (argument) => argument === 0 ? "NULL" : plain(argument);

/** A buffer that the kernel fills. */
const buffer: Show = (argument) =>
  argument instanceof Uint8Array ? `[${argument.length} bytes]` : plain(argument);

const fileMode: Show = (argument) => {
  if (typeof argument !== "number") return plain(argument);
  const type = flagNames(BigInt(argument & S_IFMT), "FILE_TYPE");
  return `${type}|0${(argument & ~S_IFMT).toString(8)}`;
};

const deviceNumber: Show = (argument) => {
  if (!isNumber(argument)) return plain(argument);
  const number = BigInt(argument);
  if (number === 0n) return "0";
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `makedev(${major}, ${minor})`;
};

const openHow: Show = (argument) => {
  const [open = 0n, mode = 0n, resolve = 0n] = words(argument);
  const withMode = mode === 0n ? "" : `, mode=0${mode.toString(8)}`;
  return `{flags=${flagNames(open, "OPEN")}${withMode}, resolve=${flagNames(resolve, "RESOLVE")}}`;
};

const mountAttributes: Show = (argument) => {
  const [set = 0n, clear = 0n, propagation = 0n] = words(argument);
  const spreads = propagation === 0n
    ? ""
    : `, propagation=${flagNames(propagation, "PROPAGATION")}`;
  const [on, off] = [set, clear].map((value) => flagNames(value, "MOUNT_ATTR"));
  return `{attr_set=${on}, attr_clr=${off}${spreads}}`;
};

const cloneArguments: Show = (argument) => {
  if (typeof argument !== "object" || !("words" in argument)) return plain(argument);
  const [cloneFlags = 0, , , , exitSignal] = argument.words;
  const raises = exitSignal === 0 ? "0" : "SIGCHLD";
  return `{flags=${flags("CLONE")(cloneFlags)}, exit_signal=${raises}}`;
};

const filterProgram: Show = (argument) => {
  if (typeof argument !== "object" || !("words" in argument)) return plain(argument);
  return `{len=${argument.words[0]}, filter=[…]}`;
};

const rlimit: Show = (argument) => {
  const [soft, hard] = words(argument).map((value) =>
    value === 0xffffffffffffffffn ? "RLIM64_INFINITY" : String(value)
  );
  return `{rlim_cur=${soft}, rlim_max=${hard}}`;
};

/** struct ifreq: a name and flags. */
const interfaceRequest: Show = (argument) => {
  if (!(argument instanceof Uint8Array) || argument.length !== 40) return plain(argument);
  const name = new TextDecoder().decode(argument.subarray(0, argument.indexOf(0)));
  const bits = (argument[16] ?? 0) | ((argument[17] ?? 0) << 8);
  return `{ifr_name=${JSON.stringify(name)}, ifr_flags=${flagNames(BigInt(bits), "INTERFACE")}}`;
};

const scheduler: Show = (argument) => {
  if (!(argument instanceof Uint8Array)) return plain(argument);
  const { policy, flags: bits, ...rest } = readSchedulerAttributes(argument);
  const values = Object.entries(rest).filter(([, value]) => value !== 0)
    .map(([name, value]) => `, sched_${name}=${value}`);
  const shown = bits === 0 ? "" : `, sched_flags=${flagNames(BigInt(bits), "SCHEDULER")}`;
  return `{sched_policy=${constantName(BigInt(policy), "SCHEDULER")}${shown}${values.join("")}}`;
};

/** An I/O priority: its class and its level. */
const ioPriority: Show = (argument) => {
  if (typeof argument !== "number") return plain(argument);
  const level = argument & ((1 << IOPRIO_CLASS_SHIFT) - 1);
  const name = constantName(BigInt(argument >> IOPRIO_CLASS_SHIFT), "IO_PRIORITY");
  return `IOPRIO_PRIO_VALUE(${name}, ${level})`;
};

const memoryMode: Show = (argument) => {
  if (typeof argument !== "number") return plain(argument);
  const bits = Object.values(MPOL_FLAG).reduce((sum, bit) => sum | bit, 0);
  const mode = constantName(BigInt(argument & ~bits), "MEMORY_POLICY");
  const given = argument & bits;
  return given === 0 ? mode : `${mode}|${flagNames(BigInt(given), "MEMORY_POLICY")}`;
};

/** A mask of CPUs or memory nodes, as the kernel's lists write it. */
const mask: Show = (argument) => {
  if (!(argument instanceof Uint8Array)) return pointer(argument);
  const has = (k: number) => ((argument[k >> 3] ?? 0) >> (k & 7) & 1) === 1;
  const ranges: string[] = [];
  for (let first = 0; first < 8 * argument.length; first++) {
    if (!has(first)) continue;
    let last = first;
    while (has(last + 1)) last++;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
    first = last;
  }
  return `[${ranges.join(",")}]`;
};

const resource: Show = (argument) =>
  typeof argument === "number" ? RLIMIT_NAMES.get(argument) ?? plain(argument) : plain(argument);

/** A struct of 64-bit numbers. */
function words(argument: Argument): bigint[] {
  if (!(argument instanceof Uint8Array)) return [];
  const view = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
  return Array.from({ length: argument.length >> 3 }, (_, k) => view.getBigUint64(8 * k, true));
}

function isNumber(argument: Argument): argument is number | bigint {
  return typeof argument === "number" || typeof argument === "bigint";
}

/** The calls whose arguments are shown as more than numbers. */
const SIGNATURES: Partial<Record<SyscallName, readonly Show[]>> = {
  clone3: [cloneArguments],
  close_range: [plain, plain, flags("CLOSE_RANGE")],
  dup3: [plain, plain, flags("OPEN")],
  execve: [plain, plain, (environment) => `[${count(environment)} variables]`],
  faccessat2: [folder, plain, constant("ACCESS_MODE"), flags("ACCESS")],
  fchownat: [folder, plain, plain, plain, flags("AT")],
  fcntl: [plain, constant("FCNTL")],
  fsconfig: [plain, constant("FSCONFIG"), pointer, pointer],
  fsmount: [plain, flags("FSMOUNT"), flags("MOUNT_ATTR")],
  fsopen: [plain, flags("FSOPEN")],
  fspick: [folder, plain, flags("FSPICK")],
  ioprio_set: [constant("IO_PRIORITY_WHO"), plain, ioPriority],
  ioctl: [plain, constant("IOCTL"), interfaceRequest],
  keyctl: [constant("KEYCTL")],
  mkdirat: [folder, plain, octal],
  mknodat: [folder, plain, fileMode, deviceNumber],
  mount_setattr: [folder, plain, flags("AT"), mountAttributes],
  move_mount: [folder, plain, folder, plain, flags("MOVE")],
  open_tree: [folder, plain, flags("TREE")],
  openat: [folder, plain, flags("OPEN"), octal],
  openat2: [folder, plain, openHow],
  prctl: [constant("PRCTL")],
  prlimit64: [plain, resource, rlimit, pointer],
  read: [plain, buffer],
  rt_sigaction: [signal],
  statx: [folder, plain, flags("AT")],
  rt_sigprocmask: [constant("SIGMASK")],
  sched_setaffinity: [plain, plain, mask],
  sched_setattr: [plain, scheduler],
  set_mempolicy: [memoryMode, mask],
  seccomp: [constant("SECCOMP_OPERATION"), flags("SECCOMP"), filterProgram],
  setns: [plain, flags("CLONE")],
  socket: [constant("FAMILY")],
  symlinkat: [plain, folder],
  umask: [octal],
  umount2: [plain, flags("UMOUNT")],
  unlinkat: [folder, plain, flags("UNLINK")],
  unshare: [flags("CLONE")],
};

function count(argument: Argument): number {
  return typeof argument === "object" && "words" in argument ? argument.words.length - 1 : 0;
}

/** Each argument of a call as text. */
export function showArguments({ syscall, args }: Pick<Operation, "syscall" | "args">): string[] {
  const signature = syscall === "jump" ? [] : SIGNATURES[syscall] ?? [];
  return args.map((argument, k) => (signature[k] ?? plain)(argument));
}
