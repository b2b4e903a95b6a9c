/**
 * Wishes laid over a config: those that don't say what the root holds.
 *
 * @module
 */

import { resolve } from "../../std/path/posix/resolve.ts";
import type { Capabilities, Config, Mount, ProcessConfig } from "../config/types/config.ts";
import { mergeResources } from "../life/merge_resources.ts";
import { heldCapabilities } from "../security/capabilities.ts";
import type { DefaultWishes, HostMount, TmpfsMount } from "./default_wishes.ts";

const TMPFS_BYTES = 64 * 2 ** 20;

/** The wishes that can be laid over any config. The caller looks up the user. */
export type ConfigWishes = Omit<
  DefaultWishes,
  "caCertificates" | "files" | "hostPaths" | "init" | "network" | "timezone" | "user"
>;

/**
 * The config with wishes laid over it. Wished mounts follow its own, those above others first.
 *
 * @param wishes which were checked
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { wishedConfig } from "./wished_config.ts";
 *
 * const config = wishedConfig(
 *   { ociVersion: "1.3.0", process: { cwd: "/", env: ["A=1", "B=2"] } },
 *   { env: { A: "3" }, writableRoot: true },
 * );
 * assertEquals(config.process?.env, ["B=2", "A=3"]);
 * assertEquals(config.root?.readonly, false);
 * ```
 */
export function wishedConfig(config: Config, wishes: ConfigWishes): Config {
  const { hostname, mounts = [], resources, seccomp, writableRoot } = wishes;
  const laid: Config = {
    ...config,
    process: processOf(config.process ?? { cwd: "/" }, wishes),
    ...(hostname === undefined ? {} : { hostname }),
    ...(writableRoot === undefined
      ? {}
      : { root: { path: "rootfs", ...config.root, readonly: writableRoot === false } }),
    mounts: [...config.mounts ?? [], ...fromTheTop(mounts).map(([wish]) => mountOf(wish))],
    linux: {
      ...config.linux,
      ...(resources === undefined
        ? {}
        : { resources: mergeResources(config.linux?.resources ?? {}, resources) }),
      ...(seccomp === undefined ? {} : { seccomp }),
    },
  };
  return wishes.privileged === true ? privileged(laid, wishes.capabilities) : laid;
}

/** Wished mounts with their places in the list, so that one inside another comes later. */
export function fromTheTop<Wish extends HostMount | TmpfsMount>(
  wished: readonly Wish[],
): readonly (readonly [wish: Wish, index: number])[] {
  const depth = ({ destination }: Wish) => destination.split("/").filter(Boolean).length;
  return wished.map((wish, k) => [wish, k] as const).sort(([a], [b]) => depth(a) - depth(b));
}

/** A wished mount as config.json has it. */
export function mountOf(wish: HostMount | TmpfsMount): Mount {
  const { destination } = wish;
  if (wish.type === "tmpfs") {
    const { sizeBytes = TMPFS_BYTES, mode = 0o1777, executable = true } = wish;
    const flags = ["nosuid", "nodev", ...(executable ? [] : ["noexec"])];
    const options = [...flags, `mode=${mode.toString(8)}`, `size=${sizeBytes}`];
    return { destination, type: "tmpfs", source: "tmpfs", options };
  }
  const source = resolve(wish.source);
  const access = wish.writable === true ? [] : ["rro"];
  const options = ["rbind", "rprivate", ...access, "nosuid", "nodev"];
  return { destination, type: "none", source, options };
}

function processOf(
  base: ProcessConfig,
  { args, env, cwd, capabilities, noNewPrivileges }: ConfigWishes,
): ProcessConfig {
  return {
    ...base,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env: withVariables(base.env ?? [], env) }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(capabilities === undefined ? {} : { capabilities: sets(capabilities) }),
    ...(noNewPrivileges === undefined ? {} : { noNewPrivileges }),
  };
}

function withVariables(
  base: readonly string[],
  env: Readonly<Record<string, string>>,
): readonly string[] {
  const kept = base.filter((entry) => !Object.hasOwn(env, entry.slice(0, entry.indexOf("="))));
  return [...kept, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
}

/** No inheritable and no ambient set: they would survive a change of the user (CVE-2022-29162). */
function sets(names: readonly string[]): Capabilities {
  return { bounding: names, effective: names, permitted: names };
}

function privileged(config: Config, capabilities: readonly string[] | undefined): Config {
  const names = capabilities ?? [...heldCapabilities(false)];
  const process = config.process ?? { cwd: "/" };
  const { maskedPaths: _masked, readonlyPaths: _readonly, ...linux } = config.linux ?? {};
  const isKernels = ({ type }: Mount) => type === "sysfs" || type === "cgroup";
  const writable = (mount: Mount): Mount => ({
    ...mount,
    ...(mount.options && { options: mount.options.filter((option) => option !== "ro") }),
  });
  return {
    ...config,
    process: { ...process, capabilities: sets(names), noNewPrivileges: false },
    mounts: (config.mounts ?? []).map((mount) => isKernels(mount) ? writable(mount) : mount),
    linux: {
      ...linux,
      resources: { ...linux.resources, devices: [{ allow: true, access: "rwm" }] },
    },
  };
}
