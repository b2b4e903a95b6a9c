import { assertEquals, assertThrows } from "@std/assert";
import {
  type Attribute,
  Attributes,
  decodeAttributes,
  decodeMessages,
  encodeAttributes,
  encodeBody,
  encodeMessage,
  type Message,
  NetlinkFormatError,
  numberAttribute,
  textAttribute,
} from "../../../../../src/network/netlink/message.ts";
import { forSeeds, type Random } from "../../../../fixtures/random.ts";

function randomAttribute(random: Random, depth: number): Attribute {
  const type = random.below(0x4000);
  if (depth === 0 || random.below(3) > 0) return { type, value: random.bytes(random.below(40)) };
  const value = Array.from({ length: random.below(4) }, () => randomAttribute(random, depth - 1));
  return { type, value };
}

/** Decodes in the shape of what was encoded. */
function decodeLike(shape: readonly Attribute[], bytes: Uint8Array<ArrayBuffer>): Attribute[] {
  return decodeAttributes(bytes).map(({ type, value }, k) => {
    const like = shape[k]?.value;
    const isNested = like !== undefined && !(like instanceof Uint8Array);
    return { type, value: isNested ? decodeLike(like, value) : value };
  });
}

Deno.test("attributes of any shape come back as they were", () => {
  forSeeds(500, (random) => {
    const attributes = Array.from({ length: random.below(6) }, () => randomAttribute(random, 3));
    const bytes = encodeAttributes(attributes);
    assertEquals(bytes.length % 4, 0);
    assertEquals(decodeLike(attributes, bytes), attributes);
  });
});

Deno.test("messages of one datagram come back as they were", () => {
  forSeeds(500, (random) => {
    const messages: Message[] = Array.from({ length: random.below(5) }, () => ({
      type: random.below(0x10000),
      flags: random.below(0x10000),
      sequence: random.below(2 ** 32),
      body: random.bytes(random.below(50)),
    }));
    const datagram = Uint8Array.from(messages.flatMap((message) => [...encodeMessage(message)]));
    assertEquals(decodeMessages(datagram), messages);
    // Where the datagram is not the buffer's beginning.
    const moved = new Uint8Array(datagram.length + 5);
    moved.set(datagram, 5);
    assertEquals(decodeMessages(moved.subarray(5)), messages);
  });
});

Deno.test("bytes of chance are messages or refused, and nothing else", () => {
  let refused = 0;
  forSeeds(2000, (random) => {
    const bytes = random.bytes(random.below(64));
    if (bytes.length > 3 && random.below(2) === 0) bytes.set([random.below(40), 0, 0, 0]);
    for (const decode of [decodeMessages, decodeAttributes]) {
      try {
        decode(bytes);
      } catch (error) {
        if (!(error instanceof NetlinkFormatError)) throw error;
        refused++;
      }
    }
  });
  assertEquals(refused > 1000, true, `${refused}`);
});

Deno.test("the bytes are the kernel's", () => {
  const body = encodeBody(new Uint8Array([9]), [
    textAttribute(3, "lo"),
    { type: 18, value: [numberAttribute(1, 0x01020304)] },
  ]);
  const message = encodeMessage({ type: 0x10, flags: 0x605, sequence: 0x11223344, body });
  const hex = [...message].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  assertEquals(
    hex,
    "28 00 00 00 10 00 05 06 44 33 22 11 00 00 00 00 " + // length, type, flags, sequence, port
      "09 00 00 00 " + // the structure, padded
      "07 00 03 00 6c 6f 00 00 " + // "lo" with its NUL, padded
      "0c 00 12 80 08 00 01 00 04 03 02 01", // NLA_F_NESTED
  );
});

Deno.test("attributes are read by type, the last of a type", () => {
  const attributes = new Attributes(encodeAttributes([
    numberAttribute(1, 1),
    numberAttribute(1, 0xfffffffe),
    textAttribute(2, "eth0"),
    { type: 3, value: new TextEncoder().encode("veth") },
    { type: 4, value: [textAttribute(1, "inner")] },
    { type: 5, value: new Uint8Array(2) },
  ]));
  assertEquals(attributes.number(1), 0xfffffffe);
  assertEquals([attributes.text(2), attributes.text(3)], ["eth0", "veth"]);
  assertEquals(attributes.nested(4).text(1), "inner");
  assertEquals([attributes.number(5), attributes.number(9), attributes.text(9)], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(attributes.nested(9).text(1), undefined);
});

Deno.test("what can't be said is refused", () => {
  assertThrows(() => textAttribute(3, "a\0b"), RangeError);
  assertThrows(() => encodeAttributes([{ type: 1, value: new Uint8Array(65_532) }]), RangeError);
  assertEquals(encodeAttributes([{ type: 1, value: new Uint8Array(65_531) }]).length, 65_536);
});
