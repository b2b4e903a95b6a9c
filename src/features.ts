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

/** Something that is there or not. */
export interface Enabled {
  readonly enabled: boolean;
}

/** The features structure (features.md). */
export interface Features {
  /** The oldest version of the spec whose configs are taken. */
  readonly ociVersionMin: string;
  /** The newest. */
  readonly ociVersionMax: string;
  /** The names of the hooks. */
  readonly hooks: readonly string[];
  /** The mount options that are not data of a file system. */
  readonly mountOptions: readonly string[];
  readonly linux: LinuxFeatures;
  /** Versions, by name. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Annotations of a config that change what hull does; with a dot at the end, all below it. */
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
}

/** Its `linux` (features-linux.md). */
export interface LinuxFeatures {
  readonly namespaces: readonly string[];
  readonly capabilities: readonly string[];
  readonly cgroup: Readonly<Record<"v1" | "v2" | "systemd" | "systemdUser" | "rdma", boolean>>;
  readonly seccomp: Enabled & {
    readonly actions: readonly string[];
    readonly operators: readonly string[];
    readonly archs: readonly string[];
    readonly knownFlags: readonly string[];
    /** Those that this kernel knows, too. */
    readonly supportedFlags: readonly string[];
  };
  readonly apparmor: Enabled;
  readonly selinux: Enabled;
  readonly intelRdt: Enabled & { readonly schemata: boolean; readonly monitoring: boolean };
  readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] };
  readonly mountExtensions: { readonly idmap: Enabled };
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
 * @example Ask before a config is written
 * ```ts
 * import { assert } from "@std/assert";
 * import { features } from "./features.ts";
 *
 * const { linux, hooks } = features();
 * assert(linux.namespaces.includes("mount"));
 * assert(hooks.includes("createContainer"));
 * ```
 */
export function features(probes: FeatureProbes = HOST): Features {
  const seccomp = probes.seccomp();
  return {
    ociVersionMin: OCI_VERSION_MIN,
    ociVersionMax: OCI_VERSION_MAX,
    hooks: HOOK_POINTS,
    mountOptions: MOUNT_OPTIONS,
    linux: {
      namespaces: kernelNamespaces(probes.proc),
      capabilities: kernelCapabilities(probes.proc),
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
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
