/**
 * A system call filter of the size and shape of Docker's default one: what is not named fails with
 * EPERM, some hundred calls are allowed, some by their arguments, and clone3 is said not to exist.
 *
 * @module
 */

import type { Seccomp } from "../../src/config/types/seccomp.ts";
import { headerCalls } from "../../tests/fixtures/c_programs.ts";

/** What changes the host rather than the container. */
const DENIED = new Set(
  `_sysctl acct add_key afs_syscall bpf clock_adjtime clock_settime clone clone3 create_module
  delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms
  get_mempolicy getpmsg init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp
  kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages mount mount_setattr move_mount
  move_pages nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root
  process_vm_readv process_vm_writev ptrace putpmsg query_module quotactl quotactl_fd reboot
  request_key security set_mempolicy setdomainname sethostname setns settimeofday socket swapoff
  swapon sysfs syslog tuxcall umount2 unshare uselib userfaultfd ustat vhangup vserver`
    .split(/\s+/),
);

/** The calls that 32-bit programs have beside those. */
const LEGACY =
  `_llseek _newselect chown32 clock_getres_time64 clock_gettime64 clock_nanosleep_time64 fadvise64_64
  fchown32 fcntl64 fstat64 fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 geteuid32 getgid32
  getgroups32 getresgid32 getresuid32 getuid32 io_pgetevents_time64 ipc lchown32 lstat64 mmap2
  mq_timedreceive_time64 mq_timedsend_time64 nice oldfstat ppoll_time64 pselect6_time64 recv
  recvmmsg_time64 rt_sigtimedwait_time64 sched_rr_get_interval_time64 semtimedop_time64 send
  sendfile64 set_thread_area setfsgid32 setfsuid32 setgid32 setgroups32 setregid32 setresgid32
  setresuid32 setreuid32 setuid32 sigaction signal sigprocmask sigreturn socketcall stat64 statfs64
  timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64 ugetrlimit
  utimensat_time64 waitpid`.split(/\s+/);

/** The personalities that change nothing about security. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** CLONE_NEWNS and the other namespaces. */
const NAMESPACES = 0x7e020000;
const AF_VSOCK = 40;
const ENOSYS = 38;

/** The profile; it takes the names of the calls from the C library's headers. */
export function dockerLikeProfile(): Seccomp {
  const names = [...headerCalls().keys()].filter((name) => !DENIED.has(name));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: ARCHITECTURES[Deno.build.arch] ?? [],
    syscalls: [
      { names: [...names, ...LEGACY], action: "SCMP_ACT_ALLOW" },
      ...PERSONALITIES.map((value) => allowIf("personality", value, "SCMP_CMP_EQ")),
      allowIf("socket", AF_VSOCK, "SCMP_CMP_NE"),
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      },
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
    ],
  };
}

const ARCHITECTURES: Readonly<Record<string, Seccomp["architectures"]>> = {
  x86_64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  aarch64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

function allowIf(name: string, value: number, op: "SCMP_CMP_EQ" | "SCMP_CMP_NE") {
  return { names: [name], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value, op }] } as const;
}
