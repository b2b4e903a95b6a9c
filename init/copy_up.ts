/**
 * Copies a folder's content into a new file system, by fd all the way: no name is walked twice and
 * no link is followed.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  chmodFd,
  chownAt,
  type Fd,
  mkdirAt,
  mknodAt,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openAt,
  read,
  readLinkAt,
  symlinkAt,
  writeAll,
} from "../ffi/file.ts";
import { deviceNumber, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, statAt } from "../ffi/file_status.ts";

/**
 * Copies what `from` holds into `to`, with owners, modes, links and devices.
 *
 * @throws {SyscallError} at the first file that can't be copied
 */
export function copyUp(from: Fd, to: Fd): void {
  using source = openAt(from, ".", O_RDONLY | O_DIRECTORY);
  for (const { name } of Deno.readDirSync(`/proc/self/fd/${source.number}`)) {
    const { mode, uid, gid, deviceMajor, deviceMinor } = statAt(source, name);
    switch (mode & S_IFMT) {
      case S_IFDIR:
        copyFolder(source, to, name, mode);
        break;
      case S_IFREG:
        copyFile(source, to, name, mode);
        break;
      case S_IFLNK:
        symlinkAt(readLinkAt(source, name), to, name);
        break;
      default:
        mknodAt(to, name, mode, deviceNumber(deviceMajor, deviceMinor));
    }
    chownAt(to, name, uid, gid, AT_SYMLINK_NOFOLLOW);
  }
}

function copyFolder(from: Fd, to: Fd, name: string, mode: number): void {
  mkdirAt(to, name, mode & 0o7777);
  using source = openAt(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  using target = openAt(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  copyUp(source, target);
  chmodFd(target, mode & 0o7777);
}

function copyFile(from: Fd, to: Fd, name: string, mode: number): void {
  using source = openAt(from, name, O_RDONLY | O_NOFOLLOW);
  using target = openAt(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o7777);
  for (;;) {
    const chunk = read(source, 65_536);
    if (chunk === undefined || chunk.length === 0) break;
    writeAll(target, chunk);
  }
}
