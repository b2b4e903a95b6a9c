/**
 * The system call filter of a container, ready to be loaded: checked against this host, compiled or
 * taken from the cache.
 *
 * A container's first process and every further one that joins it get the same filter by the same
 * call, from the config that the state holds.
 *
 * @module
 */

import { isAdmin } from "../../own/rights.ts";
import {
  LibraryMissingError,
  LIBSECCOMP,
  SeccompLibrary,
  supportsFilterFlags,
} from "../../../ffi/seccomp/seccomp.ts";
import { SECCOMP_FILTER_FLAG } from "../../../ffi/seccomp/seccomp_flags.ts";
import type { SeccompFlag } from "../../config/types/names.ts";
import type { Config } from "../../config/types/config.ts";
import type { Seccomp } from "../../config/types/seccomp.ts";
import { ContainerError } from "../../errors.ts";
import { cacheKey, ProfileCache } from "./profile_cache.ts";
import type { CompiledProfile } from "./seccomp_profile.ts";

/** A system call filter, in place of the profile that it was compiled from. */
export interface LoadableFilter {
  /** The BPF program in base64, 8 bytes an instruction. */
  readonly program: string;
  /** Flags of seccomp(2). */
  readonly flags: number;
  /** The calls of the profile that this host's libseccomp doesn't know. */
  readonly unknown: readonly string[];
}

/** Compiled profiles in memory, by what the program depends on: {@linkcode essence}. */
export type RecentProfiles = Map<string, CompiledProfile>;

/** How many are kept in memory, of some kilobytes each. */
const MOST_RECENT = 8;

/** Where compiled profiles come from and go to. */
export interface SeccompOptions {
  /** The cache's folder. */
  readonly cache: string;
  /** Whether a profile that was compiled is kept there; default true. */
  readonly keep?: boolean | undefined;
  /** The profiles that this program used last. It looks there first, and adds to them. */
  readonly recent?: RecentProfiles | undefined;
  /** The library's file; default {@linkcode LIBSECCOMP}. */
  readonly library?: string | undefined;
}

const POINTER = "/linux/seccomp";

/**
 * The filter of a container's config; undefined if it asks for none.
 *
 * @throws {ContainerError} `Unsupported` if libseccomp is missing or the host can't do what the
 *   profile asks for, `ConfigInvalid` for a profile that contradicts itself
 */
export async function prepareSeccomp(
  config: Config,
  options: SeccompOptions,
): Promise<LoadableFilter | undefined> {
  const { seccomp } = config.linux ?? {};
  if (seccomp === undefined) return undefined;
  requireRight(config);
  const flags = filterFlags(seccomp);
  const { program, unknown } = await profileOf(seccomp, options);
  return { program: program.toBase64(), flags, unknown };
}

/**
 * Without no_new_privs the kernel lets a process load a filter only with CAP_SYS_ADMIN. Init has it
 * in a user namespace of the container's; otherwise it has it only if this program does.
 */
function requireRight({ process, linux }: Config): void {
  if (process?.noNewPrivileges === true) return;
  if (linux?.namespaces?.some(({ type }) => type === "user") === true) return;
  if (isAdmin()) return;
  throw new ContainerError(
    "Unsupported",
    "a system call filter can't be loaded without privilege",
    {
      step: "seccomp",
      syscall: "seccomp",
      errno: "EACCES",
      pointer: POINTER,
      hint: "set process.noNewPrivileges to true, or give hull CAP_SYS_ADMIN",
    },
  );
}

/**
 * The flags of seccomp(2).
 *
 * TSYNC is left out: only one thread of init matters, execve ends the others, and until then a
 * filter that kills would hit the engine's threads. A profile without flags gets SPEC_ALLOW, as in
 * other runtimes: the filter alone is no reason to pay for the mitigation of speculative store
 * bypass.
 */
function filterFlags({ flags, syscalls = [] }: Seccomp): number {
  const notifies = syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY");
  let bits = notifies ? SECCOMP_FILTER_FLAG.NEW_LISTENER : 0;
  if (flags === undefined && supportsFilterFlags(SECCOMP_FILTER_FLAG.SPEC_ALLOW)) {
    bits |= SECCOMP_FILTER_FLAG.SPEC_ALLOW;
  }
  (flags ?? []).forEach((name, k) => {
    const bit = flagBit(name, notifies);
    if (bit !== 0 && !supportsFilterFlags(bits | bit)) {
      throw new ContainerError("Unsupported", `this kernel has no ${name}`, {
        step: "seccomp",
        syscall: "seccomp",
        errno: "EINVAL",
        pointer: `${POINTER}/flags/${k}`,
        hint: "leave it out; SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV takes Linux 5.19",
      });
    }
    bits |= bit;
  });
  return bits;
}

function flagBit(name: SeccompFlag, notifies: boolean): number {
  if (name === "SECCOMP_FILTER_FLAG_LOG") return SECCOMP_FILTER_FLAG.LOG;
  if (name === "SECCOMP_FILTER_FLAG_SPEC_ALLOW") return SECCOMP_FILTER_FLAG.SPEC_ALLOW;
  const isWait = name === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
  // The flag concerns notified calls; the kernel refuses it in a filter without any.
  return isWait && notifies ? SECCOMP_FILTER_FLAG.WAIT_KILLABLE_RECV : 0;
}

async function profileOf(seccomp: Seccomp, options: SeccompOptions): Promise<CompiledProfile> {
  const { library = LIBSECCOMP, recent } = options;
  const parts = essence(seccomp);
  const key = JSON.stringify(parts);
  const known = recent?.get(key);
  if (known !== undefined) return known;
  try {
    const profile = await keptOrCompiled(seccomp, parts, library, options);
    if (recent !== undefined) remember(recent, key, profile);
    return profile;
  } catch (error) {
    throw error instanceof LibraryMissingError ? libraryFailure(error) : error;
  }
}

/** Adds a profile; the oldest is dropped. */
function remember(recent: RecentProfiles, key: string, profile: CompiledProfile): void {
  const [oldest] = recent.keys();
  if (oldest !== undefined && recent.size >= MOST_RECENT) recent.delete(oldest);
  recent.set(key, profile);
}

async function keptOrCompiled(
  seccomp: Seccomp,
  parts: readonly unknown[],
  file: string,
  { cache, keep = true }: SeccompOptions,
): Promise<CompiledProfile> {
  using library = SeccompLibrary.open(file);
  const key = await cacheKey([library.version, library.nativeArchitecture, ...parts]);
  const profiles = new ProfileCache(cache);
  const kept = await profiles.get(key);
  if (kept !== undefined) return kept;
  const { compileProfile } = await import("./seccomp_profile.ts");
  const compiled = compileProfile(library, seccomp);
  if (keep) await profiles.put(key, compiled);
  return compiled;
}

/** Fields in a fixed order, and only those that the program depends on. */
function essence(seccomp: Seccomp): readonly unknown[] {
  const { defaultAction, defaultErrnoRet, architectures = [], syscalls = [] } = seccomp;
  return [
    defaultAction,
    defaultErrnoRet,
    architectures,
    syscalls.map(({ names, action, errnoRet, args = [] }) => [
      names,
      action,
      errnoRet,
      args.map(({ index, value, valueTwo, op }) => [index, value, valueTwo, op]),
    ]),
  ];
}

function libraryFailure(error: LibraryMissingError): ContainerError {
  const { library: path, message } = error;
  return new ContainerError("Unsupported", `cannot open ${path}: ${message}`, {
    step: "seccomp",
    path,
    pointer: POINTER,
    hint: "install libseccomp (Debian's package is libseccomp2), or take the profile out",
    cause: error,
  });
}
