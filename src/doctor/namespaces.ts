/**
 * The namespaces that can be made here, and by whom.
 *
 * @module
 */

import { NAMESPACE_TYPES } from "../config/types/names.ts";
import { forbidsUsers, hasNoRoom, takesRights } from "../rootless/host_rules.ts";
import { type Finding, ok, problem, ruled, warning } from "./finding.ts";
import type { Host } from "./host.ts";

/** Without these no engine's container is isolated; the others are asked for by name. */
const USUAL: readonly string[] = ["mount", "pid", "network", "ipc", "uts", "cgroup"];

/** What the kernel has, and which rules of the host forbid it. */
export function namespaceFindings(types: readonly string[], host: Host): Finding[] {
  const findings: Finding[] = [];
  const missing = NAMESPACE_TYPES.filter((type) => !types.includes(type));
  if (missing.length > 0) {
    const isNeeded = missing.some((type) =>
      USUAL.includes(type) || (type === "user" && host.isOrdinaryUser)
    );
    const told = `this kernel has no ${missing.join(", ")} namespaces`;
    findings.push(
      isNeeded
        ? problem("namespaces", told, "use a kernel that is built with them (CONFIG_*_NS)")
        : warning("namespaces", told, "leave them out of linux.namespaces, or use another kernel"),
    );
  }
  const level = host.isOrdinaryUser ? "problem" : "warning";
  const closed = forbidsUsers(host.read);
  const taken = takesRights(host.read);
  const full = hasNoRoom(host.read);
  // These two are for users only; the host's root makes what it likes.
  if (host.isOrdinaryUser && closed !== undefined) {
    findings.push(ruled("namespaces", level, closed));
  }
  if (host.isOrdinaryUser && taken !== undefined) findings.push(ruled("namespaces", level, taken));
  if (full !== undefined) {
    const isUsers = full.includes(" user namespaces") && !host.isOrdinaryUser;
    findings.push(ruled("namespaces", isUsers ? "warning" : "problem", full));
  }
  if (findings.length > 0) return findings;
  return [ok("namespaces", types.join(", "))];
}
