import { assertEquals, assertThrows } from "@std/assert";
import { encode } from "../../../../src/systemd/marshal.ts";
import {
  decodeMessage,
  encodeMessage,
  ERROR,
  messageLength,
  METHOD_CALL,
  SIGNAL,
} from "../../../../src/systemd/message.ts";
import { DBusFormatError, parseSignature } from "../../../../src/systemd/signature.ts";
import { randomSignature, randomValue } from "../../../fixtures/dbus_values.ts";
import { forSeeds } from "../../../fixtures/random.ts";

const SIGNAL_FIELDS = [[1, "o", "/a"], [2, "s", "a.b"], [3, "s", "Gone"]] as const;

Deno.test("messages come back as they were", () => {
  forSeeds(500, (random) => {
    const signature = randomSignature(random) || "s";
    const message = {
      type: METHOD_CALL,
      flags: random.below(8),
      serial: 1 + random.below(1000),
      path: "/org/example",
      interface: "org.example.Thing",
      member: "Do",
      destination: "org.example",
      signature,
      body: parseSignature(signature).map((type) => randomValue(random, type)),
    };
    const bytes = encodeMessage(message);
    assertEquals(messageLength(bytes.subarray(0, 16)), bytes.length);
    assertEquals(decodeMessage(bytes), message);
  });
});

Deno.test("a message of the other byte order is understood, with fields that are not known", () => {
  const more = [20, { signature: "u", value: 1 }];
  const bytes = bytesOf(false, SIGNAL, [...fields(SIGNAL_FIELDS), more]);
  const { member, serial, body } = decodeMessage(bytes);
  assertEquals([member, serial, body], ["Gone", 7, []]);
});

Deno.test("what a message lacks, or has of a wrong type, is an error", () => {
  for (const missing of [0, 1, 2]) {
    const some = fields(SIGNAL_FIELDS.filter((_, k) => k !== missing));
    assertThrows(() => decodeMessage(bytesOf(true, SIGNAL, some)), DBusFormatError, "has no");
  }
  assertThrows(() => decodeMessage(bytesOf(true, ERROR, [])), DBusFormatError, "has no");
  const wrong = fields([[1, "s", "/a"]]);
  assertThrows(() => decodeMessage(bytesOf(true, SIGNAL, wrong)), DBusFormatError, "type s");
  assertThrows(() => decodeMessage(bytesOf(true, 0, [])), DBusFormatError, "no type");
});

Deno.test("a message that says that it is huge is refused from its first bytes", () => {
  const start = (order: string, version: number, body: number, fields: number) => {
    const view = new DataView(new ArrayBuffer(16));
    view.setUint8(0, order.charCodeAt(0));
    view.setUint8(3, version);
    view.setUint32(4, body, true);
    view.setUint32(12, fields, true);
    return new Uint8Array(view.buffer);
  };
  assertEquals(messageLength(start("l", 1, 8, 9)), 16 + 16 + 8);
  assertThrows(() => messageLength(start("l", 1, 0xffffffff, 0)), DBusFormatError, "128 MiB");
  assertThrows(() => messageLength(start("l", 1, 0, 0xffffffff)), DBusFormatError, "128 MiB");
  assertThrows(() => messageLength(start("l", 1, 128 * 1024 * 1024, 0)), DBusFormatError, "128");
  assertThrows(() => messageLength(start("x", 1, 0, 0)), DBusFormatError, "no message");
  assertThrows(() => messageLength(start("l", 2, 0, 0)), DBusFormatError, "no message");
});

function fields(list: readonly (readonly [number, string, unknown])[]): unknown[] {
  return list.map(([code, signature, value]) => [code, { signature, value }]);
}

/** A message without a body. */
function bytesOf(isLittle: boolean, type: number, fields: unknown[]): Uint8Array {
  const order = (isLittle ? "l" : "B").charCodeAt(0);
  const header = encode("yyyyuua(yv)", [order, type, 0, 1, 0, 7, fields], isLittle);
  const bytes = new Uint8Array(Math.ceil(header.length / 8) * 8);
  bytes.set(header);
  return bytes;
}
