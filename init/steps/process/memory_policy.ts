/**
 * On which memory nodes the program's pages lie.
 *
 * Source: set_mempolicy(2), the runtime-spec's "Memory policy".
 *
 * @module
 */

import { maxNode, MPOL_FLAG, MPOL_MODE, nodeMask } from "../../../ffi/processes/memory_policy.ts";
import { parseCpuList } from "../../../src/config/cpu_list.ts";
import type { MemoryPolicy } from "../../../src/config/types/config.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";

/**
 * Sets the memory policy, which survives execve. It comes after the cpuset cgroup is entered,
 * because the kernel checks the policy against that cgroup's memory nodes.
 */
export function setMemoryPolicy({ mode, nodes = "", flags = [] }: MemoryPolicy): PlanItem[] {
  const step = new StepBuilder("memory");
  const mask = nodeMask(parseCpuList(nodes) ?? []);
  const bits = flags.reduce((sum, flag) => sum | (MPOL_FLAG[flag] as number), 0);
  const where = nodes === "" ? "" : ` on nodes ${nodes}`;
  const hint = "the nodes must be online and in the cpuset's mems; MPOL_PREFERRED_MANY takes " +
    "Linux 5.15, MPOL_WEIGHTED_INTERLEAVE 6.9";
  step.because(`set the memory policy ${mode}${where}`, mode, "/linux/memoryPolicy", hint)
    .call("set_mempolicy", [
      (MPOL_MODE[mode] as number) | bits,
      mask.length === 0 ? 0 : mask,
      maxNode(mask),
    ]);
  return step.items;
}
