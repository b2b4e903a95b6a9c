/**
 * Profiles of system calls in the form that Docker and Podman keep them in.
 *
 * @module
 */

import type { Seccomp, SeccompSyscall } from "../../config/types/seccomp.ts";

/** What a rule of such a profile depends on. */
interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

/** A rule of such a profile. */
interface ProfileRule extends SeccompSyscall {
  readonly name?: string;
  readonly comment?: string;
  readonly includes?: Condition | null;
  readonly excludes?: Condition | null;
}

/** Such a profile. */
interface Profile extends Omit<Seccomp, "syscalls"> {
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[] | null;
  }[];
  readonly syscalls?: readonly ProfileRule[];
}

/** Where the filter is to work. */
export interface ProfileHost {
  readonly arch: "x86_64" | "aarch64";
  /** The kernel's release, such as `6.1.0-21-amd64`. */
  readonly release: string;
  /** The capabilities that the container may have. */
  readonly capabilities: readonly string[];
}

/** The architecture's name in libseccomp, and in Go. */
const NAMES = {
  x86_64: ["SCMP_ARCH_X86_64", "amd64"],
  aarch64: ["SCMP_ARCH_AARCH64", "arm64"],
} as const;

/**
 * The filter as config.json has it: the rules that hold for this host and these capabilities. A
 * document that is such a filter already comes out as it is.
 *
 * @param document parsed, and checked afterwards
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { filterOfProfile } from "./seccomp_profile.ts";
 *
 * const profile = {
 *   defaultAction: "SCMP_ACT_ERRNO",
 *   archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
 *   syscalls: [
 *     { names: ["read"], action: "SCMP_ACT_ALLOW" },
 *     { names: ["bpf"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_BPF"] } },
 *   ],
 * };
 * const host = { arch: "x86_64", release: "6.1.0", capabilities: [] } as const;
 * assertEquals(filterOfProfile(profile, host), {
 *   defaultAction: "SCMP_ACT_ERRNO",
 *   architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
 *   syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }],
 * });
 * ```
 */
export function filterOfProfile(document: unknown, host: ProfileHost): Seccomp {
  if (typeof document !== "object" || document === null) return document as unknown as Seccomp;
  const { archMap, syscalls, ...others } = document as Profile;
  const own = Array.isArray(archMap)
    ? archMap.find((each) => each?.architecture === NAMES[host.arch][0])
    : undefined;
  const architectures = own && [own.architecture, ...own.subArchitectures ?? []];
  const rules = Array.isArray(syscalls) ? syscalls.flatMap((rule) => kept(rule, host)) : syscalls;
  return {
    ...others,
    ...(architectures === undefined ? {} : { architectures }),
    ...(rules === undefined ? {} : { syscalls: rules }),
  } as Seccomp;
}

function kept(rule: ProfileRule, host: ProfileHost): readonly SeccompSyscall[] {
  if (typeof rule !== "object" || rule === null) return [rule];
  const { name, names, comment: _, includes, excludes, ...others } = rule;
  if (includes && !holds(includes, host, "every")) return [];
  if (excludes && holds(excludes, host, "some")) return [];
  return [{ names: names ?? (name === undefined ? [] : [name]), ...others }];
}

/** Whether all, or any, of a rule's conditions hold. */
function holds(
  { caps = [], arches = [], minKernel }: Condition,
  { arch, release, capabilities }: ProfileHost,
  how: "every" | "some",
): boolean {
  const found = [
    ...caps.map((name) => capabilities.includes(name)),
    ...(arches.length === 0 ? [] : [arches.includes(NAMES[arch][1])]),
    ...(minKernel === undefined ? [] : [isAtLeast(release, minKernel)]),
  ];
  return how === "every" ? found.every(Boolean) : found.some(Boolean);
}

function isAtLeast(release: string, least: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = least.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
