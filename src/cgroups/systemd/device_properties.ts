/**
 * The device rules as systemd has them, so that it sets the same rules as hull when it sets its own
 * again: at a daemon-reload, for example.
 *
 * Source: systemd.resource-control(5), "DeviceAllow="; the names by number since systemd 240.
 *
 * @module
 */

import type { DeviceRule } from "../../config/types/config.ts";
import {
  containerDevicePolicy,
  type DeviceException,
  MKNOD,
  READ,
  WRITE,
} from "../controllers/device_rules.ts";
import { type Property, text } from "./property.ts";

/**
 * The properties for the rules of a config.
 *
 * systemd only knows what is allowed. Where all but some devices are allowed, on v2 it allows all
 * beside hull's own program, which still forbids them. v1 has one list for both, so there it allows
 * nothing, as with runc: a daemon-reload takes devices away then rather than giving some.
 *
 * @throws {ContainerError} ConfigInvalid with the rule's pointer
 */
export function deviceProperties(rules: readonly DeviceRule[], version: 1 | 2): Property[] {
  const { allowAll, exceptions } = containerDevicePolicy(rules);
  const isOpen = allowAll && (version === 2 || exceptions.length === 0);
  const allowed = allowAll ? [] : exceptions.flatMap(allow);
  return [
    text("DevicePolicy", isOpen ? "auto" : "strict"),
    ["DeviceAllow", { signature: "a(ss)", value: [] }], // forgets what was there
    ...(allowed.length === 0
      ? []
      : [["DeviceAllow", { signature: "a(ss)", value: allowed }] as const]),
  ];
}

/** A device number of any major with a given minor has no name there. */
function allow({ type, major, minor, access }: DeviceException): [string, string][] {
  const kind = type === "b" ? "block" : "char";
  const rights = (access & READ ? "r" : "") + (access & WRITE ? "w" : "") +
    (access & MKNOD ? "m" : "");
  if (major === undefined) return minor === undefined ? [[`${kind}-*`, rights]] : [];
  if (minor === undefined) return [[`${kind}-${major}`, rights]];
  return [[`/dev/${kind}/${major}:${minor}`, rights]];
}
