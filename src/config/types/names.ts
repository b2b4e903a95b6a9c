/**
 * The closed word lists of the OCI runtime-spec 1.3: every value that an enumerated field of
 * config.json may have. The types are derived from them, the checks compare with them, and
 * `features` prints them.
 *
 * @module
 */

/** `linux.namespaces[].type` (config-linux.md, Namespaces). */
export const NAMESPACE_TYPES = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
] as const;
/** A kind of namespace, such as `pid`; one of {@linkcode NAMESPACE_TYPES}. */
export type NamespaceType = typeof NAMESPACE_TYPES[number];

/** `linux.rootfsPropagation` (config-linux.md, Rootfs Mount Propagation). */
export const ROOTFS_PROPAGATIONS = [
  "shared",
  "slave",
  "private",
  "unbindable",
  "rshared",
  "rslave",
  "rprivate",
  "runbindable",
] as const;
/** How mounts made later spread between the rootfs and the host, such as `rprivate`; one of {@linkcode ROOTFS_PROPAGATIONS}. */
export type RootfsPropagation = typeof ROOTFS_PROPAGATIONS[number];

/** `linux.devices[].type`: character, block, unbuffered character, fifo (mknod(1)). */
export const DEVICE_TYPES = ["c", "b", "u", "p"] as const;
/** A kind of device file, such as `c` for a character device; one of {@linkcode DEVICE_TYPES}. */
export type DeviceType = typeof DEVICE_TYPES[number];

/** `linux.resources.devices[].type`: all, character, block. */
export const DEVICE_RULE_TYPES = ["a", "c", "b"] as const;
/** A kind of device in a rule, such as `a` for all; one of {@linkcode DEVICE_RULE_TYPES}. */
export type DeviceRuleType = typeof DEVICE_RULE_TYPES[number];

/** `process.rlimits[].type` (getrlimit(2)). */
export const RLIMIT_TYPES = [
  "RLIMIT_AS",
  "RLIMIT_CORE",
  "RLIMIT_CPU",
  "RLIMIT_DATA",
  "RLIMIT_FSIZE",
  "RLIMIT_LOCKS",
  "RLIMIT_MEMLOCK",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_NOFILE",
  "RLIMIT_NPROC",
  "RLIMIT_RSS",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
  "RLIMIT_SIGPENDING",
  "RLIMIT_STACK",
] as const;
/** A resource that a process can be limited in, such as `RLIMIT_NOFILE`; one of {@linkcode RLIMIT_TYPES}. */
export type RlimitType = typeof RLIMIT_TYPES[number];

/** Linux' capabilities by number, 0 first (capabilities(7), Linux 5.9). */
export const CAPABILITY_NAMES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** `process.scheduler.policy` (sched(7)). */
export const SCHEDULER_POLICIES = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
] as const;
/** A CPU scheduling policy, such as `SCHED_FIFO`; one of {@linkcode SCHEDULER_POLICIES}. */
export type SchedulerPolicy = typeof SCHEDULER_POLICIES[number];

/** `process.scheduler.flags[]` (sched_setattr(2)). */
export const SCHEDULER_FLAGS = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
] as const;
/** A flag of CPU scheduling, such as `SCHED_FLAG_RESET_ON_FORK`; one of {@linkcode SCHEDULER_FLAGS}. */
export type SchedulerFlag = typeof SCHEDULER_FLAGS[number];

/** `process.ioPriority.class` (ioprio_set(2)). */
export const IO_PRIORITY_CLASSES = [
  "IOPRIO_CLASS_RT",
  "IOPRIO_CLASS_BE",
  "IOPRIO_CLASS_IDLE",
] as const;
/** A class of I/O scheduling, such as `IOPRIO_CLASS_IDLE`; one of {@linkcode IO_PRIORITY_CLASSES}. */
export type IoPriorityClass = typeof IO_PRIORITY_CLASSES[number];

/** `linux.personality.domain` (personality(2)). */
export const PERSONALITY_DOMAINS = ["LINUX", "LINUX32"] as const;
/** An execution domain: `LINUX32` shows a 32-bit system; one of {@linkcode PERSONALITY_DOMAINS}. */
export type PersonalityDomain = typeof PERSONALITY_DOMAINS[number];

/** `linux.memoryPolicy.mode` (set_mempolicy(2)). */
export const MEMORY_POLICY_MODES = [
  "MPOL_DEFAULT",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_WEIGHTED_INTERLEAVE",
  "MPOL_PREFERRED",
  "MPOL_PREFERRED_MANY",
  "MPOL_LOCAL",
] as const;
/** How memory is spread over NUMA nodes, such as `MPOL_BIND`; one of {@linkcode MEMORY_POLICY_MODES}. */
export type MemoryPolicyMode = typeof MEMORY_POLICY_MODES[number];

/** `linux.memoryPolicy.flags[]` (set_mempolicy(2)). */
export const MEMORY_POLICY_FLAGS = [
  "MPOL_F_NUMA_BALANCING",
  "MPOL_F_RELATIVE_NODES",
  "MPOL_F_STATIC_NODES",
] as const;
/** How the nodes of a memory policy are meant, such as `MPOL_F_STATIC_NODES`; one of {@linkcode MEMORY_POLICY_FLAGS}. */
export type MemoryPolicyFlag = typeof MEMORY_POLICY_FLAGS[number];

/** `linux.seccomp.defaultAction` and `.syscalls[].action` (seccomp(2)). */
export const SECCOMP_ACTIONS = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;
/** What a filter does with a system call, such as `SCMP_ACT_ERRNO`; one of {@linkcode SECCOMP_ACTIONS}. */
export type SeccompAction = typeof SECCOMP_ACTIONS[number];

/** `linux.seccomp.flags[]` (seccomp(2)). */
export const SECCOMP_FLAGS = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
] as const;
/** How a filter is loaded, such as `SECCOMP_FILTER_FLAG_LOG` for a note of what it refuses; one of {@linkcode SECCOMP_FLAGS}. */
export type SeccompFlag = typeof SECCOMP_FLAGS[number];

/** `linux.seccomp.syscalls[].args[].op`. */
export const SECCOMP_OPERATORS = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;
/** How an argument of a system call is compared, such as `SCMP_CMP_EQ`; one of {@linkcode SECCOMP_OPERATORS}. */
export type SeccompOperator = typeof SECCOMP_OPERATORS[number];

/** `linux.seccomp.architectures[]`. */
export const SECCOMP_ARCHITECTURES = [
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_LOONGARCH64",
  "SCMP_ARCH_M68K",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_SH",
  "SCMP_ARCH_SHEB",
  "SCMP_ARCH_PARISC",
  "SCMP_ARCH_PARISC64",
  "SCMP_ARCH_RISCV64",
] as const;
/** A CPU architecture whose calls are filtered, such as `SCMP_ARCH_X86_64`; one of {@linkcode SECCOMP_ARCHITECTURES}. */
export type SeccompArchitecture = typeof SECCOMP_ARCHITECTURES[number];
