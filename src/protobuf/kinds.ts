/**
 * What the kinds of fields have in common.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @module
 */

import type { Kind, MessageTable } from "./table.ts";
import { table } from "./table.ts";

/** One pair of a map. */
export const ENTRY = table({ key: [1, "string"], value: [2, "string"] });

/** Whether a kind is a list of messages. */
export function isTableList(
  kind: MessageTable | readonly [MessageTable],
): kind is readonly [MessageTable] {
  return Array.isArray(kind);
}

/** Whether it is a list. */
export function isList(kind: Kind): boolean {
  return Array.isArray(kind) || (typeof kind === "string" && kind.endsWith("[]"));
}
