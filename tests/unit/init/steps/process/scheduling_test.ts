import { assertEquals } from "@std/assert";
import { formatPlan, listPlan } from "../../../../../init/listing/listing.ts";
import type { PlanItem } from "../../../../../init/operations/operation.ts";
import { joinKeyring, labelKeyring } from "../../../../../init/steps/process/keyring.ts";
import { setMemoryPolicy } from "../../../../../init/steps/process/memory_policy.ts";
import {
  resetCpuAffinity,
  setIoPriority,
  setScheduler,
} from "../../../../../init/steps/process/scheduling.ts";
import { maxNode, nodeMask } from "../../../../../ffi/processes/memory_policy.ts";
import { IOPRIO_CLASS, SCHED_FLAG, SCHED_POLICY } from "../../../../../ffi/processes/scheduler.ts";
import { MPOL_FLAG, MPOL_MODE } from "../../../../../ffi/processes/memory_policy.ts";
import {
  IO_PRIORITY_CLASSES,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
} from "../../../../../src/config/types/names.ts";

/** The calls of a step, as a listing shows them. */
function calls(items: readonly PlanItem[]): string[] {
  return formatPlan(listPlan(items)).split("\n").map((line) => line.trim())
    .filter((line) => line.includes("("))
    .filter((line) => !line.startsWith("#"));
}

Deno.test("each word of the spec about scheduling and memory has a number", () => {
  assertEquals(Object.keys(SCHED_POLICY).sort(), [...SCHEDULER_POLICIES].sort());
  assertEquals(Object.keys(SCHED_FLAG).sort(), [...SCHEDULER_FLAGS].sort());
  assertEquals(Object.keys(IOPRIO_CLASS).sort(), [...IO_PRIORITY_CLASSES].sort());
  assertEquals(Object.keys(MPOL_MODE).sort(), [...MEMORY_POLICY_MODES].sort());
  assertEquals(Object.keys(MPOL_FLAG).sort(), [...MEMORY_POLICY_FLAGS].sort());
});

Deno.test("a scheduler is set by policy, nice, priority, flags and times", () => {
  const { bytes, size } = attributesOf({
    policy: "SCHED_OTHER",
    nice: -5,
    flags: ["SCHED_FLAG_RESET_ON_FORK"],
  });
  assertEquals([size, bytes.getUint32(4, true), bytes.getInt32(16, true)], [56, 0, -5]);
  assertEquals(bytes.getBigUint64(8, true), 1n);
  assertEquals(calls(setScheduler({ policy: "SCHED_RR", priority: 7 })), [
    "sched_setattr(0, {sched_policy=SCHED_RR, sched_priority=7}, 0)",
  ]);
  assertEquals(
    calls(setScheduler({
      policy: "SCHED_DEADLINE",
      flags: ["SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN"],
      runtime: 1,
      deadline: 2,
      period: 3,
    })),
    [
      "sched_setattr(0, {sched_policy=SCHED_DEADLINE, sched_flags=SCHED_FLAG_RECLAIM|" +
      "SCHED_FLAG_DL_OVERRUN, sched_runtime=1, sched_deadline=2, sched_period=3}, 0)",
    ],
  );
});

Deno.test("an I/O priority is its class above its level", () => {
  assertEquals(calls(setIoPriority({ class: "IOPRIO_CLASS_BE", priority: 7 })), [
    "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7))",
  ]);
  const [item] = setIoPriority({ class: "IOPRIO_CLASS_IDLE" });
  assertEquals(item !== undefined && "args" in item && item.args[2], 3 << 13);
});

Deno.test("the affinity is every CPU, and an error of it is none of the container's", () => {
  assertEquals(calls(resetCpuAffinity()), [
    "sched_setaffinity(0, 1024, [0-8191])  # on error: go on",
  ]);
});

Deno.test("a memory policy is mode, flags and the nodes' mask", () => {
  assertEquals(calls(setMemoryPolicy({ mode: "MPOL_DEFAULT" })), [
    "set_mempolicy(MPOL_DEFAULT, NULL, 0)",
  ]);
  assertEquals(
    calls(setMemoryPolicy({
      mode: "MPOL_INTERLEAVE",
      nodes: "0-2,64",
      flags: ["MPOL_F_RELATIVE_NODES"],
    })),
    ["set_mempolicy(MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES, [0-2,64], 129)"],
  );
  assertEquals([nodeMask([]).length, maxNode(nodeMask([])), maxNode(nodeMask([63]))], [0, 0, 65]);
});

Deno.test("a keyring is searchable for its user, in a user namespace for others", () => {
  const rights = (isMapped: boolean) => {
    const item = joinKeyring("_ses.web", isMapped)[1];
    return item !== undefined && "args" in item ? item.args[2] : undefined;
  };
  assertEquals([rights(false), rights(true)], [0x3f1b0000, 0x3f130008]);
});

Deno.test("with an SELinux label the keyring gets it before it is made", () => {
  const paths = labelKeyring("system_u:system_r:container_t:s0")
    .map((item) => "syscall" in item ? item.syscall : item.work);
  assertEquals(paths, ["openat", "openat2", "write", "close", "close"]);
  assertEquals(labelKeyring(""), []);
});

function attributesOf(
  scheduler: Parameters<typeof setScheduler>[0],
): { bytes: DataView; size: number } {
  const [item] = setScheduler(scheduler);
  const bytes = item !== undefined && "args" in item
    ? item.args[1] as Uint8Array
    : new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes: view, size: view.getUint32(0, true) };
}
