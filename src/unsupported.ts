/**
 * What a valid config may ask for and hull can't do yet: it is refused before anything is made,
 * since a container that runs without its seccomp filter is worse than none.
 *
 * @module
 */

import { isNew, joinsInhabited } from "../init/steps/namespaces.ts";
import { parseMountOptions } from "../init/steps/mount_options.ts";
import type { Config, Mount } from "./config/types.ts";
import { ContainerError, type Fault } from "./errors.ts";

/**
 * Refuses what can't be done.
 *
 * @throws {ContainerError} `Unsupported` with every field at once
 */
export function requireSupported(config: Config): void {
  requireNetworkNamespace(config);
  const faults = unsupported(config);
  if (faults.length === 0) return;
  throw new ContainerError("Unsupported", "the config asks for what hull can't do yet", {
    faults,
    hint: "take these fields out, or use a runtime that has them",
  });
}

/**
 * A device can only be moved into another network namespace. The check of the config leaves this be,
 * since the spec's own sample has none.
 */
function requireNetworkNamespace({ linux }: Config): void {
  if (isEmpty(linux?.netDevices)) return;
  if (linux?.namespaces?.some(({ type }) => type === "network") === true) return;
  const message = "needs a network namespace in linux.namespaces";
  throw new ContainerError("ConfigInvalid", "the config can't be used", {
    faults: [{ pointer: "/linux/netDevices", message }],
  });
}

function unsupported({ linux, mounts = [] }: Config): Fault[] {
  const { namespaces = [] } = linux ?? {};
  const fields: readonly (readonly [pointer: string, isAsked: boolean])[] = [
    ["/linux/timeOffsets", !isEmpty(linux?.timeOffsets)],
    ["/linux/mountLabel", (linux?.mountLabel ?? "") !== ""],
    ["/linux/uidMappings", joinsInhabited(namespaces) && isNew(namespaces, "user")],
    ...mounts.map((mount, k) => [`/mounts/${k}`, isIdMapped(mount)] as const),
  ];
  return fields.filter(([, isAsked]) => isAsked)
    .map(([pointer]) => ({ pointer, message: "is not supported yet" }));
}

function isIdMapped({ options = [], uidMappings, gidMappings }: Mount): boolean {
  return parseMountOptions(options).idmap || uidMappings !== undefined || gidMappings !== undefined;
}

function isEmpty(record: object | undefined): boolean {
  return Object.keys(record ?? {}).length === 0;
}
