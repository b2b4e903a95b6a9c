/**
 * The network of a new network namespace: its loopback interface comes up.
 *
 * Source: netdevice(7).
 *
 * @module
 */

import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;

/** Brings `lo` up. */
export function bringUpLoopback(): PlanItem[] {
  const step = new StepBuilder("network");
  step.because("bring the loopback interface up", "lo", "/linux/namespaces");
  step.call("socket", [AF_INET, SOCK_DGRAM_CLOEXEC, 0], { label: "socket" });
  step.call("ioctl", [result("socket"), SIOCSIFFLAGS, interfaceRequest("lo", IFF_UP)]);
  step.close("socket");
  return step.items;
}

/** struct ifreq with a name and flags. */
function interfaceRequest(name: string, flags: number): Uint8Array {
  const request = new Uint8Array(40);
  new TextEncoder().encodeInto(name, request.subarray(0, 15));
  new DataView(request.buffer).setInt16(16, flags, true);
  return request;
}
