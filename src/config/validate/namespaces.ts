/**
 * Checks of `linux.namespaces` and of what belongs to the user and the time namespace.
 *
 * @module
 */

import type { MountIdMappings } from "../id_map_option.ts";
import type { IdMapping } from "../types/config.ts";
import { NAMESPACE_TYPES, type NamespaceType } from "../types/names.ts";
import { type Field, isRecord, MAX_EXACT, MAX_UINT32 } from "../fields/field.ts";

/** The namespaces that a config asks for. */
export interface NamespaceSet {
  /** Whether the container has its own: a new one, or one joined by path. */
  has(type: NamespaceType): boolean;
  /** Whether it is made for the container. */
  makes(type: NamespaceType): boolean;
}

/** A range of ids, as much of it as could be read. */
interface IdRange {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** The kernel's UID_GID_MAP_MAX_EXTENTS (user_namespaces(7)). */
const MAX_MAPPINGS = 340;
const MAX_NANOSECS = 999_999_999;

/** The set that `linux.namespaces` describes, for the checks that ask for it. */
export function namespaceSet(linux: Field): NamespaceSet {
  const list = linux.get("namespaces").value;
  const paths = new Map<unknown, unknown>();
  for (const entry of Array.isArray(list) ? list : []) {
    if (isRecord(entry)) paths.set(entry.type, entry.path);
  }
  return {
    has: (type) => paths.has(type),
    makes: (type) => paths.has(type) && (paths.get(type) === undefined || paths.get(type) === ""),
  };
}

/** `linux.namespaces` (config-linux.md, Namespaces). */
export function checkNamespaces(list: Field): void {
  const seen = new Set<NamespaceType>();
  for (const entry of list.items()) {
    if (!entry.isObject()) continue;
    const type = entry.need("type").oneOf(NAMESPACE_TYPES);
    // runc takes an empty path for none
    const path = entry.get("path");
    if (path.value !== "") path.absolutePath();
    if (type === undefined) continue;
    if (seen.has(type)) entry.fault(`is a second ${type} namespace; one of each type is allowed`);
    seen.add(type);
  }
}

/** `linux.uidMappings` and `.gidMappings` (config-linux.md, User namespace mappings). */
export function checkUserNamespace(linux: Field, namespaces: NamespaceSet): void {
  for (const name of ["uidMappings", "gidMappings"]) {
    const mappings = linux.get(name);
    checkIdMappings(mappings);
    const filled = mappings.items().length > 0;
    if (filled && !namespaces.has("user")) {
      mappings.fault("needs a user namespace in linux.namespaces");
    } else if (filled && !namespaces.makes("user")) {
      mappings.warn("is not applied: the user namespace joined by path has its own mappings");
    } else if (!filled && namespaces.makes("user") && !isWrongType(mappings)) {
      mappings.fault("is required: a new user namespace needs at least one mapping");
    }
  }
}

function isWrongType(list: Field): boolean {
  return list.exists && !Array.isArray(list.value);
}

/** The mappings of the container's user namespace, as much of them as can be read. */
export function containerMappings(linux: Field): MountIdMappings {
  const read = (list: unknown): readonly IdMapping[] =>
    Array.isArray(list) ? list.filter((each): each is IdMapping => isIdMapping(each)) : [];
  return {
    uidMappings: read(linux.get("uidMappings").value),
    gidMappings: read(linux.get("gidMappings").value),
  };
}

function isIdMapping(value: unknown): boolean {
  return isRecord(value) &&
    [value.containerID, value.hostID, value.size].every((id) => typeof id === "number");
}

/** One list of mappings, of a user namespace or of a mount. */
export function checkIdMappings(mappings: Field): void {
  const items = mappings.items();
  if (items.length > MAX_MAPPINGS) {
    mappings.fault(`must have at most ${MAX_MAPPINGS} entries, not ${items.length}`);
  }
  const ranges: IdRange[] = [];
  for (const item of items) {
    const range = readRange(item);
    if (range === undefined) continue;
    for (const side of ["containerID", "hostID"] as const) {
      if (range[side] + range.size > MAX_UINT32 + 1) {
        item.fault(`reaches beyond ${MAX_UINT32}: ${side} ${range[side]} and ${range.size} ids`);
      } else if (ranges.some((other) => overlaps(range, other, side))) {
        item.fault(`overlaps an earlier mapping by its ${side}`);
      }
    }
    ranges.push(range);
  }
}

function readRange(item: Field): IdRange | undefined {
  if (!item.isObject()) return undefined;
  const containerID = item.need("containerID").uint32();
  const hostID = item.need("hostID").uint32();
  const size = item.need("size").integer(1, MAX_UINT32);
  if (containerID === undefined || hostID === undefined || size === undefined) return undefined;
  return { containerID, hostID, size };
}

function overlaps(a: IdRange, b: IdRange, side: "containerID" | "hostID"): boolean {
  return a[side] < b[side] + b.size && b[side] < a[side] + a.size;
}

/** Whether the new user namespace has the id; true where nothing is mapped or it can't be told. */
export function isMapped(mappings: Field, id: number): boolean {
  if (!Array.isArray(mappings.value) || mappings.value.length === 0) return true;
  return mappings.value.some((range: unknown) =>
    !isRecord(range) || typeof range.containerID !== "number" || typeof range.size !== "number" ||
    (id >= range.containerID && id < range.containerID + range.size)
  );
}

/** `linux.timeOffsets` (config-linux.md, Offset for Time Namespace). */
export function checkTimeOffsets(offsets: Field, namespaces: NamespaceSet): void {
  if (!offsets.isObject()) return;
  for (const clock of ["monotonic", "boottime"]) {
    const offset = offsets.get(clock);
    if (!offset.isObject()) continue;
    offset.get("secs").integer(-MAX_EXACT, MAX_EXACT);
    offset.get("nanosecs").integer(0, MAX_NANOSECS);
  }
  for (const [clock, offset] of offsets.entries()) {
    if (clock !== "monotonic" && clock !== "boottime") {
      offset.fault("must be one of the clocks monotonic, boottime");
    }
  }
  if (!namespaces.makes("time")) {
    offsets.fault(
      namespaces.has("time")
        ? "can't be set: the time namespace joined by path has its own offsets"
        : "needs a time namespace in linux.namespaces",
    );
  }
}
