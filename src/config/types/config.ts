/**
 * The OCI runtime config, config.json of runtime-spec 1.3 for Linux, in the spec's own names.
 *
 * Integers that the spec calls uint64 or int64 are JavaScript numbers. They are exact up to 2^53;
 * `validateConfig` refuses what lies above, but for limits, where such a number only says "more
 * than any machine has" (see {@linkcode Rlimit}, {@linkcode MemoryResources}, {@linkcode
 * HugepageLimit}).
 *
 * @module
 */

import type { IoPriorityClass, RlimitType, SchedulerFlag, SchedulerPolicy } from "./names.ts";
import type { IdMapping, Linux } from "./linux.ts";

export type * from "./names.ts";
export type * from "./linux.ts";
export type * from "./resources.ts";
export type * from "./seccomp.ts";

/** The whole of config.json (config.md). */
export interface Config {
  /**
   * The version of the spec the document follows, SemVer, such as `1.0.2` (config.md, Specification
   * version).
   */
  readonly ociVersion: string;
  /** The container's root file system; a container on Linux needs it (config.md, Root). */
  readonly root?: Root | undefined;
  /** Further mounts, made in this order (config.md, Mounts). */
  readonly mounts?: readonly Mount[] | undefined;
  /** The first process; may be missing until `start` (config.md, Process). */
  readonly process?: ProcessConfig | undefined;
  /** Host name inside; needs an uts namespace (config.md, Hostname). */
  readonly hostname?: string | undefined;
  /** NIS domain name inside; needs an uts namespace (config.md, Domainname). */
  readonly domainname?: string | undefined;
  /** Programs run at points of the container's life (config.md, POSIX-platform Hooks). */
  readonly hooks?: Hooks | undefined;
  /** Free text by name, carried into the state (config.md, Annotations). */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What exists on Linux only (config-linux.md). */
  readonly linux?: Linux | undefined;
}

/** The root file system (config.md, Root). */
export interface Root {
  /** Folder of the root file system: absolute, or relative to the bundle. */
  readonly path: string;
  /** Remount it read-only inside; default false. */
  readonly readonly?: boolean | undefined;
}

/** One mount (config.md, Mounts). */
export interface Mount {
  /** Where, inside the container; absolute (relative is read as relative to `/`). */
  readonly destination: string;
  /** File system type such as `proc`; `bind` or anything with a `bind` option is a bind mount. */
  readonly type?: string | undefined;
  /** Device, name or, for a bind mount, path on the host (relative to the bundle). */
  readonly source?: string | undefined;
  /** Options in mount(8)'s words; unknown ones go to the file system as data. */
  readonly options?: readonly string[] | undefined;
  /** Id mapping of an idmapped mount; given together with `gidMappings`. */
  readonly uidMappings?: readonly IdMapping[] | undefined;
  /** Id mapping of an idmapped mount; given together with `uidMappings`. */
  readonly gidMappings?: readonly IdMapping[] | undefined;
}

/** The container's first process, or one to run in it (config.md, Process). */
export interface ProcessConfig {
  /** Give it a pseudo terminal; default false. */
  readonly terminal?: boolean | undefined;
  /** The terminal's size; only with `terminal`. */
  readonly consoleSize?: ConsoleSize | undefined;
  /** Who it runs as; the default is uid 0 and gid 0. */
  readonly user?: User | undefined;
  /** argv; at least one entry on Linux. */
  readonly args?: readonly string[] | undefined;
  /** The whole command line; Windows only, ignored. */
  readonly commandLine?: string | undefined;
  /** Environment, each `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  /** Working directory inside; absolute. */
  readonly cwd: string;
  /** The five capability sets (config.md, Linux Process). */
  readonly capabilities?: Capabilities | undefined;
  /** Resource limits, one a type (config.md, POSIX process). */
  readonly rlimits?: readonly Rlimit[] | undefined;
  /** Set the no_new_privs bit (prctl(2)); default false. */
  readonly noNewPrivileges?: boolean | undefined;
  /** AppArmor profile to enter at execve. */
  readonly apparmorProfile?: string | undefined;
  /** SELinux label of the process. */
  readonly selinuxLabel?: string | undefined;
  /** oom_score_adj, -1000 to 1000 (proc(5)); left as it is when missing. */
  readonly oomScoreAdj?: number | undefined;
  /** CPU scheduling policy (sched_setattr(2)). */
  readonly scheduler?: Scheduler | undefined;
  /** I/O scheduling class and priority (ioprio_set(2)). */
  readonly ioPriority?: IoPriority | undefined;
  /** CPUs that a process run by `exec` is bound to. */
  readonly execCPUAffinity?: CpuAffinity | undefined;
}

/** A terminal's size in characters (config.md, Process). */
export interface ConsoleSize {
  /** Rows of characters, 0 to 65535. */
  readonly height: number;
  /** Columns of characters, 0 to 65535. */
  readonly width: number;
}

/** Who a process runs as, by the container's numbers (config.md, POSIX-platform User). */
export interface User {
  /** User id, 0 to 4294967295; default 0. */
  readonly uid?: number | undefined;
  /** Group id, 0 to 4294967295; default 0. */
  readonly gid?: number | undefined;
  /** File mode creation mask as a number, so octal 022 is 18; left as it is when missing. */
  readonly umask?: number | undefined;
  /** Supplementary group ids. */
  readonly additionalGids?: readonly number[] | undefined;
  /** User name; Windows only, ignored. */
  readonly username?: string | undefined;
}

/** Capability names such as `CAP_KILL`, by set (config.md, Linux Process; capabilities(7)). */
export interface Capabilities {
  /** What can ever be gained through execve. */
  readonly bounding?: readonly string[] | undefined;
  /** What is in force. */
  readonly effective?: readonly string[] | undefined;
  /** What is kept over execve of a file with inheritable capabilities. */
  readonly inheritable?: readonly string[] | undefined;
  /** What may be made effective. */
  readonly permitted?: readonly string[] | undefined;
  /** What is kept over execve of an ordinary file by a user who isn't root. */
  readonly ambient?: readonly string[] | undefined;
}

/**
 * One resource limit (config.md, POSIX process; getrlimit(2)). RLIM_INFINITY stands in config.json
 * as 18446744073709551615, which JSON.parse reads as 2^64: that number means "no limit" here.
 */
export interface Rlimit {
  /** Which, such as `RLIMIT_NOFILE`. */
  readonly type: RlimitType;
  /** What the kernel enforces, in the type's unit; not above `hard`. */
  readonly soft: number;
  /** How far an unprivileged process may raise `soft`. */
  readonly hard: number;
}

/** CPU scheduling (config.md, Linux Process; sched_setattr(2)). */
export interface Scheduler {
  /** Which policy; the fields below belong to some of them. */
  readonly policy: SchedulerPolicy;
  /** Nice value -20 to 19, for SCHED_OTHER and SCHED_BATCH. */
  readonly nice?: number | undefined;
  /** Static priority 1 to 99, for SCHED_FIFO and SCHED_RR. */
  readonly priority?: number | undefined;
  /** Flags of sched_setattr(2), such as `SCHED_FLAG_RESET_ON_FORK`; default none. */
  readonly flags?: readonly SchedulerFlag[] | undefined;
  /** Nanoseconds of CPU in each period, for SCHED_DEADLINE. */
  readonly runtime?: number | undefined;
  /** Deadline in nanoseconds, for SCHED_DEADLINE. */
  readonly deadline?: number | undefined;
  /** Period in nanoseconds, for SCHED_DEADLINE. */
  readonly period?: number | undefined;
}

/** I/O scheduling (config.md, Linux Process; ioprio_set(2)). */
export interface IoPriority {
  /** Which class; `IOPRIO_CLASS_RT` needs CAP_SYS_NICE or CAP_SYS_ADMIN on the host. */
  readonly class: IoPriorityClass;
  /** Priority in the class, 0 (highest) to 7; default 0. */
  readonly priority?: number | undefined;
}

/** CPU lists such as `0-3,7` for `exec` (config.md, Linux Process). */
export interface CpuAffinity {
  /** Bound to while the runtime works, before the process is in its cgroup. */
  readonly initial?: string | undefined;
  /** Bound to once the process is in its cgroup. */
  readonly final?: string | undefined;
}

/**
 * Programs by the point at which they run, each list in order (config.md, POSIX-platform Hooks).
 */
export interface Hooks {
  /** After the namespaces are made, before pivot_root, on the host; deprecated by the spec. */
  readonly prestart?: readonly Hook[] | undefined;
  /** As prestart, and after it. */
  readonly createRuntime?: readonly Hook[] | undefined;
  /** As createRuntime, but in the container's namespaces. */
  readonly createContainer?: readonly Hook[] | undefined;
  /** Before the user's program, inside the container; path seen from inside. */
  readonly startContainer?: readonly Hook[] | undefined;
  /** After the user's program was started, on the host. */
  readonly poststart?: readonly Hook[] | undefined;
  /** After the container was deleted, on the host. */
  readonly poststop?: readonly Hook[] | undefined;
}

/** One hook; gets the container's state on its standard input (config.md, POSIX-platform Hooks). */
export interface Hook {
  /** Absolute path of the program. */
  readonly path: string;
  /** argv, argv[0] included. */
  readonly args?: readonly string[] | undefined;
  /** Environment, each `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  /** Seconds until it is killed, 1 or more; no limit when missing. */
  readonly timeout?: number | undefined;
}
