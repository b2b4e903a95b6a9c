/**
 * What every case begins with: the config that `runc spec` writes, and a small rootfs.
 *
 * @module
 */

import type { Json, Shape } from "./case.ts";

/** What runs in a container where a case does not say otherwise. */
export const PROBE = "/bin/probe";

/** Capabilities of the base. */
export const CAPABILITIES: readonly string[] = [
  "CAP_AUDIT_WRITE",
  "CAP_KILL",
  "CAP_NET_BIND_SERVICE",
];

/** The config of the base. */
export const BASE_CONFIG: Json = {
  ociVersion: "1.0.2",
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: [PROBE],
    env: ["PATH=/usr/bin:/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {
      bounding: CAPABILITIES,
      effective: CAPABILITIES,
      permitted: CAPABILITIES,
    },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: "rootfs", readonly: false },
  hostname: "case",
  mounts: [
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
  ],
  linux: {
    resources: { devices: [{ allow: false, access: "rwm" }] },
    namespaces: [
      { type: "pid" },
      { type: "network" },
      { type: "ipc" },
      { type: "uts" },
      { type: "mount" },
    ],
    maskedPaths: [
      "/proc/acpi",
      "/proc/asound",
      "/proc/kcore",
      "/proc/keys",
      "/proc/latency_stats",
      "/proc/timer_list",
      "/sys/firmware",
      "/proc/scsi",
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
  },
};

/** The process.json of an exec. */
export const BASE_EXEC: Json = {
  terminal: false,
  user: { uid: 0, gid: 0 },
  args: [PROBE],
  env: ["PATH=/usr/bin:/bin"],
  cwd: "/",
};

const folder = (mode = 0o755): Shape => ({ type: "folder", mode });
const file = (content: string, mode = 0o644): Shape => ({ type: "file", content, mode });
const link = (target: string): Shape => ({ type: "link", target });

/** The rootfs of the base, each folder before what is in it. */
export const BASE_ROOTFS: readonly (readonly [place: string, shape: Shape])[] = [
  ["bin", folder()],
  ["bin/probe", { type: "program" }],
  ["usr", folder()],
  ["usr/bin", folder()],
  ["usr/bin/probe-link", link("../../bin/probe")],
  ["etc", folder()],
  ["etc/passwd", file("root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n")],
  ["etc/group", file("root:x:0:\nweb:x:1000:\nlog:x:4:web\n")],
  ["proc", folder()],
  ["sys", folder()],
  ["dev", folder()],
  ["tmp", folder(0o1777)],
  ["root", folder(0o700)],
  ["home", folder()],
  ["home/web", { type: "folder", mode: 0o700, owner: 1000 }],
  ["run", folder()],
  ["var", folder()],
  ["var/run", link("/run")],
  ["data", folder()],
  ["data/file", file("data\n")],
  ["data/sub", folder(0o750)],
  ["data/sub/deep", file("deep\n", 0o600)],
  ["data/link", link("sub")],
  ["file", file("a file\n")],
  ["abs", link("/data/sub")],
  ["up", link("../../../data")],
  ["dangling", link("nowhere")],
  ["dangling-abs", link("/no/where")],
  ["loop", link("loop2")],
  ["loop2", link("loop")],
  ["to-proc", link("/proc")],
  ["to-file", link("data/file")],
  ["odd", folder()],
  ["odd/plain", file("not a program\n")],
  ["odd/noexec", file("#!/bin/probe\n")],
  ["odd/script", file("#!/bin/probe one two\n", 0o755)],
  ["odd/nointerp", file("#!/no/interp\n", 0o755)],
  ["odd/garbage", file("\u0001\u0002\u0003garbage", 0o755)],
  ["odd/empty", file("", 0o755)],
  ["odd/private", folder(0o700)],
  ["odd/private/probe", { type: "program" }],
];

/** What lies on the host beside the rootfs, for binds. */
export const BASE_HOST: readonly (readonly [place: string, shape: Shape])[] = [
  ["folder", folder()],
  ["folder/a", file("host a\n")],
  ["folder/sub", folder(0o711)],
  ["folder/sub/b", file("host b\n", 0o640)],
  ["folder/lk", link("sub")],
  ["folder/out", link("/tmp")],
  ["folder/gone", link("nothing")],
  ["folder/run", folder()],
  ["file", file("host file\n")],
  ["file2", file("host file two\n", 0o600)],
  ["link", link("folder")],
  ["filelink", link("file")],
  ["dangling", link("nowhere")],
  ["loop", link("loop")],
  ["up", folder()],
  ["up/u", file("upper\n")],
  ["work", folder()],
  ["empty", folder(0o700)],
];
