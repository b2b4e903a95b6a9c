/**
 * The mount option `idmap=uids=0-1000-10#10-2000-5;gids=…`, as crun has it: triplets of the first
 * id in the file system, the first id on the host, and how many. `@` in front of a triplet makes
 * the second one an id in the container's user namespace.
 *
 * @module
 */

import { MAX_UINT32 } from "./fields/field.ts";
import type { IdMapping } from "./types/config.ts";

/** The mappings of a mount or of a user namespace. */
export interface MountIdMappings {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** Whether the option is of this form. */
export function isMappingOption(option: string): boolean {
  return option.startsWith("idmap=") || option.startsWith("ridmap=");
}

/**
 * The mappings in the option.
 *
 * @param container the mappings of the container's user namespace, for `@`
 * @throws {RangeError} with what is wrong
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readMappingOption } from "./id_map_option.ts";
 *
 * const { uidMappings } = readMappingOption("idmap=uids=0-1000-10;gids=0-1000-10");
 * assertEquals(uidMappings, [{ containerID: 0, hostID: 1000, size: 10 }]);
 * ```
 */
export function readMappingOption(
  option: string,
  container: MountIdMappings = { uidMappings: [], gidMappings: [] },
): MountIdMappings {
  const lists = new Map<string, readonly IdMapping[]>();
  for (const list of option.slice(option.indexOf("=") + 1).split(";")) {
    const [name = "", text = ""] = list.split(/=(.*)/s);
    if (name !== "uids" && name !== "gids") {
      throw new RangeError(`must hold uids=… and gids=…, not ${JSON.stringify(list)}`);
    }
    const own = name === "uids" ? container.uidMappings : container.gidMappings;
    lists.set(name, text.split("#").map((triplet) => readTriplet(triplet, own)));
  }
  const [uidMappings, gidMappings] = [lists.get("uids"), lists.get("gids")];
  if (uidMappings === undefined || gidMappings === undefined) {
    throw new RangeError("must hold both uids=… and gids=…");
  }
  return { uidMappings, gidMappings };
}

function readTriplet(text: string, container: readonly IdMapping[]): IdMapping {
  const [, at, from, to, count] = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || count === undefined || Number(count) === 0) {
    throw new RangeError(`must hold triplets such as 0-1000-10, not ${JSON.stringify(text)}`);
  }
  const [containerID, size] = [Number(from), Number(count)];
  const hostID = at === "@" ? outside(Number(to), size, container, text) : Number(to);
  if (Math.max(containerID, hostID) + size > MAX_UINT32 + 1) {
    throw new RangeError(`reaches beyond ${MAX_UINT32}: ${text}`);
  }
  return { containerID, hostID, size };
}

/**
 * The id on the host of an id in the container. All ids of the triplet must lie in the same range.
 */
function outside(
  id: number,
  size: number,
  container: readonly IdMapping[],
  text: string,
): number {
  const range = container.find((each) =>
    id >= each.containerID && id + size <= each.containerID + each.size
  );
  if (range !== undefined) return range.hostID + (id - range.containerID);
  throw new RangeError(`must lie in one range of the container's user namespace: ${text}`);
}
