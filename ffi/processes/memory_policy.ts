/**
 * NUMA memory policy: the numbers and the node mask of set_mempolicy(2).
 *
 * Source: set_mempolicy(2), the kernel's include/uapi/linux/mempolicy.h.
 *
 * @module
 */

/** The modes, by the names of the OCI spec. */
export const MPOL_MODE: Readonly<Record<string, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

/** The mode flags, by the names of the OCI spec. */
export const MPOL_FLAG: Readonly<Record<string, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

/**
 * A node mask of whole 64-bit words, none for no node.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { nodeMask } from "./memory_policy.ts";
 * assert(nodeMask([0, 9]).join() === "1,2,0,0,0,0,0,0");
 * ```
 */
export function nodeMask(nodes: readonly number[]): Uint8Array<ArrayBuffer> {
  const highest = Math.max(-1, ...nodes);
  const bytes = new Uint8Array(8 * Math.ceil((highest + 1) / 64));
  for (const node of nodes) bytes[node >> 3] = (bytes[node >> 3] ?? 0) | 1 << (node & 7);
  return bytes;
}

/** The maxnode argument for a mask: the kernel reads one bit less than it says. */
export function maxNode(mask: Uint8Array): number {
  return mask.length === 0 ? 0 : 8 * mask.length + 1;
}
