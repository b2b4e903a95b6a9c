/**
 * What this hull can do, in the form of the spec's features document, for which engines ask.
 *
 * A list of names holds what hull recognizes and, where the kernel can be asked, this kernel knows.
 * A boolean tells what hull itself can do; it does not tell, for example, whether the host has an
 * LSM.
 *
 * Source: the runtime-spec's features.md and features-linux.md.
 *
 * @module
 */

import { probeSeccomp, type SeccompSupport } from "../ffi/seccomp/seccomp_probe.ts";
import { MOUNT_OPTIONS } from "./config/mount_options.ts";
import {
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  NAMESPACE_TYPES,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "./config/types/names.ts";
import { NETWORKS_ANNOTATION, ROUTES_ANNOTATION } from "./config/types/network.ts";
import { HOOK_POINTS, OCI_VERSION_MAX, OCI_VERSION_MIN } from "./config/validate/validate.ts";
import { kernelCapabilities } from "./security/capabilities.ts";
import { VERSION } from "./version.ts";

/** Something that hull can do or not. */
export interface Enabled {
  /** Whether hull can do it. */
  readonly enabled: boolean;
}

/** The features structure (features.md). */
export interface Features {
  /** The oldest version of the spec whose configs are taken. */
  readonly ociVersionMin: string;
  /** The newest version of the spec whose configs are taken. */
  readonly ociVersionMax: string;
  /** The fields of a config's `hooks` that are run. */
  readonly hooks: readonly string[];
  /** The mount options that are not data of a file system. */
  readonly mountOptions: readonly string[];
  /** What there is on Linux. */
  readonly linux: LinuxFeatures;
  /** Versions of hull, Deno and libseccomp, by names such as `org.hull.version`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Annotations of a config that change what hull does; with a dot at the end, all below it. */
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
}

/** The field `linux` of {@linkcode Features} (features-linux.md). */
export interface LinuxFeatures {
  /** The types of namespaces that this kernel has, such as `pid`. */
  readonly namespaces: readonly string[];
  /** The capabilities that this kernel has, such as `CAP_KILL`. */
  readonly capabilities: readonly string[];
  /** Which versions and managers of cgroups hull can work with, whatever this host has. */
  readonly cgroup: Readonly<Record<"v1" | "v2" | "systemd" | "systemdUser" | "rdma", boolean>>;
  /** Filters of system calls; enabled if libseccomp is there and this kernel has an action. */
  readonly seccomp: Enabled & {
    /** The actions that this kernel and libseccomp have, such as `SCMP_ACT_ERRNO`. */
    readonly actions: readonly string[];
    /** The operators of conditions on arguments, such as `SCMP_CMP_EQ`. */
    readonly operators: readonly string[];
    /** The architectures that a filter can name, such as `SCMP_ARCH_X86_64`. */
    readonly archs: readonly string[];
    /** The flags that hull takes, such as `SECCOMP_FILTER_FLAG_LOG`. */
    readonly knownFlags: readonly string[];
    /** Those of them that this kernel knows, too. */
    readonly supportedFlags: readonly string[];
  };
  /** Profiles of AppArmor; it doesn't tell whether this host has AppArmor. */
  readonly apparmor: Enabled;
  /** Labels of SELinux; it doesn't tell whether this host has SELinux. */
  readonly selinux: Enabled;
  /** `linux.intelRdt`, with its fields `schemata` and `enableMonitoring`. */
  readonly intelRdt: Enabled & { readonly schemata: boolean; readonly monitoring: boolean };
  /** The words that `linux.memoryPolicy` may have, such as `MPOL_BIND`. */
  readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] };
  /** What a mount can have beside its options: `idmap` is an id mapping of its own. */
  readonly mountExtensions: { readonly idmap: Enabled };
  /** `linux.netDevices`: interfaces that are moved in. */
  readonly netDevices: Enabled;
}

/** The questions to the host. Tests give their own answers. */
export interface FeatureProbes {
  /** The folder of the proc file system. */
  readonly proc: string;
  readonly seccomp: () => SeccompSupport;
}

const HOST: FeatureProbes = { proc: "/proc", seccomp: probeSeccomp };

/** The names of namespaces in /proc/PID/ns, where the spec has others. */
const NAMESPACE_FILES: Readonly<Record<string, string>> = { mount: "mnt", network: "net" };

/**
 * The features of this hull on this kernel.
 *
 * @throws {Deno.errors.NotFound} without a proc file system at /proc
 *
 * @example Ask before a config is written
 * ```ts
 * import { assert } from "@std/assert";
 * import { features } from "@hull/hull";
 *
 * const { linux, hooks } = features();
 * assert(linux.namespaces.includes("mount"));
 * assert(hooks.includes("createContainer"));
 * ```
 */
export function features(): Features {
  return featuresOf(HOST);
}

/** The features of this hull on a kernel that answers like that. */
export function featuresOf(probes: FeatureProbes): Features {
  const seccomp = probes.seccomp();
  return {
    ociVersionMin: OCI_VERSION_MIN,
    ociVersionMax: OCI_VERSION_MAX,
    hooks: HOOK_POINTS,
    mountOptions: MOUNT_OPTIONS,
    linux: {
      namespaces: kernelNamespaces(probes.proc),
      capabilities: kernelCapabilities(probes.proc),
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: seccomp.library !== undefined && seccomp.actions.length > 0,
        actions: seccomp.actions,
        operators: SECCOMP_OPERATORS,
        archs: SECCOMP_ARCHITECTURES,
        knownFlags: SECCOMP_FLAGS,
        supportedFlags: SECCOMP_FLAGS.filter((flag) => seccomp.flags.includes(flag)),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: MEMORY_POLICY_MODES, flags: MEMORY_POLICY_FLAGS },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      "org.hull.version": VERSION,
      "org.hull.deno.version": Deno.version.deno,
      ...(seccomp.library === undefined
        ? {}
        : { "io.github.seccomp.libseccomp.version": seccomp.library }),
    },
    potentiallyUnsafeConfigAnnotations: [NETWORKS_ANNOTATION, ROUTES_ANNOTATION],
  };
}

function kernelNamespaces(proc: string): string[] {
  const files = new Set([...Deno.readDirSync(`${proc}/self/ns`)].map(({ name }) => name));
  return NAMESPACE_TYPES.filter((type) => files.has(NAMESPACE_FILES[type] ?? type)).sort();
}
