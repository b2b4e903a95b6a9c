/**
 * Writes messages.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @module
 */

import { ENTRY, isTableList } from "./kinds.ts";
import { type ScalarCodec, SCALARS } from "./scalars.ts";
import type { Given, Kind, MessageTable, Scalar } from "./table.ts";
import { WIRE, WireWriter } from "./wire.ts";

type Values = Record<string, unknown>;

/** Writes a message. */
export function encode<Table extends MessageTable>(
  message: Table,
  values: Given<Table>,
): Uint8Array<ArrayBuffer> {
  return encodeValues(message, values).slice();
}

function encodeValues(message: MessageTable, values: Values): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter();
  for (const [name, [number, kind]] of Object.entries(message)) {
    const value = values[name];
    if (value !== undefined) writeField(writer, number, kind, value);
  }
  return writer.written;
}

function writeField(writer: WireWriter, number: number, kind: Kind, value: unknown): void {
  if (kind === "map") {
    for (const [key, text] of Object.entries(value as Record<string, string>)) {
      writeMessage(writer, number, ENTRY, { key, value: text });
    }
  } else if (typeof kind === "object") {
    if (!isTableList(kind)) return writeMessage(writer, number, kind, value as Values);
    for (const element of value as Values[]) writeMessage(writer, number, kind[0], element);
  } else if (kind.endsWith("[]")) {
    writeList(writer, number, SCALARS[kind.slice(0, -2) as Scalar], value as unknown[]);
  } else writeScalar(writer, number, SCALARS[kind as Scalar], value);
}

function writeMessage(
  writer: WireWriter,
  number: number,
  message: MessageTable,
  values: Values,
): void {
  writer.tag(number, WIRE.bytes);
  writer.bytes(encodeValues(message, values));
}

/** Numbers go into one piece; what has a length can't. */
function writeList(
  writer: WireWriter,
  number: number,
  scalar: ScalarCodec,
  list: readonly unknown[],
): void {
  if (list.length === 0) return;
  if (scalar.wire === WIRE.bytes) {
    for (const element of list) {
      writer.tag(number, scalar.wire);
      scalar.write(writer, element);
    }
    return;
  }
  const packed = new WireWriter();
  for (const element of list) scalar.write(packed, element);
  writer.tag(number, WIRE.bytes);
  writer.bytes(packed.written);
}

function writeScalar(
  writer: WireWriter,
  number: number,
  scalar: ScalarCodec,
  value: unknown,
): void {
  if (scalar.isEmpty(value)) return;
  writer.tag(number, scalar.wire);
  scalar.write(writer, value);
}
