/**
 * The label that SELinux gives to the files of a new mount.
 *
 * Source: mount(8), "context="; selinux(8); config-linux.md, "Mount Label".
 *
 * @module
 */

/** File systems whose files the policy labels by itself, and that refuse `context`. */
const LABELLED_BY_POLICY: ReadonlySet<string> = new Set([
  ...["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "securityfs", "selinuxfs"],
]);

/**
 * The context that labels a new file system's files; undefined for one that takes none. A file
 * system that is mounted already keeps its labels: a runtime does not change them.
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
