/**
 * Reads messages from bytes that may be anybody's.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @module
 */

import { ENTRY, isList, isTableList } from "./kinds.ts";
import { SCALARS } from "./scalars.ts";
import type { Kind, MessageOf, MessageTable, Scalar } from "./table.ts";
import { ProtobufError, WIRE, WireReader } from "./wire.ts";

/**
 * How many values all lists and maps of one message may have. An empty message in a list takes two
 * bytes, but here a hundred times as much memory.
 */
const MOST_VALUES = 65_536;

/**
 * Reads a message.
 *
 * @throws {ProtobufError}
 */
export function decode<Table extends MessageTable>(
  message: Table,
  bytes: Uint8Array<ArrayBuffer>,
): MessageOf<Table> {
  const values = emptyOf(message);
  new Decoder().read(message, values, bytes);
  return values as MessageOf<Table>;
}

type Values = Record<string, unknown>;

function emptyOf(message: MessageTable): Values {
  const values: Values = {};
  for (const [name, [, kind]] of Object.entries(message)) values[name] = emptyValue(kind);
  return values;
}

function emptyValue(kind: Kind): unknown {
  if (kind === "map") return {};
  if (isList(kind)) return [];
  return typeof kind === "object" ? undefined : SCALARS[kind as Scalar].empty;
}

class Decoder {
  #count = 0;

  /** Reads into values that may have been read in part: a message may come in pieces. */
  read(message: MessageTable, values: Values, bytes: Uint8Array<ArrayBuffer>): void {
    const fields = fieldsOf(message);
    const reader = new WireReader(bytes);
    while (!reader.isAtEnd) {
      const { number, wire } = reader.tag();
      const field = fields.get(number);
      if (field === undefined || !this.#readField(reader, wire, field.kind, values, field.name)) {
        reader.skip(wire, number);
      }
    }
  }

  /** False if it is written in another way than its kind: then it is no such field. */
  #readField(
    reader: WireReader,
    wire: number,
    kind: Kind,
    values: Values,
    name: string,
  ): boolean {
    if (typeof kind === "object" || kind === "map") {
      if (wire !== WIRE.bytes) return false;
      this.#readMessage(reader.bytes(), kind, values, name);
      return true;
    }
    if (!kind.endsWith("[]")) {
      const scalar = SCALARS[kind as Scalar];
      if (wire !== scalar.wire) return false;
      values[name] = scalar.read(reader);
      return true;
    }
    const scalar = SCALARS[kind.slice(0, -2) as Scalar];
    const list = values[name] as unknown[];
    if (wire === scalar.wire) {
      this.#add(list, scalar.read(reader));
      return true;
    }
    if (wire !== WIRE.bytes) return false;
    const packed = new WireReader(reader.bytes());
    while (!packed.isAtEnd) this.#add(list, scalar.read(packed));
    return true;
  }

  #readMessage(
    bytes: Uint8Array<ArrayBuffer>,
    kind: MessageTable | readonly [MessageTable] | "map",
    values: Values,
    name: string,
  ): void {
    if (kind === "map") {
      const entry = emptyOf(ENTRY);
      this.read(ENTRY, entry, bytes);
      this.#countOne();
      const key = entry["key"] as string;
      // An own property even for a name such as __proto__.
      Object.defineProperty(values[name], key, {
        value: entry["value"],
        configurable: true,
        enumerable: true,
        writable: true,
      });
    } else if (isTableList(kind)) {
      const element = emptyOf(kind[0]);
      this.read(kind[0], element, bytes);
      this.#add(values[name] as unknown[], element);
    } else {
      const inner = (values[name] ?? emptyOf(kind)) as Values;
      values[name] = inner;
      this.read(kind, inner, bytes);
    }
  }

  #add(list: unknown[], value: unknown): void {
    this.#countOne();
    list.push(value);
  }

  #countOne(): void {
    if (++this.#count > MOST_VALUES) throw new ProtobufError("a message has too many values");
  }
}

interface NamedField {
  readonly name: string;
  readonly kind: Kind;
}

const known = new WeakMap<MessageTable, Map<number, NamedField>>();

/** A table's fields by number; made once. */
function fieldsOf(message: MessageTable): Map<number, NamedField> {
  const made = known.get(message);
  if (made !== undefined) return made;
  const fields = new Map(
    Object.entries(message).map(([name, [number, kind]]) => [number, { name, kind }]),
  );
  known.set(message, fields);
  return fields;
}
