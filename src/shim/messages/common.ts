/**
 * Messages that several services share.
 *
 * Source: google/protobuf/any.proto and timestamp.proto; containerd's api/types.
 *
 * @module
 */

import {
  encode,
  type Given,
  type MessageOf,
  type MessageTable,
  table,
} from "../../protobuf/message.ts";

/** A message with the name of its kind. */
export const ANY = table({ typeUrl: [1, "string"], value: [2, "bytes"] });
/** A point in time. */
export const TIMESTAMP = table({ seconds: [1, "int64"], nanos: [2, "int32"] });
/** Nothing. */
export const EMPTY = table({});
/** A mount. */
export const MOUNT = table({
  type: [1, "string"],
  source: [2, "string"],
  target: [3, "string"],
  options: [4, "string[]"],
});
/** See {@linkcode MOUNT}. */
export type MountMessage = MessageOf<typeof MOUNT>;

/** A message in its envelope. */
export function anyOf<Table extends MessageTable>(
  typeUrl: string,
  message: Table,
  values: Given<Table>,
): Given<typeof ANY> {
  return { typeUrl, value: encode(message, values) };
}

/** Milliseconds since 1970 as a timestamp. */
export function timestampOf(ms: number): Given<typeof TIMESTAMP> {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) };
}
