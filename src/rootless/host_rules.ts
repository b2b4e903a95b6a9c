/**
 * The rules by which a host keeps users from namespaces, each with what lifts it.
 *
 * Source: user_namespaces(7), the kernel's admin-guide/sysctl/user.rst; Debian's and Ubuntu's
 * sysctls.
 *
 * @module
 */

/** The text of a file of the host; undefined if there is none. */
export type ReadHost = (path: string) => string | undefined;

/** Reads this host's files. */
export function readHost(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** The namespaces as the settings of their numbers have them. */
const KINDS = ["user", "cgroup", "ipc", "mnt", "net", "pid", "time", "uts"] as const;

function setting(read: ReadHost, name: string): string | undefined {
  return read(`/proc/sys/${name}`)?.trim();
}

/** That only root may make user namespaces; undefined where everybody may. */
export function forbidsUsers(read: ReadHost): string | undefined {
  if (setting(read, "kernel/unprivileged_userns_clone") !== "0") return undefined;
  return "this host lets no user make user namespaces: " +
    "sysctl -w kernel.unprivileged_userns_clone=1";
}

/** That nobody may make namespaces of some kind; undefined where there is room for each. */
export function hasNoRoom(read: ReadHost): string | undefined {
  const none = KINDS.find((kind) => setting(read, `user/max_${kind}_namespaces`) === "0");
  if (none === undefined) return undefined;
  return `this host has no room for ${none} namespaces: sysctl -w user.max_${none}_namespaces=15000`;
}

/** That AppArmor lets no user do anything in a user namespace; undefined where it does. */
export function takesRights(read: ReadHost): string | undefined {
  if (setting(read, "kernel/apparmor_restrict_unprivileged_userns") !== "1") return undefined;
  return "AppArmor takes the rights in user namespaces: " +
    "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile with userns for Deno";
}
