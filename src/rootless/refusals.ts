/**
 * Why a host refuses a container to a user without root's rights, each reason by its own check, and
 * what can be done.
 *
 * @module
 */

import { isNew } from "../../init/steps/process/namespaces.ts";
import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { isAdmin } from "../own/rights.ts";
import { forbidsUsers, hasNoRoom, type ReadHost, readHost, takesRights } from "./host_rules.ts";

/** The container that was refused. */
export interface Refused {
  /** What its ids must reach. */
  readonly rootfs: string;
  readonly config: Config;
}

/** What is looked at to find the reason. */
export interface HostChecks {
  readonly read: ReadHost;
  /** Whether this program has CAP_SYS_ADMIN. */
  readonly isAdmin: () => boolean;
}

const HOST: HostChecks = { read: readHost, isAdmin };

/** What errors come of the host's rules rather than of the config. */
const FORBIDDEN: readonly (string | undefined)[] = ["EPERM", "EACCES", "ENOSPC", "EUSERS"];

/** The error with the reason and the remedy, where the host gives one. */
export function explainRefusal(error: unknown, refused: Refused, host = HOST): unknown {
  if (!(error instanceof ContainerError)) return error;
  if (!FORBIDDEN.includes(error.errno) && !leavesOut(error)) return error;
  const hint = reasonOf(error, refused, host);
  if (hint === undefined) return error;
  const { code, summary, cause } = error;
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}

function reasonOf(
  { step, errno, syscall, path, hint }: ContainerError,
  { rootfs, config }: Refused,
  host: HostChecks,
): string | undefined {
  if (errno === "EINVAL") {
    return "a user namespace can't leave out what is mounted in the source: use rbind";
  }
  const isMade = syscall === "clone3" || syscall === "unshare";
  if (isMade && step === "sources") {
    return "a mount that is made beforehand, id-mapped or shared with the host, needs root: " +
      "leave the option out, or run hull as root";
  }
  const makes = isMade && (step === "clone" || errno === "ENOSPC");
  const rule = (makes ? forbidsUsers(host.read) ?? hasNoRoom(host.read) : undefined) ??
    (errno === "ENOSPC" ? undefined : takesRights(host.read));
  if (rule !== undefined) return rule;
  if (makes && (errno === "ENOSPC" || errno === "EUSERS")) {
    return "a limit is reached: see the files of /proc/sys/user";
  }
  if (makes && !isNew(config.linux?.namespaces ?? [], "user") && !host.isAdmin()) {
    return "hull has not CAP_SYS_ADMIN in its user namespace: let it have that, or the container a " +
      'user namespace of its own, with a map (linux.namespaces: {"type": "user"})';
  }
  if (makes) {
    return "something around hull forbids user namespaces, such as the filter of a container";
  }
  if (step === "exec" && errno === "EACCES") return noexecReason(rootfs, host);
  if (hint === undefined && errno === "EACCES" && (path ?? "/").startsWith("/")) {
    return `the container's ids must reach ${rootfs}: give its folders and files to ids that are ` +
      "mapped, or let all search them (chmod a+x)";
  }
  return undefined;
}

/** Whether a bind would show what a mount inside of its source covers. */
function leavesOut({ step, syscall, errno }: ContainerError): boolean {
  return step === "mounts" && syscall === "open_tree" && errno === "EINVAL";
}

function noexecReason(rootfs: string, host: HostChecks): string | undefined {
  const flags = mountOf(rootfs, host.read("/proc/self/mountinfo") ?? "");
  if (flags?.options.includes("noexec") !== true) return undefined;
  return `nothing on ${flags.point} can be executed: mount -o remount,exec ${flags.point}, or put ` +
    "the rootfs elsewhere";
}

/** The mount that a path lies on, in the text of mountinfo: the last of the deepest. */
export function mountOf(
  path: string,
  mountinfo: string,
): { readonly point: string; readonly options: readonly string[] } | undefined {
  let found: { point: string; options: readonly string[] } | undefined;
  for (const line of mountinfo.split("\n")) {
    const [, , , , point = "", options = ""] = line.split(" ");
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    if (point === "" || !isAbove || point.length < (found?.point.length ?? 0)) continue;
    found = { point, options: options.split(",") };
  }
  return found;
}
