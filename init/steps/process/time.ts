/**
 * The time namespace. A process can enter one only while it has a single thread and its own memory.
 * A re-executed init has threads, so the child that becomes init does it before its execve. The
 * offsets can be set only as long as nobody is inside.
 *
 * Source: time_namespaces(7), the runtime-spec's "Offset for Time Namespace".
 *
 * @module
 */

import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_WRONLY } from "../../../ffi/files/file.ts";
import { NAMESPACE_FLAGS } from "../../../ffi/processes/namespaces.ts";
import type { TimeOffsets } from "../../../src/config/types/config.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { requireProcfs } from "../places/verify.ts";

/**
 * A new time namespace, and the fd of a procfs's root, which was checked; or the fd of one to join.
 */
export type TimeNamespace =
  | { readonly proc: number; readonly offsets: TimeOffsets }
  | { readonly joined: number };

const POINTER = "/linux/timeOffsets";
const FILE = "/proc/self/timens_offsets";

/** Enters the time namespace. */
export function enterTimeNamespace(time: TimeNamespace): PlanItem[] {
  const step = new StepBuilder("namespaces");
  if ("joined" in time) {
    step.because("join the time namespace", undefined, "/linux/namespaces", OWNED)
      .call("setns", [time.joined, NAMESPACE_FLAGS.time]);
    return step.items;
  }
  const { proc, offsets } = time;
  const folder = O_PATH | O_DIRECTORY | O_CLOEXEC;
  step.because("make a time namespace", undefined, "/linux/namespaces", SINCE)
    .call("unshare", [NAMESPACE_FLAGS.time])
    .call("openat", [proc, "self", folder, 0], { label: "time.self" });
  const lines = Object.entries(offsets)
    .map(([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`);
  if (lines.length > 0) {
    const bytes = new TextEncoder().encode(lines.join(""));
    step.because("set the clocks' offsets", FILE, POINTER, "a clock must not become negative")
      .call("openat", [result("time.self"), "timens_offsets", WRITE, 0], { label: "time.offsets" });
    requireProcfs(step, "time.offsets");
    step.call("write", [result("time.offsets"), bytes, bytes.length]).close("time.offsets");
  }
  step.because("enter the time namespace", undefined, "/linux/namespaces")
    .call("openat", [result("time.self"), "ns/time_for_children", O_CLOEXEC, 0], {
      label: "time.namespace",
    })
    .call("setns", [result("time.namespace"), NAMESPACE_FLAGS.time])
    .close("time.namespace", "time.self");
  return step.items;
}

const WRITE = O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
const SINCE = "it takes Linux 5.6, built with CONFIG_TIME_NS";
const OWNED = "a new user namespace can't join one that belongs to the host";
