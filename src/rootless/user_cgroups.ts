/**
 * The cgroups of a container whose maker has not root's rights on the host: those that somebody
 * delegated to that user, or none.
 *
 * Source: cgroups(7), "Cgroups delegation"; the kernel's cgroup-v2.rst, "Delegation Containment".
 *
 * @module
 */

import { AT_FDCWD, readText } from "../../ffi/files/file.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import {
  type CgroupManagerOptions,
  loadCgroupManager,
  newCgroupManager,
} from "../cgroups/choice/make_manager.ts";
import { cgroupPaths } from "../cgroups/choice/paths.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { Resources } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

/** Which cgroups, for which container. */
export interface UserCgroupsOptions extends CgroupManagerOptions {
  /** What the config limits. */
  readonly resources: Resources | undefined;
  /** Whether the limits can be done without: they are hull's own, not the user's. */
  readonly isLenient: boolean;
}

/** The cgroups that a user's container gets. */
export interface UserCgroups {
  readonly manager: CgroupManager;
  /** Whether the number of processes can be limited in them. */
  readonly limitsPids: boolean;
}

/**
 * The manager of the container's cgroups: those that this user may make, by what the kernel says;
 * else none. None will do only if nothing depends on them: no limits are asked for, and no path is
 * named.
 *
 * @throws {ContainerError} `Unsupported` with the remedy
 */
export function cgroupsForUser(options: UserCgroupsOptions): UserCgroups {
  const { host, cgroupsPath = "", id, driver, resources = {}, isLenient } = options;
  if (driver === "disabled") return { manager: newCgroupManager(options), limitsPids: false };
  for (const paths of host.hierarchies.length === 0 ? [] : candidates(host, cgroupsPath, id)) {
    if (!isUsable(host, paths)) continue;
    return { manager: loadCgroupManager(host, paths), limitsPids: offersPids(host, paths) };
  }
  const limited = isLenient ? [] : limitsOf(resources);
  if (cgroupsPath === "" && limited.length === 0) {
    return { manager: newCgroupManager({ ...options, driver: "disabled" }), limitsPids: false };
  }
  throw refused(cgroupsPath, limited[0]);
}

/** Where it may be: beside this program's cgroup, as usual; where only that is delegated, in it. */
function candidates(host: CgroupHost, asked: string, id: string) {
  const usual = cgroupPaths(host, asked, id);
  const [own] = host.hierarchies;
  if (host.version === 1 || asked !== "" || own === undefined) return [usual];
  return [usual, { "": `${own.ownFolder}/${id}` }];
}

/** The limits that a config asks for. Device rules are no limit: every config has some. */
export function limitsOf(resources: Resources): readonly string[] {
  return Object.entries(resources)
    .filter(([name, value]) =>
      name !== "devices" && value !== undefined && value !== null && Object.keys(value).length > 0
    )
    .map(([name]) => name);
}

function isUsable(host: CgroupHost, paths: Readonly<Record<string, string>>): boolean {
  return Object.entries(paths).every(([controller, path]) => {
    const hierarchy = host.hierarchies.find(({ controllers }) => controllers.includes(controller));
    if (hierarchy === undefined) return false;
    const { mountPoint, ownFolder } = hierarchy;
    const parent = firstThere(path, mountPoint);
    const shared = sharedFolder(parent, ownFolder);
    return isWritable(parent) && (host.version === 1 || isWritable(`${shared}/cgroup.procs`));
  });
}

function offersPids(host: CgroupHost, paths: Readonly<Record<string, string>>): boolean {
  if (host.version === 1) return "pids" in paths;
  const [own] = host.hierarchies;
  const parent = firstThere(paths[""] ?? "", own?.mountPoint ?? "");
  try {
    return readText(`${parent}/cgroup.controllers`).split(/\s+/).includes("pids");
  } catch {
    return false;
  }
}

/** The deepest folder on the way to a path that is there. */
function firstThere(path: string, top: string): string {
  let folder = path;
  while (folder.length > top.length && typeof tryStatPath(folder, false) === "number") {
    folder = folder.slice(0, folder.lastIndexOf("/"));
  }
  return folder;
}

/** The deepest folder above both: who moves a process must be let write there. */
export function sharedFolder(one: string, other: string): string {
  const others = other.split("/");
  const parts = one.split("/");
  const end = parts.findIndex((part, k) => part !== others[k]);
  return (end < 0 ? parts : parts.slice(0, end)).join("/");
}

const W_OK = 2;
const AT_EACCESS = 0x200;

function isWritable(path: string): boolean {
  const program = new SyscallProgram([{
    syscall: "faccessat2",
    args: [AT_FDCWD, path, W_OK, AT_EACCESS],
  }]);
  program.run();
  return program.failure() === undefined;
}

const HINT =
  "let systemd make it (hull --systemd-cgroup …), start hull where cgroups are delegated " +
  "(systemd-run --user --scope hull …), or run it as root";

function refused(cgroupsPath: string, limit: string | undefined): ContainerError {
  if (limit === undefined) {
    return new ContainerError("Unsupported", `this user can't make the cgroup ${cgroupsPath}`, {
      step: "cgroups",
      pointer: "/linux/cgroupsPath",
      hint: `${HINT}; without cgroupsPath the container has no cgroups`,
    });
  }
  return new ContainerError("Unsupported", `this user can make no cgroup, which ${limit} needs`, {
    step: "cgroups",
    pointer: `/linux/resources/${limit}`,
    hint: `${HINT}; without limits the container has no cgroups`,
  });
}
