/**
 * What the validation tests share: a small good config and a way to ask for the faults of a change
 * to it.
 *
 * @module
 */

import { ContainerError, type Fault } from "../../../../src/errors.ts";
import { checkConfig, type CheckedConfig } from "../../../../src/config/validate/validate.ts";

/** A config object that a test may change at will. */
export type Json = Record<string, unknown>;

/** A good config with every namespace but user and time. */
export function goodConfig(): Json {
  return {
    ociVersion: "1.3.0",
    root: { path: "rootfs" },
    process: { args: ["sh"], cwd: "/" },
    linux: {
      namespaces: ["pid", "network", "mount", "ipc", "uts", "cgroup"].map((type) => ({ type })),
    },
  };
}

/** The good config with the value at a JSON pointer replaced; `undefined` removes it. */
export function changed(pointer: string, value: unknown, config: Json = goodConfig()): Json {
  const keys = pointer.split("/").slice(1).map((key) =>
    key.replaceAll("~1", "/").replaceAll("~0", "~")
  );
  const last = keys.pop();
  if (last === undefined) throw new Error("the pointer names no property");
  let place: Json = config;
  for (const key of keys) {
    place[key] ??= {};
    place = place[key] as Json;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
  return config;
}

/** The faults of a document; none if it is good. */
export function faultsOf(document: unknown): readonly Fault[] {
  return faultsFrom(() => checkConfig(document));
}

/** The faults that a check throws; none if it passes. */
export function faultsFrom(check: () => unknown): readonly Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof ContainerError && error.code === "ConfigInvalid") {
      return error.faults ?? [];
    }
    throw error;
  }
}

/** The warnings of a good document. */
export function warningsOf(document: unknown): CheckedConfig["warnings"] {
  return checkConfig(document).warnings;
}

/** One fault a line, as a test compares them. */
export function lines(faults: readonly Fault[]): string[] {
  return faults.map((fault) => `${fault.pointer}: ${fault.message}`);
}
