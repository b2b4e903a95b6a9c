/**
 * Checks whether a state.json holds a state of hull's. This is done once, where it is read, so that
 * no other code meets a field of a wrong type.
 *
 * @module
 */

import type { StoredState } from "./stored_state.ts";

/** The version of the format that this hull writes and reads. */
export const STATE_FORMAT = 1;

type Check = (value: unknown) => boolean;
type Json = Readonly<Record<string, unknown>>;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => Number.isSafeInteger(value) && value as number >= 0;
const optional = (check: Check): Check => (value) => value === undefined || check(value);
const listOf = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const tableOf = (check: Check): Check => (value) =>
  isObject(value) && Object.values(value).every(check);
const shaped = (shape: Readonly<Record<string, Check>>): Check => (value) =>
  isObject(value) && Object.entries(shape).every(([name, check]) => check(value[name]));

const isProcess = shaped({ pid: isNumber, startTime: isNumber, bootId: isText });
const isHooks = optional(listOf(shaped({ path: isText })));

/**
 * Only the fields that are used without a check: what a start uses was validated before it was
 * stored.
 */
const isConfig = shaped({
  ociVersion: isText,
  annotations: optional(tableOf(isText)),
  process: optional(shaped({ args: optional(listOf(isText)) })),
  root: optional(shaped({ path: isText })),
  mounts: optional(listOf(shaped({ destination: isText }))),
  hooks: optional(shaped({
    prestart: isHooks,
    createRuntime: isHooks,
    createContainer: isHooks,
    startContainer: isHooks,
    poststart: isHooks,
    poststop: isHooks,
  })),
  linux: optional(shaped({
    namespaces: optional(listOf(shaped({ type: isText, path: optional(isText) }))),
    resources: optional(isObject),
  })),
});

const FIELDS: Readonly<Record<string, Check>> = {
  bundle: isText,
  rootfs: isText,
  created: isText,
  creator: isProcess,
  init: optional(isProcess),
  supervisor: optional(isProcess),
  driver: optional(isText),
  cgroupPaths: tableOf(isText),
  systemdUnit: optional(shaped({ name: isText, slice: isText, whose: isText })),
  ownCgroups: optional(listOf(isText)),
  resctrl: optional(shaped({ made: listOf(isText) })),
  keyring: optional(isText),
  network: optional(shaped({
    owner: isNumber,
    networks: shaped({ pointer: isText, items: listOf(shaped({ type: isText })) }),
    routes: shaped({ pointer: isText, items: listOf(isObject) }),
  })),
  userNetwork: optional(shaped({ kind: isText, process: optional(isProcess) })),
  outputFiles: optional(shaped({ stdout: optional(isText), stderr: optional(isText) })),
  hasLease: optional(isFlag),
  loopbackDown: optional(isFlag),
  rootFiles: optional(listOf(shaped({
    path: isText,
    mode: optional(isNumber),
    target: optional(isText),
    text: optional(isText),
    bytes: optional(isText),
  }))),
  rootBytes: optional(isNumber),
  hasOverlay: optional(isFlag),
  reaper: optional(isText),
  config: isConfig,
};

/** What a text was found to be: a state, or what is wrong with it. */
export type ReadState = { readonly state: StoredState } | { readonly fault: string };

/**
 * The state that a text is.
 *
 * @param id of the container that it is kept for
 */
export function readState(text: string, id: string): ReadState {
  const json = parse(text);
  if (json === undefined) return { fault: text === "" ? "is empty" : "is not JSON" };
  if (!isObject(json)) return { fault: "is no JSON object" };
  if (json.format !== STATE_FORMAT) {
    const shown = JSON.stringify(json.format)?.slice(0, 32) ?? "none";
    return { fault: `has the format ${shown}, and this hull reads ${STATE_FORMAT}` };
  }
  if (json.id !== id) return { fault: "is another container's" };
  const wrong = Object.entries(FIELDS).find(([name, check]) => !check(json[name]));
  if (wrong !== undefined) return { fault: `has no usable ${JSON.stringify(wrong[0])}` };
  return { state: json as unknown as StoredState };
}

/** The fields of a broken state that can still be believed, each checked by itself. */
export type Remains = Partial<
  Pick<
    StoredState,
    "init" | "supervisor" | "cgroupPaths" | "systemdUnit" | "ownCgroups" | "network"
  >
>;

/**
 * What remains of a state that is broken, or of another format; nothing if it is another
 * container's.
 */
export function remainsOf(text: string, id: string): Remains {
  const json = parse(text);
  if (!isObject(json) || json.id !== id) return {};
  const names = [
    "init",
    "supervisor",
    "cgroupPaths",
    "systemdUnit",
    "ownCgroups",
    "network",
  ] as const;
  const sound = names.filter((name) => json[name] !== undefined && FIELDS[name]?.(json[name]));
  return Object.fromEntries(sound.map((name) => [name, json[name]]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
