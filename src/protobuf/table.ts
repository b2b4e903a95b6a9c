/**
 * Protobuf messages as tables: each field's number and kind, from which TypeScript knows the type.
 * Fields that a table lacks are passed over.
 *
 * Source: protobuf.dev, "Encoding" and "Language Guide (proto 3)".
 *
 * @module
 */

/** What one value can be, and its type here. */
interface Scalars {
  readonly string: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bool: boolean;
  readonly int32: number;
  readonly uint32: number;
  readonly int64: bigint;
  readonly uint64: bigint;
  readonly double: number;
}

/** The name of a single value's kind; an enum is an `int32`. */
export type Scalar = keyof Scalars;

/**
 * A field's kind: one value, a list of them, a message, a list of messages, or a map from text to
 * text.
 */
export type Kind = Scalar | `${Scalar}[]` | "map" | MessageTable | readonly [MessageTable];

/** A message's fields by name, each with its number. */
export interface MessageTable {
  readonly [name: string]: readonly [number: number, kind: Kind];
}

type ValueOf<K extends Kind> = K extends Scalar ? Scalars[K]
  : K extends "map" ? Readonly<Record<string, string>>
  : K extends `${infer One extends Scalar}[]` ? readonly Scalars[One][]
  : K extends readonly [infer Table extends MessageTable] ? readonly MessageOf<Table>[]
  : K extends MessageTable ? MessageOf<K> | undefined
  : never;

/** A message that was read: a field that was not written has its kind's empty value. */
export type MessageOf<Table extends MessageTable> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name][1]>;
};

type GivenValue<K extends Kind> = K extends readonly [infer Table extends MessageTable]
  ? readonly Given<Table>[]
  : K extends MessageTable ? Given<K> | undefined
  : ValueOf<K>;

/** A message to be written: what is left out has its empty value, which takes no bytes. */
export type Given<Table extends MessageTable> = {
  readonly [Name in keyof Table]?: GivenValue<Table[Name][1]> | undefined;
};

/**
 * A table, with its type kept.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decode, encode, table } from "./message.ts";
 *
 * const POINT = table({ x: [1, "int32"], label: [2, "string"] });
 * const bytes = encode(POINT, { x: 150 });
 * assertEquals(bytes.toHex(), "089601");
 * assertEquals(decode(POINT, bytes), { x: 150, label: "" });
 * ```
 */
export function table<const Table extends MessageTable>(fields: Table): Table {
  return fields;
}
