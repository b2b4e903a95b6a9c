/**
 * Who owns an image's files on the host.
 *
 * @module
 */

import type { IdMapping } from "../../config/types/linux.ts";
import { entryInvalid } from "../archive/image_error.ts";

/** The maps of a user namespace; without them ids are the host's. */
export interface IdMaps {
  /** Which of the host's users the container's are. */
  readonly uidMappings?: readonly IdMapping[] | undefined;
  /** The same for groups. */
  readonly gidMappings?: readonly IdMapping[] | undefined;
}

/** An owner on the host. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner on the host of the container's ids; undefined: who unpacks. */
export type OwnerOf = (entry: string, owner: Owner) => Owner | undefined;

/** Each file's own owner, by the maps if there are any. */
export function mappedOwner({ uidMappings, gidMappings }: IdMaps): OwnerOf {
  return (entry, { uid, gid }) => ({
    uid: mapped(entry, uid, uidMappings, "user"),
    gid: mapped(entry, gid, gidMappings, "group"),
  });
}

/** All files belong to who unpacks them, who is the container's root. */
export function ownOwner(): undefined {
  return undefined;
}

function mapped(
  entry: string,
  id: number,
  maps: readonly IdMapping[] | undefined,
  what: string,
): number {
  if (maps === undefined) return id;
  for (const { containerID, hostID, size } of maps) {
    if (id >= containerID && id < containerID + size) return hostID + id - containerID;
  }
  throw entryInvalid(entry, `belongs to ${what} ${id}, which the maps do not have`);
}
