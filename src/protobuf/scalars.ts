/**
 * Single values: how those of each kind are read and written.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @module
 */

import type { Scalar } from "./table.ts";
import { ProtobufError, WIRE, type WireReader, type WireWriter } from "./wire.ts";

/** How values of one kind are read and written. */
export interface ScalarCodec {
  readonly wire: number;
  readonly empty: unknown;
  isEmpty(value: unknown): boolean;
  read(reader: WireReader): unknown;
  write(writer: WireWriter, value: unknown): void;
}

function codec<Value>(
  wire: number,
  empty: Value,
  read: (reader: WireReader) => Value,
  write: (writer: WireWriter, value: Value) => void,
  isEmpty = (value: Value) => Object.is(value, empty),
): ScalarCodec {
  return {
    wire,
    empty,
    isEmpty: (value) => isEmpty(value as Value),
    read,
    write: (writer, value) => write(writer, value as Value),
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readString(reader: WireReader): string {
  const bytes = reader.bytes();
  try {
    return decoder.decode(bytes);
  } catch {
    throw new ProtobufError("a text is not UTF-8");
  }
}

/** A number of 32 bits is written as one of 64 would be. */
const varint = (writer: WireWriter, value: number) => writer.varint(BigInt(value));
const NO_BYTES = new Uint8Array(0);

/** All of them. */
export const SCALARS: Readonly<Record<Scalar, ScalarCodec>> = {
  string: codec(
    WIRE.bytes,
    "",
    readString,
    (writer, value) => writer.bytes(encoder.encode(value)),
  ),
  bytes: codec<Uint8Array>(
    WIRE.bytes,
    NO_BYTES,
    (reader) => reader.bytes().slice(),
    (writer, value) => writer.bytes(value),
    (value) => value.length === 0,
  ),
  bool: codec<boolean>(
    WIRE.varint,
    false,
    (reader) => reader.varint() !== 0n,
    (writer, value) => writer.varint(value ? 1n : 0n),
  ),
  int32: codec(
    WIRE.varint,
    0,
    (reader) => Number(BigInt.asIntN(32, reader.varint())),
    varint,
    isZero,
  ),
  uint32: codec(
    WIRE.varint,
    0,
    (reader) => Number(BigInt.asUintN(32, reader.varint())),
    varint,
    isZero,
  ),
  int64: codec<bigint>(
    WIRE.varint,
    0n,
    (reader) => BigInt.asIntN(64, reader.varint()),
    (writer, value) => writer.varint(value),
  ),
  uint64: codec<bigint>(
    WIRE.varint,
    0n,
    (reader) => reader.varint(),
    (writer, value) => writer.varint(value),
  ),
  double: codec(
    WIRE.fixed64,
    0,
    (reader) => reader.double(),
    (writer, value) => writer.double(value),
  ),
};

/** -0 is no integer of its own. */
function isZero(value: number): boolean {
  return value === 0;
}
