/**
 * What to do about an operation that failed, by the errno: where the plan can't know beforehand what
 * is wrong.
 *
 * @module
 */

import { errnoName } from "../../ffi/c/errno.ts";

/** What a hint needs to know of an operation. */
interface Failed {
  readonly syscall: string;
  readonly pointer?: string | undefined;
}

/** One rule: what it is about, by the call and the config's field, and the hint for each errno. */
type Rule = readonly [about: RegExp, hints: Readonly<Record<string, string>>];

const RULES: readonly Rule[] = [
  [/^fsopen /, {
    ENODEV:
      "this kernel does not know the type of file system: see /proc/filesystems, or load its " +
      "module (modprobe)",
  }],
  [/^(fsmount|mount_setattr) .mounts/, {
    EINVAL: "an option may be newer than this kernel: nosymfollow takes Linux 5.14",
  }],
  [/^fsconfig .mounts/, {
    ENOENT: "its source, or a folder that its options name, is not there on the host",
    ENOTBLK: "its source must be a disk: lsblk lists them",
  }],
  [/^\w+ .mounts.\d+$/, {
    ENOTDIR: "a part of its destination is a file in the rootfs, where a folder is needed",
    ELOOP: "links in the rootfs lead in a circle: name where they should lead as the destination",
    EROFS: "what lies below the destination is read-only: make the place in the image, or mount " +
      "something writable there first",
  }],
  [/^\w+ .mounts.\d+.source$/, {
    ENOENT: "the source of a bind is a path on the host (a relative one starts from the bundle): " +
      "make it, or correct it",
  }],
  [/^\w+ .linux.sysctl/, {
    ENOENT: "this kernel has no such key for a container: sysctl -a lists those of the host",
    EINVAL: "the kernel does not take that value: try it with sysctl -w on the host",
  }],
  // The file could be opened.
  [/^execve .process.args.0$/, {
    ENOENT: "the file is there; what its #! line or its ELF header has it run by is missing: put " +
      "that into the rootfs, or use a static program",
    ENOEXEC: "it is no program of this machine, and a script begins with #!",
  }],
];

/** The hint; undefined if no rule is about it. */
export function errnoHint({ syscall, pointer = "" }: Failed, errno: number): string | undefined {
  const about = `${syscall} ${pointer}`;
  const name = errnoName(errno);
  return RULES.find(([what, hints]) => what.test(about) && name in hints)?.[1][name];
}
