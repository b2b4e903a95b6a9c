/**
 * The numbers of the system calls that hull makes by number: those of syscall programs, and those
 * that the C library of a supported host may lack.
 *
 * Source: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h.
 *
 * @module
 */

/** The numbers of each system call by its name: on x86_64, and on aarch64. */
export const SYSCALL_NUMBERS = {
  accept4: [288, 242],
  bind: [49, 200],
  bpf: [321, 280],
  capset: [126, 91],
  chdir: [80, 49],
  chroot: [161, 51],
  clock_gettime: [228, 113],
  clone: [56, 220],
  clone3: [435, 435],
  close: [3, 57],
  close_range: [436, 436],
  connect: [42, 203],
  dup3: [292, 24],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_pwait: [281, 22],
  eventfd2: [290, 19],
  execve: [59, 221],
  execveat: [322, 281],
  exit_group: [231, 94],
  faccessat2: [439, 439],
  fchdir: [81, 50],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchown: [93, 55],
  fchownat: [260, 54],
  fcntl: [72, 25],
  flock: [73, 32],
  ftruncate: [77, 46],
  fgetxattr: [193, 10],
  flistxattr: [196, 13],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fsetxattr: [190, 7],
  fspick: [433, 433],
  fstat: [5, 80],
  fstatfs: [138, 44],
  futex: [202, 98],
  getcwd: [79, 17],
  getdents64: [217, 61],
  getrandom: [318, 278],
  getpid: [39, 172],
  getppid: [110, 173],
  getsockopt: [55, 209],
  getrusage: [98, 165],
  gettid: [186, 178],
  ioctl: [16, 29],
  ioprio_set: [251, 30],
  keyctl: [250, 219],
  kill: [62, 129],
  linkat: [265, 37],
  listen: [50, 201],
  lseek: [8, 62],
  madvise: [28, 233],
  memfd_create: [319, 279],
  mkdirat: [258, 34],
  mknodat: [259, 33],
  mmap: [9, 222],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  mprotect: [10, 226],
  munmap: [11, 215],
  nanosleep: [35, 101],
  open_tree: [428, 428],
  openat: [257, 56],
  openat2: [437, 437],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pidfd_open: [434, 434],
  pidfd_send_signal: [424, 424],
  pipe2: [293, 59],
  pivot_root: [155, 41],
  ppoll: [271, 73],
  prctl: [157, 167],
  pread64: [17, 67],
  prlimit64: [302, 261],
  process_vm_readv: [310, 270],
  read: [0, 63],
  readlinkat: [267, 78],
  recvfrom: [45, 207],
  recvmsg: [47, 212],
  renameat2: [316, 276],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  sched_setaffinity: [203, 122],
  sched_setattr: [314, 274],
  sched_yield: [24, 124],
  seccomp: [317, 277],
  sendfile: [40, 71],
  sendmsg: [46, 211],
  sendto: [44, 206],
  set_mempolicy: [238, 237],
  setdomainname: [171, 162],
  setgroups: [116, 159],
  sethostname: [170, 161],
  setns: [308, 268],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsid: [112, 157],
  setsockopt: [54, 208],
  shutdown: [48, 210],
  signalfd4: [289, 74],
  socket: [41, 198],
  socketpair: [53, 199],
  splice: [275, 76],
  statx: [332, 291],
  symlinkat: [266, 36],
  syncfs: [306, 267],
  timerfd_create: [283, 85],
  timerfd_settime: [286, 86],
  truncate: [76, 45],
  umask: [95, 166],
  umount2: [166, 39],
  unlinkat: [263, 35],
  unshare: [272, 97],
  wait4: [61, 260],
  utimensat: [280, 88],
  waitid: [247, 95],
  write: [1, 64],
} as const satisfies Record<string, readonly [number, number]>;

/** The name of a system call that hull knows the number of. */
export type SyscallName = keyof typeof SYSCALL_NUMBERS;

const COLUMN = Deno.build.arch === "aarch64" ? 1 : 0;

/**
 * The number of a system call on this machine's CPU.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { syscallNumber } from "./syscalls.ts";
 * assert(syscallNumber("clone3") === 435);
 * ```
 */
export function syscallNumber(name: SyscallName): number {
  return SYSCALL_NUMBERS[name][COLUMN];
}
