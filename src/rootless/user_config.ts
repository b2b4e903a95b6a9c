/**
 * A config as it fits an ordinary user: with a user namespace, in which that user has the rights
 * that making a container takes.
 *
 * @module
 */

import type { Config, IdMapping, Linux, Namespace } from "../config/types/config.ts";
import { ContainerError, type Fault } from "../errors.ts";
import { findMapTool, type MapTool } from "../namespaces/map_tools.ts";
import { disjoint, type IdRange, subordinateIds } from "./subordinate_ids.ts";

/** The kernel takes a map of so many lines, and of less than a page: user_namespaces(7). */
const MAX_LINES = 340;
const MAX_BYTES = 4095;
const LONGEST_OWN = "4294967294 4294967294 1\n".length;
/** The own id has a line, and may part a range. */
const MAX_RANGES = MAX_LINES - 2;

/** One kind of ids of a user: the own one, and what the host gives beside it. */
export interface OwnIds {
  readonly own: number;
  readonly given: readonly IdRange[];
  /** Why there are no others, and what can be done about it; undefined if there are. */
  readonly lack: string | undefined;
}

/** Who makes the container. */
export interface Caller {
  readonly uids: OwnIds;
  readonly gids: OwnIds;
}

/** A config with what its author should know. */
export interface FittedConfig {
  readonly config: Config;
  readonly warnings: readonly Fault[];
}

/** This program's user, and the ids that can be mapped. */
export function caller(): Caller {
  const [uid, gid] = [Deno.uid() ?? 0, Deno.gid() ?? 0];
  const { uids, gids } = subordinateIds(uid);
  return {
    uids: { own: uid, ...usable("newuidmap", "/etc/subuid", disjoint(uids, uid, MAX_RANGES)) },
    gids: { own: gid, ...usable("newgidmap", "/etc/subgid", disjoint(gids, gid, MAX_RANGES)) },
  };
}

function usable(tool: MapTool, file: string, given: readonly IdRange[]): Omit<OwnIds, "own"> {
  if (findMapTool(tool) === undefined) {
    return { given: [], lack: `${tool} is missing: install the package uidmap or shadow-utils` };
  }
  if (given.length > 0) return { given, lack: undefined };
  const flag = tool === "newuidmap" ? "--add-subuids" : "--add-subgids";
  const lack = `${file} has no entry for this user: usermod ${flag} 100000-165535 USER`;
  return { given: [], lack };
}

/**
 * Adds a user namespace if the config has none, and id maps if it names none: the caller becomes
 * the container's user, all other ids are those that the host gives. If there are none of those,
 * one id is mapped.
 *
 * @param config as it was read; what is wrong with it the check says later
 */
export function fitToUser(config: Config, who: Caller = caller()): FittedConfig {
  const linux: Linux = isObject(config?.linux) ? config.linux : {};
  const { namespaces = [] } = linux;
  if (!isObject(config) || !Array.isArray(namespaces)) return { config, warnings: [] };
  const own = (namespaces as readonly Namespace[]).find((each) => each?.type === "user");
  if ((own?.path ?? "") !== "") return { config, warnings: [] };
  const { uid = 0, gid = 0 } = config.process?.user ?? {};
  const uids = mapped(linux.uidMappings, uid, who.uids);
  const gids = mapped(linux.gidMappings, gid, who.gids);
  const lacks = [
    ...uids.lack.map((message) => ({ pointer: "/linux/uidMappings", message })),
    ...gids.lack.map((message) => ({ pointer: "/linux/gidMappings", message })),
  ];
  const all = own === undefined ? [...namespaces, { type: "user" } as const] : namespaces;
  return {
    config: {
      ...config,
      linux: { ...linux, namespaces: all, uidMappings: uids.map, gidMappings: gids.map },
    },
    warnings: lacks.slice(0, 1), // who lacks the one mostly lacks the other, too
  };
}

function mapped(
  asked: readonly IdMapping[] | undefined,
  inside: unknown,
  ids: OwnIds,
): { readonly map: readonly IdMapping[]; readonly lack: readonly string[] } {
  if (asked !== undefined && (asked as { length?: number }).length !== 0) {
    return { map: asked, lack: [] };
  }
  const map = writable(defaultMap(typeof inside === "number" ? inside : 0, ids), ids.own);
  return {
    map,
    lack: ids.lack === undefined ? [] : [`maps this user's own id only, since ${ids.lack}`],
  };
}

/**
 * The map of a user who names none: the own id is `inside`, the others come from the ranges in
 * their order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultMap } from "./user_config.ts";
 *
 * const ids = { own: 1000, given: [{ start: 100000, size: 10 }], lack: undefined };
 * assertEquals(defaultMap(0, ids), [
 *   { containerID: 0, hostID: 1000, size: 1 },
 *   { containerID: 1, hostID: 100000, size: 10 },
 * ]);
 * ```
 */
export function defaultMap(inside: number, { own, given }: OwnIds): readonly IdMapping[] {
  const map: IdMapping[] = [];
  let next = 0;
  const takeOwn = () => {
    map.push({ containerID: inside, hostID: own, size: 1 });
    next = inside + 1;
  };
  for (const { start, size } of given) {
    const before = next <= inside ? Math.min(size, inside - next) : 0;
    if (before > 0) map.push({ containerID: next, hostID: start, size: before });
    if (next <= inside) next += before;
    if (next === inside) takeOwn();
    const rest = size - before;
    if (rest > 0 && next > inside) {
      map.push({ containerID: next, hostID: start + before, size: rest });
      next += rest;
    }
  }
  if (next <= inside) takeOwn();
  return map;
}

/** As much of a map as the kernel takes at once; the own id stays. */
function writable(map: readonly IdMapping[], own: number): readonly IdMapping[] {
  let left = MAX_BYTES - LONGEST_OWN;
  const takes = ({ containerID, hostID, size }: IdMapping) =>
    (left -= `${containerID} ${hostID} ${size}\n`.length) >= 0;
  return map.filter((each) => each.hostID === own || takes(each));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Says of a config's fault that an id is not mapped why so few are, if that is the reason.
 *
 * @param warnings of the fitted config
 */
export function withReason(error: unknown, warnings: readonly Fault[]): unknown {
  const [first] = warnings;
  if (first === undefined || !(error instanceof ContainerError)) return error;
  if (error.faults?.some(({ message }) => message.startsWith("is not mapped")) !== true) {
    return error;
  }
  const { summary, code, cause } = error;
  const hint = `${first.pointer.slice(1)} ${first.message}`;
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}
