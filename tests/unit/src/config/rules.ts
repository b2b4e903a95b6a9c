/**
 * Rules of the validation as tables: each row is one change to a good config.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { changed, faultsOf, goodConfig, type Json } from "./faults.ts";

/** A change that makes exactly one fault: where the value is put, the value, what is said and where. */
export type Bad = [put: string, value: unknown, says: string, at?: string];
/** A change that is fine. */
export type Good = [put: string, value: unknown];

/** Tests that each bad change makes one fault at its place, and that the good ones make none. */
export function rules(
  name: string,
  bad: readonly Bad[],
  good: readonly Good[],
  base = goodConfig,
): void {
  Deno.test(`${name}: what is refused, and where`, async (t) => {
    for (const [put, value, says, at = put] of bad) {
      await t.step(`${put} = ${JSON.stringify(value)}`, () => {
        const faults = faultsOf(changed(put, value, base()));
        assertEquals(faults.map((fault) => fault.pointer), [at]);
        assertStringIncludes(faults[0]?.message ?? "", says);
      });
    }
  });
  Deno.test(`${name}: what is allowed`, async (t) => {
    for (const [put, value] of good) {
      await t.step(`${put} = ${JSON.stringify(value)}`, () => {
        assertEquals(faultsOf(changed(put, value, base())), []);
      });
    }
  });
}

/** The good config without the namespace of a type. */
export function without(type: string, config: Json = goodConfig()): Json {
  const linux = config.linux as { namespaces: { type: string }[] };
  linux.namespaces = linux.namespaces.filter((entry) => entry.type !== type);
  return config;
}

/** The good config with one more namespace. */
export function withNamespace(entry: Json, config: Json = goodConfig()): Json {
  (config.linux as { namespaces: Json[] }).namespaces.push(entry);
  return config;
}

/** Ten ids, from 1000 on the host. */
export const ONE_MAPPING = [{ containerID: 0, hostID: 1000, size: 10 }];

/** The good config with a new user namespace of ten ids. */
export function withUserNamespace(): Json {
  const config = withNamespace({ type: "user" });
  changed("/linux/uidMappings", ONE_MAPPING, config);
  return changed("/linux/gidMappings", ONE_MAPPING, config);
}
