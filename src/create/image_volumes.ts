/**
 * The volumes of an image, which are for data, as mounts of a container.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { statAt } from "../../ffi/files/file_status.ts";
import { resolve } from "../../std/path/posix/resolve.ts";
import type { Mount, User } from "../config/types/config.ts";
import type { StoredImage } from "../images/store.ts";
import { isOrdinaryUser } from "../own/rights.ts";
import { openInside } from "../security/safe_path.ts";

/** What programs expect to be able to write to, as in Podman. */
const WRITABLE = ["/run", "/tmp", "/var/tmp"];

/**
 * The mounts of the folders for data that can't be written to otherwise: all of them under a read-only root, and
 * those that the image has not, which belong to its user, as in Podman. They lie in memory, begin
 * with what the image has there, and those above others come first.
 */
export function dataMounts(
  { config, rootfs }: StoredImage,
  user: User,
  isReadOnly: boolean,
): Mount[] {
  using root = open(rootfs, O_PATH | O_DIRECTORY);
  const volumes = config.volumes.map((volume) => resolve(volume));
  const places = new Set(
    [...isReadOnly ? WRITABLE : [], ...volumes].filter((path) => path !== "/"),
  );
  return [...places].sort().flatMap((destination) => {
    const owner = ownerIn(root, destination);
    if (owner !== undefined && !isReadOnly) return [];
    const { uid = 0, gid = 0 } = owner ?? (volumes.includes(destination) ? user : {});
    const mode = destination.endsWith("/tmp") ? "mode=1777" : "mode=755";
    const begins = owner === undefined ? mode : "tmpcopyup";
    const owners = [...uid === 0 ? [] : [`uid=${uid}`], ...gid === 0 ? [] : [`gid=${gid}`]];
    const options = ["nosuid", "nodev", begins, ...owners]; // root may have no id there
    return [{ destination, type: "tmpfs", source: "tmpfs", options }];
  });
}

/** To whom a folder of the image belongs, as the container sees it; undefined without one. */
function ownerIn(root: Fd, path: string): User | undefined {
  try {
    using folder = openInside(root, path, O_PATH | O_DIRECTORY);
    const { uid, gid } = statAt(folder, "");
    return isOrdinaryUser() ? {} : { uid, gid }; // who owns all is the container's root
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    if (failedWith(error, "ENOTDIR", "ELOOP")) return {};
    throw error;
  }
}
