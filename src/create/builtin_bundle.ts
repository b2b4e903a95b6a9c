/**
 * The container that `hull run ID -- COMMAND` starts where there is no bundle: a root file system
 * of hull's own making over the host's /usr, which needs no download.
 *
 * The root is folders, links and a few small files in a tmpfs of the container's own. They are kept
 * as data in its state, and the start makes them; those that are too large for that, and all where
 * there is a user namespace, are written by {@linkcode writeBuiltinFiles} to `rootfs` in the state
 * folder, and the start copies them. The root is read-only inside. The folders that programs write to (/tmp, /run,
 * /home, /root) are tmpfs mounts of limited size. From the host come /usr, the /bin and /lib
 * folders that aren't symlinks into it, the loader's cache and Debian's /etc/alternatives, all
 * bound read-only.
 *
 * @module
 */

import { defaultMounts, defaultSpec } from "./builtin_spec.ts";
import type { Config, Mount, NamespaceType } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { BuiltinFile } from "./builtin_files.ts";

export { type BuiltinFile, writeBuiltinFiles } from "./builtin_files.ts";

/** The entries of / that hold or lead to programs and libraries (hier(7)). */
const TOP_LEVEL_NAMES = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] as const;

/** What dynamic programs need from the host's /etc, if it exists. */
const ETC_NAMES = ["alternatives", "ld.so.cache"] as const;

/**
 * The 14 capabilities that Docker leaves a container's root: enough for package tools and servers,
 * and none that reaches beyond the namespaces.
 */
export const BUILTIN_CAPABILITIES: readonly string[] = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

const NAMESPACES: readonly NamespaceType[] = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
/** The most processes of the built-in container. */
export const MAX_PIDS = 1024;
const MAX_HOSTNAME = 64;

/** An entry of the host's / or /etc: a symlink has its target. */
export type HostEntry =
  | { readonly name: string; readonly kind: "dir" | "file" }
  | { readonly name: string; readonly kind: "symlink"; readonly target: string };

/** What the built-in container depends on in the host's files. */
export interface HostFacts {
  /** Those of /bin, /sbin, /lib, /lib32, /lib64, /libx32 that exist. */
  readonly topLevel: readonly HostEntry[];
  /** Those of /etc/alternatives and /etc/ld.so.cache that exist. */
  readonly etc: readonly HostEntry[];
}

/** What is to run, and where. */
export interface BuiltinOptions {
  /** The container's id, which becomes its hostname (64 characters of it). */
  readonly id: string;
  /** The command; `sh` if empty. */
  readonly args: readonly string[];
  /** Whether it gets a terminal; default false. */
  readonly terminal?: boolean | undefined;
  /** The host's files, from {@linkcode hostFacts}. */
  readonly host: HostFacts;
  /** How it is connected; by default it only has its own loopback interface. */
  readonly network?: BuiltinNetwork | undefined;
}

/** What a container's network means for its files. */
export interface BuiltinNetwork {
  /** Whether it is in the network that hull is in. */
  readonly isHost?: boolean | undefined;
  /** The addresses by which others reach it. Its host name stands for them. */
  readonly addresses?: readonly string[] | undefined;
  /** What /etc/resolv.conf holds; without it there is none. */
  readonly resolvConf?: string | undefined;
}

/** The built-in container: its config, with `rootfs` as root path, and the files of that root. */
export interface BuiltinBundle {
  readonly config: Config;
  readonly files: readonly BuiltinFile[];
}

/**
 * Looks at the host's files.
 *
 * @param root the host's root folder.
 * @throws {ContainerError} `SystemError` if an entry exists but can't be read.
 */
export function hostFacts(root = ""): HostFacts {
  const entries = (folder: string, names: readonly string[]) =>
    names.map((name) => hostEntry(folder, name)).filter((entry) => entry !== undefined);
  return { topLevel: entries(root, TOP_LEVEL_NAMES), etc: entries(`${root}/etc`, ETC_NAMES) };
}

function hostEntry(folder: string, name: string): HostEntry | undefined {
  const path = `${folder}/${name}`;
  try {
    const info = Deno.lstatSync(path);
    if (info.isSymlink) return { name, kind: "symlink", target: Deno.readLinkSync(path) };
    return { name, kind: info.isDirectory ? "dir" : "file" };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new ContainerError("SystemError", "cannot look at the host's file", {
      step: "skeleton",
      syscall: "lstat",
      path,
      cause,
    });
  }
}

/**
 * The built-in container as data. `hull spec --builtin` prints its config.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { builtinConfig } from "./builtin_bundle.ts";
 *
 * const host = { topLevel: [{ name: "bin", kind: "symlink", target: "usr/bin" }], etc: [] } as const;
 * const { config, files } = builtinConfig({ id: "web", args: ["hostname"], host });
 * assert(config.hostname === "web");
 * assert(files.some((file) => file.path === "/bin" && file.kind === "symlink"));
 * ```
 */
export function builtinConfig(options: BuiltinOptions): BuiltinBundle {
  const { id, host, network = {} } = options;
  const base = defaultSpec({ cgroup2: true });
  const hostname = id.slice(0, MAX_HOSTNAME);
  const config: Config = {
    ...base,
    process: {
      terminal: options.terminal ?? false,
      user: { uid: 0, gid: 0 },
      args: options.args.length > 0 ? [...options.args] : ["sh"],
      env: [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "TERM=xterm",
      ],
      cwd: "/",
      // no inheritable and no ambient set: they would survive a change of the user (CVE-2022-29162)
      capabilities: {
        bounding: BUILTIN_CAPABILITIES,
        effective: BUILTIN_CAPABILITIES,
        permitted: BUILTIN_CAPABILITIES,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname,
    mounts: [...hostMounts(host), ...defaultMounts(), ...writableMounts()],
    linux: {
      ...base.linux,
      resources: { devices: [{ allow: false, access: "rwm" }], pids: { limit: MAX_PIDS } },
      namespaces: NAMESPACES.filter((type) => type !== "network" || network.isHost !== true)
        .map((type) => ({ type })),
      // as Docker: power readings tell what other containers compute (CVE-2020-8694)
      maskedPaths: [...base.linux?.maskedPaths ?? [], "/sys/devices/virtual/powercap"],
    },
  };
  return { config, files: skeleton(hostname, host, network) };
}

function hostMounts(host: HostFacts): Mount[] {
  const folders = host.topLevel.filter(({ kind }) => kind === "dir");
  const etc = host.etc.filter(({ kind }) => kind !== "symlink");
  const paths = ["/usr", ...folders.map(({ name }) => `/${name}`), ...etc.map(etcPath)];
  return paths.map((path) => ({
    destination: path,
    type: "none",
    source: path,
    options: ["bind", "ro", "nosuid", "nodev"],
  }));
}

function writableMounts(): Mount[] {
  const tmpfs = (destination: string, mode: string, size: string): Mount => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "nodev", `mode=${mode}`, `size=${size}`],
  });
  return [
    tmpfs("/tmp", "1777", "262144k"),
    tmpfs("/run", "755", "65536k"),
    tmpfs("/home", "755", "65536k"),
    tmpfs("/root", "700", "65536k"),
  ];
}

function skeleton(
  hostname: string,
  host: HostFacts,
  { addresses = [], resolvConf }: BuiltinNetwork,
): BuiltinFile[] {
  const folder = (path: string, mode = 0o755): BuiltinFile => ({ path, kind: "dir", mode });
  const symlink = (path: string, target: string): BuiltinFile => ({
    path,
    kind: "symlink",
    target,
  });
  const file = (path: string, content = ""): BuiltinFile => ({
    path,
    kind: "file",
    mode: 0o644,
    content,
  });
  const mountPoint = (path: string, entry: HostEntry): BuiltinFile => {
    if (entry.kind === "symlink") return symlink(path, entry.target);
    return entry.kind === "dir" ? folder(path) : file(path);
  };
  return [
    ...["/dev", "/etc", "/home", "/proc", "/run", "/sys", "/usr", "/var"].map((path) =>
      folder(path)
    ),
    folder("/root", 0o700),
    folder("/tmp", 0o1777),
    symlink("/var/run", "/run"),
    symlink("/var/tmp", "/tmp"),
    ...host.topLevel.map((entry) => mountPoint(`/${entry.name}`, entry)),
    ...host.etc.map((entry) => mountPoint(etcPath(entry), entry)),
    file(
      "/etc/group",
      "root:x:0:\ndaemon:x:1:\nbin:x:2:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n",
    ),
    file("/etc/hostname", `${hostname}\n`),
    file("/etc/hosts", hostsFile(hostname, addresses)),
    ...(resolvConf === undefined ? [] : [file("/etc/resolv.conf", resolvConf)]),
    file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    file("/etc/passwd", PASSWD),
  ];
}

/**
 * hosts(5). The name stands for the container's own address, not a loopback one, so that other
 * hosts can use what the container tells them.
 */
export function hostsFile(hostname: string, addresses: readonly string[]): string {
  const own = addresses.length > 0 ? addresses : ["127.0.1.1"];
  const lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost"];
  return [...lines, ...own.map((address) => `${address}\t${hostname}`), ""].join("\n");
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/usr/sbin/nologin
bin:x:2:2:bin:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
`;

function etcPath(entry: HostEntry): string {
  return `/etc/${entry.name}`;
}
