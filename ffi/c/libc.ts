/**
 * The one door to the C library: what hull calls of it, with its C types, and the check of a call's
 * result.
 *
 * When Deno binds a symbol, it compiles it to machine code. That takes a hundred times as long as a
 * call, and makes each later call a fifth of a microsecond faster. It pays for functions that a
 * long-lived program calls all the time, and is useless where V8 compiles nothing itself
 * (--jitless). Deno does not compile a symbol that has a struct among its parameters.
 *
 * Each call gives what the kernel gives: a number, or -errno. errno itself is read right after the
 * C function, on the same thread, yet it may be the engine's by then: between the two calls it
 * collects garbage, compiles, or runs a signal handler. Measured on Linux 6.18 that is one of some
 * million failed calls. So a call that failed is made again until it says the same twice. That
 * is right for calls that change nothing when they fail; the others are made once.
 *
 * @module
 */

import { EIO, SyscallError } from "./errno.ts";
import { type SyscallName, syscallNumber } from "./syscalls.ts";

type Bytes = BufferSource | null;

/** An extra last parameter that keeps Deno from compiling the symbol. */
export const UNCOMPILED = { struct: ["u8"] } as const;
/** The value of that parameter, which no function reads. */
export const UNREAD: Uint8Array<ArrayBuffer> = new Uint8Array(1);

/** `long syscall(long number, ...)` in the shapes that are called most. */
const SHAPES = {
  /** Numbers alone. */
  numbers: {
    name: "syscall",
    parameters: ["i32", "i64", "i64", "i64", "i64", "i64", "i64", UNCOMPILED],
    result: "i64",
  },
  /** An fd, or a folder, with bytes or a path; two numbers; and bytes. */
  onFd: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "i64", "i64", "buffer", UNCOMPILED],
    result: "i64",
  },
  /** A folder, a path, and bytes with their size. */
  onPath: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "buffer", "i64", UNCOMPILED],
    result: "i64",
  },
  /** Bytes, and a number. */
  onBytes: { name: "syscall", parameters: ["i32", "buffer", "i64", UNCOMPILED], result: "i64" },
  /** Two numbers; bytes; and two numbers. */
  onId: {
    name: "syscall",
    parameters: ["i32", "i32", "i64", "buffer", "i64", "i64", UNCOMPILED],
    result: "i64",
  },
  /** Three numbers, and bytes with a number. */
  onOption: {
    name: "syscall",
    parameters: ["i32", "i32", "i64", "i64", "buffer", "i64", UNCOMPILED],
    result: "i64",
  },
} as const;

/** Functions that are called rarely. */
const FUNCTIONS = {
  /** int *__errno_location(void) */
  __errno_location: { parameters: [UNCOMPILED], result: "pointer" },
  /** int symlinkat(const char *target, int dirfd, const char *path) */
  symlinkat: { parameters: ["buffer", "i32", "buffer", UNCOMPILED], result: "i32" },
  /** int renameat2(int olddirfd, const char *old, int newdirfd, const char *new, unsigned flags) */
  renameat2: {
    parameters: ["i32", "buffer", "i32", "buffer", "u32", UNCOMPILED],
    result: "i32",
  },
  /** int linkat(int olddirfd, const char *old, int newdirfd, const char *new, int flags) */
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32", UNCOMPILED], result: "i32" },
  /** int fchownat(int dirfd, const char *path, uid_t owner, gid_t group, int flags) */
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32", UNCOMPILED], result: "i32" },
  /** ssize_t sendto(int, const void *, size_t, int flags, const struct sockaddr *, socklen_t) */
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32", UNCOMPILED],
    result: "isize",
  },
  /** ssize_t recvfrom(int, void *, size_t, int flags, struct sockaddr *, socklen_t *length) */
  recvfrom: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer", UNCOMPILED],
    result: "isize",
  },
  /**
   * int mount(const char *source, const char *target, const char *type, unsigned long, const void
   * *)
   */
  mount: {
    parameters: ["buffer", "buffer", "buffer", "u64", "buffer", UNCOMPILED],
    result: "i32",
  },
  /** int prlimit64(pid_t pid, int resource, const struct rlimit64 *new, struct rlimit64 *old) */
  prlimit64: { parameters: ["i32", "i32", "buffer", "buffer", UNCOMPILED], result: "i32" },
} as const;

/** The shapes as they are, or without the extra parameter, so that Deno compiles them. */
function shapes(): typeof SHAPES {
  const isInterpreted = typeof WebAssembly === "undefined";
  if (isInterpreted) return SHAPES;
  const compiled = Object.entries(SHAPES).map(([name, { parameters, ...symbol }]) => {
    return [name, { ...symbol, parameters: parameters.slice(0, -1) }];
  });
  return Object.fromEntries(compiled);
}

const { symbols } = Deno.dlopen("libc.so.6", { ...FUNCTIONS, ...shapes() });

const errnoView = new Deno.UnsafePointerView(
  symbols.__errno_location(UNREAD) as Deno.PointerObject<unknown>,
);
/** How often a call is made that fails otherwise each time. */
const MOST_CALLS = 4;

/**
 * The result of a call that may be made again if it fails.
 *
 * @param last what it gave when it was made before
 */
export function sure(call: () => number | bigint, last = 0): number {
  for (let k = 0; k < MOST_CALLS; k++) {
    const result = once(call());
    if (result >= 0 || result === last) return result;
    last = result;
  }
  return last;
}

/**
 * The result of a call whose failure can't be asked for again. An errno of 0, which the engine may
 * have left, must not make a success of it.
 */
function once(result: number | bigint): number {
  return result < 0 ? -(errnoView.getInt32() || EIO) : Number(result);
}

// The two shapes that are called most make a function only where the first call fails.

/** A call whose arguments are numbers. */
function numbers(name: SyscallName, a: number, b = 0, c = 0, d = 0): number {
  const result = numbersOnce(name, a, b, c, d);
  return result < 0 ? sure(numbersOnce.bind(null, name, a, b, c, d), result) : result;
}

function numbersOnce(name: SyscallName, a: number, b: number, c: number, d: number): number {
  const number = syscallNumber(name);
  return once(
    symbols.numbers(number, BigInt(a), BigInt(b), BigInt(c), BigInt(d), 0n, 0n, UNREAD),
  );
}

/** A call on an fd with bytes, or on a folder with a path. */
function onFd(name: SyscallName, fd: number, bytes: Bytes, a = 0, b = 0, more: Bytes = null) {
  const result = onFdOnce(name, fd, bytes, a, b, more);
  return result < 0 ? sure(onFdOnce.bind(null, name, fd, bytes, a, b, more), result) : result;
}

function onFdOnce(name: SyscallName, fd: number, bytes: Bytes, a = 0, b = 0, more: Bytes = null) {
  return once(symbols.onFd(syscallNumber(name), fd, bytes, BigInt(a), BigInt(b), more, UNREAD));
}

function onPath(name: SyscallName, folder: number, path: Bytes, bytes: Bytes, size: number) {
  return sure(() => symbols.onPath(syscallNumber(name), folder, path, bytes, BigInt(size), UNREAD));
}

function onBytes(name: SyscallName, bytes: Bytes, a: number): number {
  return sure(() => symbols.onBytes(syscallNumber(name), bytes, BigInt(a), UNREAD));
}

/** The calls, each as its manual page has it; only the files of ffi/ use them. */
export const libc = {
  mmap: (length: bigint, protection: bigint, flags: bigint) =>
    sure(() =>
      symbols.numbers(syscallNumber("mmap"), 0n, length, protection, flags, -1n, 0n, UNREAD)
    ),
  mprotect: (address: bigint, length: bigint, protection: bigint) =>
    sure(() =>
      symbols.numbers(syscallNumber("mprotect"), address, length, protection, 0n, 0n, 0n, UNREAD)
    ),
  /** Made once: a close that fails has closed the fd, and its number may be another's by now. */
  close: (fd: number) => numbersOnce("close", fd, 0, 0, 0),
  /** Made once, as what follows: a socket tells of an error one time. */
  read: (fd: number, bytes: Bytes, size: number) => onFdOnce("read", fd, bytes, size),
  write: (fd: number, bytes: Bytes, size: number) => onFdOnce("write", fd, bytes, size),
  connect: (fd: number, address: Bytes, size: number) => onFdOnce("connect", fd, address, size),
  sendto: (fd: number, bytes: Bytes, size: number, flags: number, to: Bytes, toSize: number) =>
    once(symbols.sendto(fd, bytes, BigInt(size), flags, to, toSize, UNREAD)),
  recvfrom: (fd: number, bytes: Bytes, size: number, flags: number, from: Bytes, fromSize: Bytes) =>
    once(symbols.recvfrom(fd, bytes, BigInt(size), flags, from, fromSize, UNREAD)),
  openat: (folder: number, path: Bytes, flags: number, mode: number) =>
    onFd("openat", folder, path, flags, mode),
  openat2: (folder: number, path: Bytes, how: Bytes, size: number) =>
    onPath("openat2", folder, path, how, size),
  mkdirat: (folder: number, path: Bytes, mode: number) => onFd("mkdirat", folder, path, mode),
  mknodat: (folder: number, path: Bytes, mode: number, device: number) =>
    onFd("mknodat", folder, path, mode, device),
  symlinkat: (target: Bytes, folder: number, path: Bytes) =>
    sure(() => symbols.symlinkat(target, folder, path, UNREAD)),
  renameat2: (folder: number, from: Bytes, toFolder: number, to: Bytes, flags: number) =>
    sure(() => symbols.renameat2(folder, from, toFolder, to, flags, UNREAD)),
  linkat: (folder: number, from: Bytes, toFolder: number, to: Bytes, flags: number) =>
    sure(() => symbols.linkat(folder, from, toFolder, to, flags, UNREAD)),
  /** Without a path it is about the fd itself. */
  utimensat: (folder: number, path: Bytes, times: Bytes, flags: number) =>
    onPath("utimensat", folder, path, times, flags),
  readlinkat: (folder: number, path: Bytes, bytes: Bytes, size: number) =>
    onPath("readlinkat", folder, path, bytes, size),
  unlinkat: (folder: number, path: Bytes, flags: number) => onFd("unlinkat", folder, path, flags),
  fchownat: (folder: number, path: Bytes, owner: number, group: number, flags: number) =>
    sure(() => symbols.fchownat(folder, path, owner, group, flags, UNREAD)),
  fchmod: (fd: number, mode: number) => numbers("fchmod", fd, mode),
  statx: (folder: number, path: Bytes, flags: number, mask: number, status: Bytes) =>
    onFd("statx", folder, path, flags, mask, status),
  getdents64: (fd: number, bytes: Bytes, size: number) => onFd("getdents64", fd, bytes, size),
  fgetxattr: (fd: number, name: Bytes, value: number, size: number) =>
    onFd("fgetxattr", fd, name, value, size),
  fsetxattr: (fd: number, name: Bytes, value: number, size: number) =>
    onFd("fsetxattr", fd, name, value, size),
  fstatfs: (fd: number, status: Bytes) => onFd("fstatfs", fd, status),
  fcntl: (fd: number, command: number, argument: number) => numbers("fcntl", fd, command, argument),
  ioctl: (fd: number, request: number, argument: number) => numbers("ioctl", fd, request, argument),
  flock: (fd: number, operation: number) => numbers("flock", fd, operation),
  lseek: (fd: number, offset: number, whence: number) => numbers("lseek", fd, offset, whence),
  /** Both at their own offsets. */
  splice: (from: number, to: number, size: number, flags: number) =>
    sure(() =>
      symbols.numbers(
        syscallNumber("splice"),
        BigInt(from),
        0n,
        BigInt(to),
        0n,
        BigInt(size),
        BigInt(flags),
        UNREAD,
      )
    ),
  pipe2: (fds: Bytes, flags: number) => onBytes("pipe2", fds, flags),
  memfd_create: (name: Bytes, flags: number) => onBytes("memfd_create", name, flags),
  umount2: (target: Bytes, flags: number) => onBytes("umount2", target, flags),
  mount: (source: Bytes, target: Bytes, type: Bytes, flags: number, data: Bytes) =>
    sure(() => symbols.mount(source, target, type, BigInt(flags), data, UNREAD)),
  /** Without an address; a message that was not taken can be sent again. */
  send: (fd: number, bytes: Bytes, size: number, flags: number) =>
    onFd("sendto", fd, bytes, size, flags),
  recv: (fd: number, bytes: Bytes, size: number, flags: number) =>
    onFd("recvfrom", fd, bytes, size, flags),
  sched_yield: () => numbersOnce("sched_yield", 0, 0, 0, 0),
  shutdown: (fd: number, how: number) => numbers("shutdown", fd, how),
  accept4: (fd: number, flags: number) => numbers("accept4", fd, 0, 0, flags),
  socket: (domain: number, type: number, protocol: number) =>
    numbers("socket", domain, type, protocol),
  setsockopt: (fd: number, level: number, option: number, value: Bytes, size: number) =>
    sure(() =>
      symbols.onOption(
        syscallNumber("setsockopt"),
        fd,
        BigInt(level),
        BigInt(option),
        value,
        BigInt(size),
        UNREAD,
      )
    ),
  epoll_create1: (flags: number) => numbers("epoll_create1", flags),
  epoll_ctl: (epoll: number, operation: number, fd: number, event: Bytes) =>
    sure(() =>
      symbols.onOption(
        syscallNumber("epoll_ctl"),
        epoll,
        BigInt(operation),
        BigInt(fd),
        event,
        0n,
        UNREAD,
      )
    ),
  /** The bytes are told by their address. */
  getrandom: (address: number, size: number) => numbers("getrandom", address, size),
  eventfd2: (initial: number, flags: number) => numbers("eventfd2", initial, flags),
  /** What the child has used is written to an address, unless that is 0. */
  waitid: (type: number, id: number, info: Bytes, options: number, usage: bigint = 0n) =>
    sure(() =>
      symbols.onId(syscallNumber("waitid"), type, BigInt(id), info, BigInt(options), usage, UNREAD)
    ),
  kill: (pid: number, signal: number) => numbers("kill", pid, signal),
  pidfd_open: (pid: number, flags: number) => numbers("pidfd_open", pid, flags),
  pidfd_send_signal: (pidfd: number, signal: number) => numbers("pidfd_send_signal", pidfd, signal),
  pidfd_getfd: (pidfd: number, fd: number) => numbers("pidfd_getfd", pidfd, fd),
  prctl: (option: number, argument: number) => numbers("prctl", option, argument),
  unshare: (flags: number) => numbers("unshare", flags),
  setns: (fd: number, type: number) => numbers("setns", fd, type),
  prlimit64: (pid: number, resource: number, limits: Bytes, old: Bytes) =>
    sure(() => symbols.prlimit64(pid, resource, limits, old, UNREAD)),
  bpf: (command: number, attributes: Bytes, size: number) => onFd("bpf", command, attributes, size),
} as const;

/**
 * Gives a call's result back, or throws what it says.
 *
 * @throws {SyscallError} if the result is below 0: -errno
 */
export function checked(syscall: string, result: number, path?: string): number {
  if (result < 0) throw new SyscallError(syscall, -result, path);
  return result;
}
