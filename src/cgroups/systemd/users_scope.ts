/**
 * Takes this program to where an ordinary user's own systemd has its cgroups. The kernel lets a user
 * move a process only between cgroups that were delegated to that user, and a login's are outside.
 *
 * Source: the kernel's cgroup-v2.rst, "Delegation Containment".
 *
 * @module
 */

import { readText } from "../../../ffi/files/file.ts";
import { ContainerError } from "../../errors.ts";
import { text } from "./property.ts";
import { SystemdBus, type SystemdBusOptions } from "./systemd_bus.ts";

/**
 * Has the user's systemd take this program, with all its threads, into a scope of its own, unless it
 * is inside already. Where there is none, or it may not, this program stays where it is.
 *
 * @param systemd only tests ask another one
 * @throws {ContainerError} `SystemError` where it does not answer in time: nor would it afterwards
 */
export async function enterUsersScope(
  systemd: SystemdBusOptions = { whose: "user" },
): Promise<void> {
  const own = /^0::(.*)$/m.exec(readText("/proc/self/cgroup"))?.[1];
  if (own === undefined) return; // v1 alone
  try {
    using bus = await SystemdBus.open(systemd);
    if (`${own}/`.startsWith(`${await bus.ownCgroup()}/`)) return;
    await bus.startTransient(`hull-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}.scope`, [
      text("Description", "hull, where containers can be made"),
      text("Slice", "user.slice"),
      ["PIDs", { signature: "au", value: [Deno.pid] }],
      text("CollectMode", "inactive-or-failed"),
    ]);
  } catch (error) {
    // Who needs it then, is told what is missing.
    if (!(error instanceof ContainerError) || error.errno === "ETIMEDOUT") throw error;
  }
}
