/**
 * The one door to the C library: every symbol that hull calls, with its C types, and the check of a
 * call's result.
 *
 * A call that the C library of a supported host may not wrap goes through its syscall(2), bound
 * once for each signature. errno is read in the very next call, on the same thread.
 *
 * @module
 */

import { SyscallError } from "./errno.ts";

/** What every start of a container needs: binding a symbol takes time. */
const { symbols } = Deno.dlopen("libc.so.6", {
  /** int *__errno_location(void) */
  __errno_location: { parameters: [], result: "pointer" },
  /** void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) */
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  /** int mprotect(void *addr, size_t length, int prot) */
  mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  /** void *memcpy(void *dest, const void *src, size_t n) */
  memcpy: { parameters: ["pointer", "buffer", "usize"], result: "pointer" },
  /** int close(int fd) */
  close: { parameters: ["i32"], result: "i32" },
  /** ssize_t read(int fd, void *buf, size_t count) */
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** ssize_t write(int fd, const void *buf, size_t count) */
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** int openat(int dirfd, const char *path, int flags, mode_t mode) */
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  /** long syscall(SYS_openat2, int dirfd, const char *path, struct open_how *how, size_t size) */
  openat2: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "buffer", "usize"],
    result: "i64",
  },
  /** int mkdirat(int dirfd, const char *path, mode_t mode) */
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev) */
  mknodat: { parameters: ["i32", "buffer", "u32", "u64"], result: "i32" },
  /** int unlinkat(int dirfd, const char *path, int flags) */
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  /** int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *buf) */
  statx: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "i32", "u32", "buffer"],
    result: "i64",
  },
  /** int fcntl(int fd, int cmd, long argument) */
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  /** int flock(int fd, int operation) */
  flock: { parameters: ["i32", "i32"], result: "i32" },
  /** int pipe2(int fds[2], int flags) */
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  /** int waitid(idtype_t idtype, id_t id, siginfo_t *info, int options) */
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },
  /** int epoll_create1(int flags) */
  epoll_create1: { parameters: ["i32"], result: "i32" },
  /** int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) */
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  /** int eventfd(unsigned int initval, int flags) */
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** long syscall(SYS_prctl, int option, unsigned long, unsigned long, unsigned long, unsigned long) */
  prctl: {
    name: "syscall",
    parameters: ["i64", "i32", "u64", "u64", "u64", "u64"],
    result: "i64",
  },
});

/** What few programs need: bound when the first of them is called. */
const RARE = {
  /** int symlinkat(const char *target, int dirfd, const char *path) */
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  /** ssize_t readlinkat(int dirfd, const char *path, char *buf, size_t size) */
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
  /** int fchownat(int dirfd, const char *path, uid_t owner, gid_t group, int flags) */
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  /** int fchmod(int fd, mode_t mode) */
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  /** int fstatfs(int fd, struct statfs *buf) */
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  /** int ioctl(int fd, unsigned long request, long argument) */
  ioctl: { parameters: ["i32", "u64", "i64"], result: "i32" },
  /** int socketpair(int domain, int type, int protocol, int fds[2]) */
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  /** int socket(int domain, int type, int protocol) */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** int connect(int fd, const struct sockaddr *address, socklen_t length) */
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** int setsockopt(int fd, int level, int name, const void *value, socklen_t length) */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** ssize_t sendto(int fd, const void *, size_t, int flags, const struct sockaddr *, socklen_t) */
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  /** ssize_t recvfrom(int fd, void *, size_t, int flags, struct sockaddr *, socklen_t *length) */
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "isize" },
  /** int dup3(int oldfd, int newfd, int flags) */
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** int unshare(int flags) */
  unshare: { parameters: ["i32"], result: "i32" },
  /** int setns(int fd, int nstype) */
  setns: { parameters: ["i32", "i32"], result: "i32" },
  /** int mount(const char *source, const char *target, const char *type, unsigned long, const void *) */
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  /** int umount2(const char *target, int flags) */
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  /** int kill(pid_t pid, int signal) */
  kill: { parameters: ["i32", "i32"], result: "i32" },
  /** int syscall(SYS_pidfd_open, pid_t pid, unsigned int flags) */
  pidfd_open: { name: "syscall", parameters: ["i64", "i32", "u32"], result: "i64" },
  /** int syscall(SYS_pidfd_send_signal, int pidfd, int signal, siginfo_t *, unsigned int flags) */
  pidfd_send_signal: {
    name: "syscall",
    parameters: ["i64", "i32", "i32", "usize", "u32"],
    result: "i64",
  },
  /** int prlimit64(pid_t pid, int resource, const struct rlimit64 *new, struct rlimit64 *old) */
  prlimit64: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  /** int memfd_create(const char *name, unsigned int flags) */
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  /** off_t lseek(int fd, off_t offset, int whence) */
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  /** long syscall(SYS_pidfd_getfd, int pidfd, int targetfd, unsigned int flags) */
  pidfd_getfd: { name: "syscall", parameters: ["i64", "i32", "i32", "u32"], result: "i64" },
  /** long syscall(SYS_bpf, int cmd, union bpf_attr *attr, unsigned int size) */
  bpf: { name: "syscall", parameters: ["i64", "i32", "buffer", "u32"], result: "i64" },
} as const;

type RareSymbols = Deno.DynamicLibrary<typeof RARE>["symbols"];

function bindRarely(): RareSymbols {
  let bound: RareSymbols | undefined;
  const get = (name: keyof RareSymbols) => () =>
    (bound ??= Deno.dlopen("libc.so.6", RARE).symbols)[name];
  const names = Object.keys(RARE) as (keyof RareSymbols)[];
  const getters = names.map((name) => [name, { get: get(name) }] as const);
  return Object.defineProperties({}, Object.fromEntries(getters)) as RareSymbols;
}

/** The bound symbols; only the files of ffi/ use them. */
export const libc: typeof symbols & RareSymbols = Object.defineProperties(
  { ...symbols },
  Object.getOwnPropertyDescriptors(bindRarely()),
) as typeof symbols & RareSymbols;

const errnoView = new Deno.UnsafePointerView(
  symbols.__errno_location() as Deno.PointerObject<unknown>,
);

/** The errno of the last failed call of this thread. */
export function lastErrno(): number {
  return errnoView.getInt32();
}

/**
 * Gives a call's result back as a number, or throws what errno says.
 *
 * @throws {SyscallError} if the result is -1
 */
export function checked(syscall: string, result: number | bigint, path?: string): number {
  if (result < 0) throw new SyscallError(syscall, errnoView.getInt32(), path);
  return Number(result);
}
