/**
 * The label that SELinux gives to the files of a new mount.
 *
 * Source: mount(8), "context="; selinux(8); config-linux.md, "Mount Label".
 *
 * @module
 */

/** What tells whether SELinux is there. */
export interface SelinuxHost {
  /** /proc/filesystems: a kernel with SELinux has a selinuxfs. */
  readonly filesystems: string;
  /** /proc/self/mountinfo: where SELinux is enabled, its file system is mounted. */
  readonly mountinfo: string;
}

/** File systems whose files the policy labels by itself, and that refuse `context`. */
const LABELLED_BY_POLICY: ReadonlySet<string> = new Set([
  ...["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "securityfs", "selinuxfs"],
]);

/** The host's state. */
export function readSelinuxHost(): SelinuxHost {
  return {
    filesystems: Deno.readTextFileSync("/proc/filesystems"),
    mountinfo: Deno.readTextFileSync("/proc/self/mountinfo"),
  };
}

/**
 * Whether SELinux is enabled.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isSelinuxEnabled } from "./mount_label.ts";
 * assert(!isSelinuxEnabled({ filesystems: "nodev\ttmpfs\n", mountinfo: "" }));
 * ```
 */
export function isSelinuxEnabled({ filesystems, mountinfo }: SelinuxHost): boolean {
  const hasType = filesystems.split("\n").some((line) => line.split("\t").at(-1) === "selinuxfs");
  return hasType && mountinfo.split("\n").some((line) => / - selinuxfs /.test(line));
}

/**
 * The context that labels a new file system's files; undefined for one that takes none. A file system
 * that is mounted already keeps its labels: to change them is not a runtime's work.
 *
 * @param options what the config asks for: a context of its own stays
 */
export function contextFor(
  label: string,
  type: string,
  options: readonly string[],
): string | undefined {
  if (label === "" || LABELLED_BY_POLICY.has(type)) return undefined;
  return options.some((option) => /^(fs|def|root)?context=/.test(option)) ? undefined : label;
}
