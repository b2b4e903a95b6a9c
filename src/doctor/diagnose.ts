/**
 * Looks at a host as a whole.
 *
 * @module
 */

import { probeSeccomp } from "../../ffi/seccomp/seccomp_probe.ts";
import { features } from "../features.ts";
import { detectSecurityModules } from "../security/lsm.ts";
import { clockFindings, limitFindings } from "./bounds.ts";
import { cgroupFindings } from "./cgroups.ts";
import type { Finding } from "./finding.ts";
import { thisHost } from "./host.ts";
import { idFindings } from "./ids.ts";
import { callFindings, kernelFindings } from "./kernel.ts";
import { memoryFindings } from "./memory_files.ts";
import { namespaceFindings } from "./namespaces.ts";
import { networkFindings } from "./networks.ts";
import { lsmFindings, seccompFindings } from "./security.ts";

/**
 * Looks whether this host has what hull needs, for whoever runs this program: the kernel and its
 * calls, namespaces, cgroups, ids, filters, security modules, networks, limits and the clock. It
 * only looks; it makes nothing.
 *
 * @throws {Deno.errors.NotFound} without a proc file system at /proc
 *
 * @example Refuse to start a daemon where containers can't run
 * ```ts
 * import { assert } from "@std/assert";
 * import { diagnose } from "@hull/hull";
 *
 * const problems = (await diagnose()).filter(({ level }) => level === "problem");
 * assert(problems.length === 0, problems.map(({ message }) => message).join("; "));
 * ```
 */
export async function diagnose(): Promise<Finding[]> {
  const host = thisHost();
  return [
    ...kernelFindings(host),
    ...callFindings(host),
    ...namespaceFindings(features().linux.namespaces, host),
    ...await cgroupFindings(host),
    ...idFindings(host),
    ...seccompFindings(probeSeccomp()),
    ...lsmFindings(detectSecurityModules()),
    ...await networkFindings(host),
    ...memoryFindings(host),
    ...limitFindings(host),
    ...clockFindings(host),
  ];
}
