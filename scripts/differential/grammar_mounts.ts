/**
 * Mounts, masks, read-only paths, devices, and the rootfs that they meet.
 *
 * @module
 */

import type { Json, Part, Shape } from "./case.ts";
import type { Chance } from "./chance.ts";

/** Places of the rootfs: there, not there, through links, by way of `..`. */
export const PLACES: readonly string[] = [
  "/data",
  "/data/",
  "/data/sub",
  "/data/sub/new",
  "/data/new",
  "/data/link",
  "/data/link/x",
  "/data/file",
  "/data/lk",
  "/data/lk/b",
  "/data/a",
  "/data/out",
  "/data/out/x",
  "/data/gone",
  "/new",
  "/new/deep/er",
  "/file",
  "/file/below",
  "/abs",
  "/abs/new",
  "/up",
  "/up/sub",
  "/dangling",
  "/dangling/below",
  "/dangling-abs",
  "/loop",
  "/loop/below",
  "/to-proc",
  "/to-proc/sys",
  "/to-file",
  "/tmp",
  "/tmp/x",
  "/run",
  "/run/x",
  "/var/run",
  "/var/run/x",
  "/etc/passwd",
  "/etc/hosts",
  "/home/web",
  "/root",
  "/nope/../data",
  "/data/../tmp",
  "/data/./sub",
  "//data//sub",
  "/../data",
  "/data/sub/..",
  "/data/link/..",
  "/a b",
  "/new\nline",
  "/tmp/é",
  "/dev/x",
  "/dev/shm",
  "/dev/shm/x",
  "/dev/null",
  "/dev/pts",
  "/sys/fs",
  "/proc/sys",
  "/proc",
  "/bin",
  "/usr",
];

const ODD_PLACES = ["/", "/.", "/..", "", "data", "data/rel", "./data", "/proc/self", "/proc/1/ns"];

const BIND_SOURCES = [
  "folder",
  "folder",
  "folder",
  "folder/sub",
  "folder/lk",
  "folder/",
  "folder/../folder",
  "file",
  "file",
  "file2",
  "link",
  "filelink",
  "dangling",
  "loop",
  "missing",
  "file/below",
  "empty",
];

const BIND_OPTIONS = [
  "ro",
  "rw",
  "nosuid",
  "suid",
  "nodev",
  "dev",
  "noexec",
  "exec",
  "noatime",
  "atime",
  "relatime",
  "norelatime",
  "strictatime",
  "nostrictatime",
  "nodiratime",
  "diratime",
  "private",
  "rprivate",
  "slave",
  "rslave",
  "shared",
  "rshared",
  "unbindable",
  "runbindable",
  "defaults",
  "remount",
];

const TMPFS_OPTIONS = [
  ...BIND_OPTIONS,
  "size=64k",
  "size=1m",
  "size=bad",
  "mode=755",
  "mode=1777",
  "mode=0750",
  "mode=9",
  "mode=1770",
  "uid=1000",
  "gid=1000",
  "nr_inodes=10",
  "tmpcopyup",
  "tmpcopyup",
  "sync",
  "dirsync",
  "unknown",
  "lazytime",
  "iversion",
  "mand",
  "silent",
];

const SHAPES: readonly Shape[] = [
  { type: "folder" },
  { type: "folder", mode: 0 },
  { type: "folder", mode: 0o700, owner: 1000 },
  { type: "file", content: "drawn\n" },
  { type: "file", content: "", mode: 0 },
  { type: "link", target: "/data" },
  { type: "link", target: "data/sub" },
  { type: "link", target: "/nowhere" },
  { type: "link", target: "nowhere/below" },
  { type: "link", target: "/file" },
  { type: "link", target: "/tmp/../data" },
  { type: "link", target: "../../../../tmp" },
  { type: "link", target: "." },
  { type: "link", target: "/loop" },
  { type: "link", target: "/proc" },
  { type: "link", target: "/proc/self" },
  { type: "link", target: "/dev" },
  { type: "link", target: "/" },
  { type: "fifo" },
  { type: "missing" },
  { type: "missing" },
];

const SHAPED = [
  "tmp",
  "data",
  "data/sub",
  "data/file",
  "run",
  "var/run",
  "var",
  "etc",
  "etc/passwd",
  "etc/group",
  "etc/hosts",
  "proc",
  "sys",
  "dev",
  "dev/null",
  "dev/x",
  "dev/pts",
  "dev/shm",
  "file",
  "root",
  "home",
  "home/web",
  "new",
  "usr",
];

/** A shape somewhere in the rootfs. */
export function drawEntry(chance: Chance): Part {
  const place = chance.of(SHAPED);
  const shape = chance.of(SHAPES);
  // runc opens what it reads users from, and its null, and waits for a writer
  if (shape.type === "fifo" && /^etc|null$/.test(place)) return drawEntry(chance);
  return { kind: "entry", place, shape };
}

function destination(chance: Chance): string {
  return chance.oneIn(12) ? chance.of(ODD_PLACES) : chance.of(PLACES);
}

function bind(chance: Chance, host: string): Json {
  const way = chance.of(["bind", "bind", "rbind"]);
  const options = [way, ...chance.some(BIND_OPTIONS, 3)];
  const source = chance.oneIn(10)
    ? `${host}/../rootfs/${chance.of(["data", "tmp", "etc/passwd", "data/lk", "abs", "run/x"])}`
    : `${host}/${chance.of(BIND_SOURCES)}`;
  const typed = chance.of([{ type: "bind" }, { type: "bind" }, { type: "none" }, {}]);
  return { destination: destination(chance), ...typed, source, options };
}

function special(chance: Chance, host: string): Json {
  const where = destination(chance);
  const options = chance.some(BIND_OPTIONS, 2);
  switch (chance.below(8)) {
    case 0:
      return { destination: where, type: "proc", source: "proc", options };
    case 1:
      return { destination: where, type: "sysfs", source: "sysfs", options };
    case 2:
      return { destination: where, type: "mqueue", source: "mqueue", options };
    case 3:
      return {
        destination: where,
        type: "devpts",
        source: "devpts",
        options: ["newinstance", ...options],
      };
    case 4:
      return { destination: where, type: "nosuchfs", source: "none", options };
    case 5:
      return { destination: where, type: "ramfs", source: "ramfs", options };
    case 6:
      return {
        destination: chance.of(["/sys/fs/cgroup", "/sys/fs/cgroup", where]),
        type: "cgroup",
        source: "cgroup",
        options: [...options, "ro"],
      };
    default:
      return {
        destination: where,
        type: "overlay",
        source: "overlay",
        options: [
          `lowerdir=${host}/folder`,
          ...chance.of([[], [`upperdir=${host}/up`, `workdir=${host}/work`]]),
          ...options,
        ],
      };
  }
}

/** A mount, anywhere in the table. */
export function drawMount(chance: Chance, host: string): Part {
  const draw = chance.below(10);
  const value = draw < 5 ? bind(chance, host) : draw < 8
    ? {
      destination: destination(chance),
      type: "tmpfs",
      source: "tmpfs",
      options: chance.some(TMPFS_OPTIONS, 4),
    }
    : special(chance, host);
  return chance.oneIn(6)
    ? { kind: "push", at: "/mounts", value, index: chance.below(6) }
    : { kind: "push", at: "/mounts", value };
}

/** A mount of the base that a case does without or has otherwise. */
export function drawBaseMount(chance: Chance): Part {
  const index = chance.below(6);
  if (chance.oneIn(2)) return { kind: "unset", at: `/mounts/${index}` };
  return { kind: "push", at: `/mounts/${index}/options`, value: chance.of(BIND_OPTIONS) };
}

const MASKED = [
  ...PLACES,
  "/proc/uptime",
  "/proc/interrupts",
  "/proc/self/status",
  "/proc/sys/kernel",
  "/sys/kernel",
  "/sys/class/net",
  "/proc/acpi",
  "/missing",
  "/missing/below",
];

/** A masked or read-only path. */
export function drawMask(chance: Chance): Part {
  const at = chance.of(["/linux/maskedPaths", "/linux/readonlyPaths"]);
  const value = chance.oneIn(20) ? chance.of(ODD_PLACES) : chance.of(MASKED);
  return { kind: "push", at, value };
}

/** A device. */
export function drawDevice(chance: Chance): Part {
  const [type, major, minor] = chance.of<[string, number, number]>([
    ["c", 1, 3],
    ["c", 1, 5],
    ["c", 10, 229],
    ["b", 7, 0],
    ["u", 1, 8],
    ["p", 0, 0],
    ["x", 1, 1],
  ]);
  const path = chance.of([
    "/dev/fuse",
    "/dev/x",
    "/dev/x/",
    "/dev/deep/er",
    "/dev/null",
    "/dev/zero",
    "/dev/../data/dev",
    "/data/dev",
    "/data/link/dev",
    "/dangling",
    "/file",
    "/data",
    "dev/rel",
    "/dev/shm/x",
    "/run/dev",
  ]);
  if (type === "p" && path === "/dev/null") return drawDevice(chance); // as above
  const extras: Json = {
    ...chance.of<Record<string, Json>>([{}, { fileMode: 0o640 }, { fileMode: 0o4755 }]),
    ...chance.of<Record<string, Json>>([{}, { uid: 1000, gid: 4 }, { uid: 1000 }]),
  };
  return { kind: "push", at: "/linux/devices", value: { path, type, major, minor, ...extras } };
}

/** What the whole tree of mounts is. */
export function drawTree(chance: Chance): Part {
  return chance.of<Part>([
    { kind: "set", at: "/root/readonly", value: true },
    { kind: "set", at: "/root/readonly", value: true },
    {
      kind: "set",
      at: "/linux/rootfsPropagation",
      value: chance.of([
        "private",
        "rprivate",
        "slave",
        "rslave",
        "shared",
        "rshared",
        "unbindable",
      ]),
    },
    {
      kind: "set",
      at: "/root/path",
      value: chance.of(["./rootfs", "rootfs/", "rootfs/../rootfs"]),
    },
    { kind: "flag", word: "--no-pivot" },
  ]);
}
