/**
 * The manager of a new container whose cgroups systemd makes.
 *
 * @module
 */

import { readText } from "../../../ffi/files/file.ts";
import type { CgroupHost } from "../detect.ts";
import type { Config } from "../../config/types/config.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import { annotatedProperties } from "../systemd/annotations.ts";
import { SystemdManager } from "../systemd/manager.ts";
import type { Whose } from "../systemd/addresses.ts";
import { SystemdBus } from "../systemd/systemd_bus.ts";
import { unitName, unitPath } from "../systemd/unit_names.ts";
import { type CgroupManagerOptions, loadCgroupManager } from "./make_manager.ts";
import { cgroupPaths } from "./paths.ts";

/**
 * Finds where systemd's cgroups are; nothing is made yet.
 *
 * @param config its annotations are checked
 * @throws {ContainerError} ConfigInvalid, Unsupported where there is no systemd, SystemError where
 *   it does not answer
 */
export async function newUnitManager(
  { host, cgroupsPath, id }: Omit<CgroupManagerOptions, "driver">,
  { annotations }: Pick<Config, "annotations">,
): Promise<SystemdManager> {
  const isUsers = host.inUserNamespace &&
    (Deno.uid() !== 0 || Deno.env.get("XDG_RUNTIME_DIR") !== undefined);
  if (isUsers && host.version === 1) {
    throw unsupportedResource(
      "a user's systemd has no controllers of cgroup v1",
      undefined,
      "boot the host with cgroup v2, or leave the driver out: then the container has no cgroups",
    );
  }
  annotatedProperties(annotations);
  const unit = unitName(cgroupsPath, id, isUsers);
  const whose = isUsers ? "user" : "system";
  const around = systemsCgroup(whose) ?? await askedCgroup(whose);
  if (isUsers) requireInside(host, around);
  const folder = around + unitPath(unit);
  const paths = cgroupPaths(host, folder, id);
  const stored = { name: unit.unit, slice: unit.slice, whose } as const;
  return new SystemdManager(loadCgroupManager(host, paths, stored), host, stored);
}

/**
 * Where the host's systemd is: it is the first process, and its units are beside the scope that it
 * is in. Where /proc does not tell, it is asked.
 */
function systemsCgroup(whose: Whose): string | undefined {
  if (whose === "user") return undefined;
  const lines = readText("/proc/1/cgroup").split("\n");
  const own = lines.find((line) => /^\d+:(?:name=systemd)?:/.test(line))?.split(":").slice(2);
  return /^(.*)\/init\.scope$/.exec(own?.join(":") ?? "")?.[1];
}

async function askedCgroup(whose: Whose): Promise<string> {
  using bus = await SystemdBus.open({ whose });
  return await bus.ownCgroup();
}

/**
 * A user can only move processes between the cgroups that were delegated to that user: those of the
 * user's systemd. A login is outside of them.
 *
 * Source: the kernel's cgroup-v2.rst, "Delegation Containment".
 */
function requireInside({ hierarchies: [tree] }: CgroupHost, around: string): void {
  if (`${tree?.ownFolder}/`.startsWith(`${tree?.mountPoint}${around}/`)) return;
  throw unsupportedResource(
    "this program is outside of the cgroups of the user's systemd",
    undefined,
    "run it inside: systemd-run --user --scope hull …",
  );
}
