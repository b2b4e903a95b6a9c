/**
 * The `linux` object of config.json (config-linux.md), without resources and seccomp.
 *
 * @module
 */

import type {
  DeviceType,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  NamespaceType,
  PersonalityDomain,
  RootfsPropagation,
} from "./names.ts";
import type { Resources } from "./resources.ts";
import type { Seccomp } from "./seccomp.ts";

/** What exists on Linux only (config-linux.md). */
export interface Linux {
  /**
   * The namespaces to make or join; of a type not listed, the runtime's own is used (Namespaces).
   */
  readonly namespaces?: readonly Namespace[] | undefined;
  /** User ids of the new user namespace (User namespace mappings). */
  readonly uidMappings?: readonly IdMapping[] | undefined;
  /** Group ids of the new user namespace (User namespace mappings). */
  readonly gidMappings?: readonly IdMapping[] | undefined;
  /** Clock offsets of the new time namespace (Offset for Time Namespace). */
  readonly timeOffsets?: TimeOffsets | undefined;
  /** Device files to make beside the default ones (Devices). */
  readonly devices?: readonly Device[] | undefined;
  /** Host network interfaces to move in, by their name on the host (Network Devices). */
  readonly netDevices?: Readonly<Record<string, NetDevice>> | undefined;
  /**
   * The cgroup: `/absolute/path`, `relative/path`, or `slice:prefix:name` for systemd (Cgroups
   * Path).
   */
  readonly cgroupsPath?: string | undefined;
  /** cgroup limits (Control groups). */
  readonly resources?: Resources | undefined;
  /** Propagation of the root mount (Rootfs Mount Propagation). */
  readonly rootfsPropagation?: RootfsPropagation | undefined;
  /** System call filter (Seccomp). */
  readonly seccomp?: Seccomp | undefined;
  /** Kernel parameters by name, such as `net.ipv4.ip_forward` (Sysctl). */
  readonly sysctl?: Readonly<Record<string, string>> | undefined;
  /** Absolute paths inside that are hidden (Masked Paths). */
  readonly maskedPaths?: readonly string[] | undefined;
  /** Absolute paths inside that are made read-only (Readonly Paths). */
  readonly readonlyPaths?: readonly string[] | undefined;
  /** SELinux label of the mounts (Mount Label). */
  readonly mountLabel?: string | undefined;
  /** Cache and memory bandwidth allocation (IntelRdt). */
  readonly intelRdt?: IntelRdt | undefined;
  /** Execution domain (Personality). */
  readonly personality?: Personality | undefined;
  /** NUMA memory policy (Memory policy). */
  readonly memoryPolicy?: MemoryPolicy | undefined;
}

/** One namespace to make, or to join by path (config-linux.md, Namespaces). */
export interface Namespace {
  /** Which kind; each may be named once. */
  readonly type: NamespaceType;
  /** Absolute path of an existing namespace's file; a new one is made when missing. */
  readonly path?: string | undefined;
}

/** A range of ids mapped between container and host (config-linux.md, User namespace mappings). */
export interface IdMapping {
  /** First id inside. */
  readonly containerID: number;
  /** First id outside. */
  readonly hostID: number;
  /** How many ids, 1 or more. */
  readonly size: number;
}

/** Offsets of both clocks of a time namespace (config-linux.md; time_namespaces(7)). */
export interface TimeOffsets {
  /** CLOCK_MONOTONIC. */
  readonly monotonic?: TimeOffset | undefined;
  /** CLOCK_BOOTTIME. */
  readonly boottime?: TimeOffset | undefined;
}

/** One clock's offset: the sum of both fields. */
export interface TimeOffset {
  /** Seconds, may be negative; default 0. */
  readonly secs?: number | undefined;
  /** Nanoseconds, 0 to 999999999; default 0. */
  readonly nanosecs?: number | undefined;
}

/** A device file to make (config-linux.md, Devices; mknod(2)). */
export interface Device {
  /** Kind of file; `u` is the same as `c`. */
  readonly type: DeviceType;
  /** Absolute path inside. */
  readonly path: string;
  /** Major number; needed unless the type is `p`. */
  readonly major?: number | undefined;
  /** Minor number; needed unless the type is `p`. */
  readonly minor?: number | undefined;
  /** Permission bits as a number, so octal 0666 is 438; type bits are ignored. */
  readonly fileMode?: number | undefined;
  /** Owner inside; default 0. */
  readonly uid?: number | undefined;
  /** Group inside; default 0. */
  readonly gid?: number | undefined;
}

/** A network interface moved in (config-linux.md, Network Devices). */
export interface NetDevice {
  /** Its name inside, at most 15 bytes; the host's name when missing. */
  readonly name?: string | undefined;
}

/** Resource control (config-linux.md, IntelRdt; the kernel's resctrl.rst). */
export interface IntelRdt {
  /**
   * Name of the class of service, a folder in the resctrl file system, `/` for its root; default
   * the container's id.
   */
  readonly closID?: string | undefined;
  /** Lines written to the schemata file; written after the two fields below. */
  readonly schemata?: readonly string[] | undefined;
  /** L3 lines of the schemata file. */
  readonly l3CacheSchema?: string | undefined;
  /** One `MB:` line of the schemata file. */
  readonly memBwSchema?: string | undefined;
  /** Make a monitoring group for the container; default false. */
  readonly enableMonitoring?: boolean | undefined;
}

/** Execution domain (config-linux.md, Personality; personality(2)). */
export interface Personality {
  /** `LINUX`, or `LINUX32` for a 32-bit uname. */
  readonly domain: PersonalityDomain;
  /** Further flags; the spec defines none. */
  readonly flags?: readonly string[] | undefined;
}

/** NUMA memory policy (config-linux.md, Memory policy; set_mempolicy(2)). */
export interface MemoryPolicy {
  /** How the nodes are used. */
  readonly mode: MemoryPolicyMode;
  /** Node list such as `0-1,3`. */
  readonly nodes?: string | undefined;
  /** How the nodes are meant; default none. */
  readonly flags?: readonly MemoryPolicyFlag[] | undefined;
}
