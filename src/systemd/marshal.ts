/**
 * Values to the bytes of D-Bus and back.
 *
 * | type          | in TypeScript                                                            |
 * | ------------- | ------------------------------------------------------------------------ |
 * | `y n q i u d` | number                                                                   |
 * | `x t`         | bigint; whole numbers are taken as well                                  |
 * | `b`           | boolean                                                                  |
 * | `s o g`       | string                                                                   |
 * | `v`           | `{ signature, value }`                                                   |
 * | `(…)`         | array of the fields                                                      |
 * | `ay`          | Uint8Array; an array of numbers is taken as well                         |
 * | `a{…}`        | Map; an array of pairs and, for string keys, an object are taken as well |
 * | `a…`          | array                                                                    |
 *
 * Source: D-Bus specification, "Marshaling (Wire Format)".
 *
 * @module
 */

import { Reader } from "./decode.ts";
import { Writer } from "./encode.ts";
import { DBusFormatError, parseSignature } from "./signature.ts";

/**
 * The bytes of some values, the first at a place that every type may begin at.
 *
 * @param signature the types of all values, such as `sa(sv)`
 * @param isLittle the byte order
 * @throws {DBusFormatError} if a value is not of its type, or the signature is invalid
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decode, encode } from "./marshal.ts";
 *
 * const bytes = encode("yu", [7, 1]);
 * assertEquals(bytes, new Uint8Array([7, 0, 0, 0, 1, 0, 0, 0]));
 * assertEquals(decode("yu", bytes), [7, 1]);
 * ```
 */
export function encode(
  signature: string,
  values: readonly unknown[],
  isLittle = true,
): Uint8Array<ArrayBuffer> {
  const types = parseSignature(signature);
  if (types.length !== values.length) {
    throw new DBusFormatError(`${values.length} values for the signature "${signature}"`);
  }
  const writer = new Writer(isLittle);
  types.forEach((type, k) => writer.write(type, values[k]));
  return writer.written;
}

/**
 * The values that some bytes hold, which must hold nothing else.
 *
 * @param offset where the first value begins; places are counted from the first byte
 * @param isLittle the byte order
 * @throws {DBusFormatError} if they hold other values or none that D-Bus permits
 */
export function decode(
  signature: string,
  bytes: Uint8Array,
  offset = 0,
  isLittle = true,
): readonly unknown[] {
  const reader = new Reader(bytes, offset, isLittle);
  const values = parseSignature(signature).map((type) => reader.read(type));
  if (!reader.isAtEnd) throw new DBusFormatError("there are bytes behind the last value");
  return values;
}
