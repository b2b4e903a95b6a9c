/**
 * What the kernel's errnos mostly mean where containers are made.
 *
 * Source: errno(3), and the man pages of the calls.
 *
 * @module
 */

import type { Explanation } from "./explanation.ts";

function errno(meaning: string, causes: string[], ...remedies: string[]): Explanation {
  return { meaning, causes, remedies };
}

/** Those that a user of containers meets. */
export const ERRNOS: Readonly<Record<string, Explanation>> = {
  EACCES: errno(
    "Permission denied: the rights of a file or folder forbid it.",
    [
      "a folder on the way is not searchable for the container's ids (with a user namespace)",
      "the program has no x bit, or lies on a noexec mount",
      "AppArmor or SELinux forbids it",
    ],
    "namei -l PATH shows the rights of each folder on the way",
    "chmod a+x the folders above the rootfs, or give them to ids that are mapped",
    "dmesg shows what a security module has denied",
  ),
  EAGAIN: errno(
    "Resource temporarily unavailable: mostly a limit of processes is reached.",
    ["pids.limit of the cgroup", "ulimit -u of the user", "kernel.pid_max or threads-max"],
    "raise the limit, or end processes: hull ps ID lists them",
  ),
  EBUSY: errno(
    "Device or resource busy: somebody uses it.",
    [
      "a cgroup that still has processes is to be removed",
      "a v2 cgroup with processes of its own is to give controllers to others",
      "a mount or an interface is in use",
    ],
    "cat cgroup.procs of the cgroup that the error names",
  ),
  EDQUOT: errno(
    "A quota is reached: of keys, or of a file system.",
    ["each container takes a keyring, and an ordinary user has 200 keys"],
    "raise /proc/sys/kernel/keys/maxkeys, or use --no-new-keyring",
  ),
  EEXIST: errno(
    "It is there already.",
    ["an interface, a file or a folder of that name"],
    "remove it, or choose another name",
  ),
  EINVAL: errno(
    "Invalid argument: the kernel does not take that value, option or flag.",
    [
      "a mount option that the file system does not know",
      "a value out of range, such as a CPU or a memory node that is not there",
      "a kernel that is older than the option",
    ],
    "the field in brackets names the value; docs/kernels.md says what came with which kernel",
    "dmesg sometimes tells more",
  ),
  EIO: errno(
    "Input/output error.",
    ["the disk or the network file system has failed"],
    "dmesg tells what failed",
  ),
  ELOOP: errno(
    "Too many symbolic links, or one where none is followed.",
    ["a link in the rootfs that leads in a circle", "a link where a mount needs a real folder"],
    "ls -l the path in the rootfs, and name where the link leads",
  ),
  EMFILE: errno(
    "This process has too many open files.",
    ["a limit of open files that is too low for so many containers"],
    "ulimit -n, or LimitNOFILE= of the unit",
  ),
  ENAMETOOLONG: errno(
    "A name or a path is too long.",
    ["a path of more than 4095 bytes, a name of more than 255, a socket's of more than 107"],
    "use a shorter one, for sockets a folder nearer to the root",
  ),
  ENFILE: errno("The host has too many open files.", ["fs.file-max"], "sysctl -w fs.file-max=N"),
  ENODEV: errno(
    "No such device: mostly the kernel has no such file system.",
    ["the type of a mount is mistyped, or its module is not loaded"],
    "cat /proc/filesystems; modprobe TYPE",
  ),
  ENOENT: errno(
    "No such file or directory.",
    [
      "a path that is mistyped, or exists on the host and not in the rootfs (or the other way round)",
      "a program whose interpreter (#!) or loader is missing",
    ],
    "ls the path, inside the rootfs if the step is a mount's or exec",
    "ldd or file the program: a static one needs no loader",
  ),
  ENOEXEC: errno(
    "Exec format error: the file is no program for this CPU.",
    ["an image of another architecture", "a script without #! in its first line"],
    "file the program, and uname -m; write #!/bin/sh into the script",
  ),
  ENOMEM: errno(
    "No memory.",
    ["the memory limit of the container or of a cgroup above", "the host itself"],
    "raise the limit: hull explain OomKilled; free -m",
  ),
  ENOSPC: errno(
    "No space left: on a file system, or a limit of namespaces is reached.",
    ["a full disk, or no inodes left", "user.max_*_namespaces (with clone3 or unshare)"],
    "df and df -i",
    "sysctl -a -r max_.*_namespaces",
  ),
  ENOSYS: errno(
    "The kernel has no such call, or a filter hides it.",
    ["a kernel before 5.12", "hull runs in a container whose filter does not know the call"],
    "hull doctor lists what is missing",
    "docker run --security-opt seccomp=unconfined for a hull inside Docker",
  ),
  ENOTDIR: errno(
    "A folder is needed, and it is something else.",
    ["a folder is to be bound onto a file, or a part of a path is a file"],
    "ls -ld each part of the path",
  ),
  EOPNOTSUPP: errno(
    "The file system or the kernel can't do that.",
    ["an id-mapped mount, a label or an attribute on a file system without them"],
    "docs/kernels.md says which file systems have id-mapped mounts",
  ),
  EPERM: errno(
    "Operation not permitted: a right (capability) is missing, or a filter forbids it.",
    [
      "hull runs without root's rights, and the config asks for what takes them",
      "a filter or a security module around hull, as in a container of another engine",
      "a user namespace may not change what belongs to the host",
    ],
    "hull doctor says what this host forbids",
    "run hull as root, or take the field that the error names out of the config",
  ),
  EROFS: errno(
    "Read-only file system.",
    ["root.readonly with a mount's place that is missing", "/sys/fs/cgroup mounted read-only"],
    "make the place in the image, or mount a tmpfs above it first",
    "name a writable folder with --root",
  ),
  ESRCH: errno(
    "No such process.",
    ["the process has ended meanwhile"],
    "hull state ID says whether the container still runs",
  ),
  ETIMEDOUT: errno(
    "Nobody answered in time.",
    ["systemd or a network program hangs, or the host is overloaded"],
    "systemctl status; try again when the host has less to do",
  ),
  ETXTBSY: errno(
    "The program is being written.",
    ["somebody has it open for writing while it is executed"],
    "close it first; write a new file and rename it",
  ),
  EUSERS: errno(
    "Too many nested user namespaces.",
    ["more than 32 of them within each other"],
    "start hull further outside",
  ),
};
