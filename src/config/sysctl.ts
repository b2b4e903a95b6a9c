/**
 * Names of kernel parameters (sysctl(8), sysctl.d(5)).
 *
 * @module
 */

const IPC_PARAMETERS: ReadonlySet<string> = new Set([
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/sem",
  "kernel/shmall",
  "kernel/shmmax",
  "kernel/shmmni",
  "kernel/shm_rmid_forced",
]);

/**
 * The path below /proc/sys of a kernel parameter; `undefined` if the name can't be one. The first
 * separator decides: with a dot, dots separate and slashes stand for dots; with a slash, the name
 * is the path already.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { sysctlPath } from "./sysctl.ts";
 *
 * assert(sysctlPath("net.ipv4.conf.eno2/100.rp_filter") === "net/ipv4/conf/eno2.100/rp_filter");
 * assert(sysctlPath("net/../kernel/core_pattern") === undefined);
 * ```
 */
export function sysctlPath(name: string): string | undefined {
  const separator = /[./]/.exec(name)?.[0];
  const path = separator === "."
    ? name.replaceAll(/[./]/g, (letter) => letter === "." ? "/" : ".")
    : name;
  const parts = path.split("/");
  // a step up would leave the namespaced folder that the name was checked for
  return parts.some((part) => part === "" || part === "." || part === "..") ? undefined : path;
}

/** The namespace that a parameter is of, by its path; undefined if it is of the whole host. */
export function namespaceOfSysctl(path: string): "ipc" | "network" | "user" | "uts" | undefined {
  if (IPC_PARAMETERS.has(path) || path.startsWith("fs/mqueue/")) return "ipc";
  if (path.startsWith("net/")) return "network";
  if (path.startsWith("user/")) return "user";
  return path === "kernel/domainname" ? "uts" : undefined;
}
