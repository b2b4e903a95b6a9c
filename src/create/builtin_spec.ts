/**
 * The configs that `hull spec` writes: the same as `runc spec`'s, so that bundles and habits carry
 * over.
 *
 * @module
 */

import type { Config, Linux, Mount, Namespace } from "../config/types/config.ts";
import { OCI_VERSION_MAX } from "../config/validate/document.ts";

/** What the default config depends on. */
export interface DefaultSpecOptions {
  /** Whether only cgroup v2 is mounted; then the container gets a cgroup namespace. */
  readonly cgroup2: boolean;
}

/** Paths hidden by default: they tell about the host or reach into it. */
const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
] as const;

/** Paths of procfs that are read-only by default: writing there changes the host. */
const READONLY_PATHS = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
] as const;

/**
 * The config of a new bundle: `sh` as root on a terminal, a read-only rootfs in the folder
 * `rootfs`. It is what `runc spec` writes, but for `ociVersion`.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultSpec } from "./builtin_spec.ts";
 *
 * const config = defaultSpec({ cgroup2: false });
 * assert(config.process?.args?.[0] === "sh");
 * assert(config.root?.path === "rootfs" && config.root.readonly === true);
 * ```
 */
export function defaultSpec(options: DefaultSpecOptions): Config {
  const capabilities = () => ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return {
    ociVersion: OCI_VERSION_MAX,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: {
        bounding: capabilities(),
        effective: capabilities(),
        permitted: capabilities(),
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: defaultMounts(),
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: defaultNamespaces(options),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
}

/** The mounts that programs on Linux expect (config-linux.md, Default Filesystems). */
export function defaultMounts(): Mount[] {
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {
      destination: "/dev/mqueue",
      type: "mqueue",
      source: "mqueue",
      options: ["nosuid", "noexec", "nodev"],
    },
    {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: ["nosuid", "noexec", "nodev", "ro"],
    },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    },
  ];
}

function defaultNamespaces(options: DefaultSpecOptions): Namespace[] {
  const namespaces: Namespace[] = [
    { type: "pid" },
    { type: "network" },
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
  ];
  return options.cgroup2 ? [...namespaces, { type: "cgroup" }] : namespaces;
}

/**
 * The config of a new bundle that a user who isn't root can run: with a user namespace in which the
 * given host ids are root, without a network namespace, limits, and what those would need. It is
 * what `runc spec --rootless` writes, but for `ociVersion`.
 */
export function rootlessSpec(uid: number, gid: number, options: DefaultSpecOptions): Config {
  const { linux, mounts, ...rest } = defaultSpec(options);
  const { resources: _resources, namespaces, ...paths } = linux ?? {};
  const mappings: Pick<Linux, "uidMappings" | "gidMappings"> = {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
  };
  return {
    ...rest,
    mounts: (mounts ?? []).map(rootlessMount),
    linux: {
      ...mappings,
      namespaces: [...(namespaces ?? []).filter(({ type }) => type !== "network"), {
        type: "user",
      }],
      ...paths,
    },
  };
}

function rootlessMount(mount: Mount): Mount {
  // a new sysfs needs a network namespace of one's own
  if (mount.destination === "/sys") {
    return {
      destination: "/sys",
      type: "none",
      source: "/sys",
      options: ["rbind", "nosuid", "noexec", "nodev", "ro"],
    };
  }
  if (mount.options === undefined) return mount;
  // other ids than 0 aren't mapped
  return { ...mount, options: mount.options.filter((option) => !/^[ug]id=/.test(option)) };
}
