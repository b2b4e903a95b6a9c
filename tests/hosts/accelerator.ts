/**
 * Whether machines can use this host's CPU. On a host that is a machine itself /dev/kvm may be there
 * and its machines may break down nevertheless: so a first one tells.
 *
 * @module
 */

import type { CacheFolder } from "./cache.ts";
import { type Accelerator, type MachineModel, runInMachine } from "./machine.ts";
import { Refusal } from "./refusal.ts";

const PROBE_SECONDS = 60;

/** Tries it once for each boot of this host. */
export async function findAccelerator(
  cache: CacheFolder,
  model: Omit<MachineModel, "accelerator" | "kind" | "shares">,
): Promise<Accelerator> {
  if (!canOpen("/dev/kvm")) return "tcg";
  const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  for (const accelerator of ["kvm", "tcg"] as const) {
    if (cache.isReady("accelerator", `${boot} ${accelerator}`)) return accelerator;
  }
  const accelerator = await worksByKvm(model) ? "kvm" : "tcg";
  cache.ready("accelerator", `${boot} ${accelerator}`);
  return accelerator;
}

async function worksByKvm(
  model: Omit<MachineModel, "accelerator" | "kind" | "shares">,
): Promise<boolean> {
  try {
    const machine = { ...model, kind: "v2", shares: [], accelerator: "kvm" } as const;
    const job = { words: ["true"], folder: "/", environment: {}, onOutput: () => {} };
    return await runInMachine(machine, { ...job, seconds: PROBE_SECONDS }) === 0;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

function canOpen(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}
