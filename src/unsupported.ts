/**
 * What a valid config may ask for and hull can't do yet: it is refused before anything is made,
 * since a container that runs without its seccomp filter is worse than none.
 *
 * @module
 */

import type { Config } from "./config/types.ts";
import { ContainerError, type Fault } from "./errors.ts";
import { isSelinuxEnabled, readSelinuxHost } from "./security/mount_label.ts";

/**
 * Refuses what can't be done.
 *
 * @throws {ContainerError} `Unsupported` with every field at once
 */
export function requireSupported(config: Config): void {
  requireMountLabel(config.linux?.mountLabel ?? "");
  const faults = unsupported(config);
  if (faults.length === 0) return;
  throw new ContainerError("Unsupported", "the config asks for what hull can't do yet", {
    faults,
    hint: "take these fields out, or use a runtime that has them",
  });
}

/** A label that nothing applies would leave the files open to other labels' processes. */
function requireMountLabel(label: string): void {
  if (label === "" || isSelinuxEnabled(readSelinuxHost())) return;
  throw new ContainerError("Unsupported", "the config has a mount label, but SELinux is off", {
    pointer: "/linux/mountLabel",
    hint: "enable SELinux on this host, or take the label out",
  });
}

function unsupported({ process, linux, hooks }: Config): Fault[] {
  const fields: readonly (readonly [pointer: string, isAsked: boolean])[] = [
    ["/process/scheduler", process?.scheduler !== undefined],
    ["/process/ioPriority", process?.ioPriority !== undefined],
    ["/linux/seccomp", linux?.seccomp !== undefined],
    ["/linux/netDevices", !isEmpty(linux?.netDevices)],
    ["/linux/intelRdt", linux?.intelRdt !== undefined],
    ["/linux/memoryPolicy", linux?.memoryPolicy !== undefined],
    ...Object.entries(hooks ?? {}).map(([name, list]) =>
      [`/hooks/${name}`, (list ?? []).length > 0] as const
    ),
  ];
  return fields.filter(([, isAsked]) => isAsked)
    .map(([pointer]) => ({ pointer, message: "is not supported yet" }));
}

function isEmpty(record: object | undefined): boolean {
  return Object.keys(record ?? {}).length === 0;
}
