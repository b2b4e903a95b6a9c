/**
 * Finds namespaces joined by path that are the host's: what the config sets in them would be set on
 * the host.
 *
 * Source: namespaces(7).
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { statAt, tryStatPath } from "../../ffi/files/file_status.ts";
import { NAMESPACE_FILES } from "../../ffi/processes/namespaces.ts";
import { namespaceOfSysctl, sysctlPath } from "../config/sysctl.ts";
import type { Config, Namespace } from "../config/types/config.ts";
import { ContainerError, type Fault } from "../errors.ts";
import { openJoined } from "./joined_namespaces.ts";

type Type = Namespace["type"];

/** What a config sets in a namespace, and where it says so. */
interface Setting {
  readonly pointer: string;
  readonly type: Type;
}

/**
 * Refuses kernel parameters and names that would be set in the namespaces of this program or of the
 * host's first process. A path that leads nowhere is reported when the namespace is joined.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireNotHosts(config: Config): void {
  const { namespaces = [] } = config.linux ?? {};
  const joined = new Set(namespaces.filter(({ path = "" }) => path !== "").map(({ type }) => type));
  const isHosts = new Map<Type, boolean>();
  const faults: Fault[] = [];
  for (const { pointer, type } of joined.size === 0 ? [] : settingsOf(config)) {
    if (!joined.has(type)) continue;
    if (!isHosts.has(type)) isHosts.set(type, leadsToHost(namespaces, type));
    if (isHosts.get(type) !== true) continue;
    const message = `would change the host: the ${type} namespace joined by path is the host's`;
    faults.push({ pointer, message });
  }
  if (faults.length === 0) return;
  throw new ContainerError("ConfigInvalid", "the config can't be used", { faults });
}

function settingsOf({ hostname, domainname, linux = {} }: Config): Setting[] {
  const settings: Setting[] = [];
  if (hostname !== undefined) settings.push({ pointer: "/hostname", type: "uts" });
  if (domainname !== undefined) settings.push({ pointer: "/domainname", type: "uts" });
  for (const name of Object.keys(linux.sysctl ?? {})) {
    const type = namespaceOfSysctl(sysctlPath(name) ?? "");
    const pointer = `/linux/sysctl/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (type !== undefined) settings.push({ pointer, type });
  }
  return settings;
}

function leadsToHost(namespaces: readonly Namespace[], type: Type): boolean {
  let inode: bigint;
  try {
    using namespace = openJoined(namespaces, type);
    if (namespace === undefined) return false;
    inode = statAt(namespace, "").inode;
  } catch (error) {
    if (error instanceof ContainerError || error instanceof SyscallError) return false;
    throw error;
  }
  // All namespaces are files of one file system, so the inode identifies a namespace.
  return ["thread-self", "1"].some((process) => {
    const own = tryStatPath(`/proc/${process}/ns/${NAMESPACE_FILES[type]}`, true);
    return typeof own !== "number" && own.inode === inode;
  });
}
