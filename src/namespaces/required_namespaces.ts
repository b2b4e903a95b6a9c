/**
 * Which namespaces a container must have for the rest of its config. The check of the config alone
 * does not cover this.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

/**
 * Refuses a new user namespace whose container would stay in this program's mount namespace: a
 * process in it has no rights over mounts outside.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireMountNamespace({ linux }: Config): void {
  const { namespaces = [] } = linux ?? {};
  const makesUser = namespaces.some(({ type, path = "" }) => type === "user" && path === "");
  const ownsMounts = namespaces.some(({ type, path = "" }) => type === "mount" && path === "");
  if (!makesUser || ownsMounts) return;
  throw new ContainerError("ConfigInvalid", "the config can't be used", {
    faults: [{
      pointer: "/linux/namespaces",
      message: "must hold a new mount namespace beside the new user namespace",
    }],
  });
}

/**
 * Refuses network devices for a container that has no network namespace to move them into. The
 * check of the config allows that, since the spec's own sample has none.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireNetworkNamespace({ linux }: Config): void {
  if (Object.keys(linux?.netDevices ?? {}).length === 0) return;
  if (linux?.namespaces?.some(({ type }) => type === "network") === true) return;
  const message = "needs a network namespace in linux.namespaces";
  throw new ContainerError("ConfigInvalid", "the config can't be used", {
    faults: [{ pointer: "/linux/netDevices", message }],
  });
}
