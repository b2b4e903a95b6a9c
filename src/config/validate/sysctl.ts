/**
 * Checks of `linux.sysctl`: only parameters that belong to a namespace of the container, since any
 * other would change the host (namespaces(7); the same rules as runc's).
 *
 * @module
 */

import { namespaceOfSysctl, sysctlPath } from "../sysctl.ts";
import type { Field } from "../fields/field.ts";
import type { NamespaceSet } from "./namespaces.ts";

/** Every parameter of `linux.sysctl` (config-linux.md, Sysctl). */
export function checkSysctl(sysctl: Field, namespaces: NamespaceSet): void {
  for (const [name, value] of sysctl.entries()) {
    value.string();
    const path = sysctlPath(name);
    const problem = path === undefined
      ? "is not the name of a kernel parameter"
      : refusal(path, namespaces);
    if (problem !== undefined) value.fault(problem);
  }
}

function refusal(path: string, namespaces: NamespaceSet): string | undefined {
  const needs = (type: "ipc" | "network" | "user" | "uts") =>
    namespaces.has(type) ? undefined : `needs a ${type} namespace in linux.namespaces`;
  const type = namespaceOfSysctl(path);
  if (type !== undefined) return needs(type);
  if (path === "kernel/hostname") return "can't be set here: use the field hostname";
  return "is not namespaced: it would change the host";
}
