import { assertEquals, assertThrows } from "@std/assert";
import { encodeAttributes, encodeMessage } from "../../../../../src/network/netlink/message.ts";
import { AnswerReader, NetlinkError, steady } from "../../../../../src/network/netlink/socket.ts";
import { forSeeds } from "../../../../fixtures/random.ts";

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const MULTI = 0x2;
const INTERRUPTED = 0x10;
const CAPPED = 0x100;
const ACK_TLVS = 0x200;

function message(type: number, flags: number, body: readonly number[] = [], sequence = 1) {
  return encodeMessage({ type, flags, sequence, body: Uint8Array.from(body) });
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function int32(value: number): number[] {
  return [...new Uint8Array(new Int32Array([value]).buffer)];
}

const REASON = [
  ...encodeAttributes([{ type: 1, value: new TextEncoder().encode("too blue\0") }]),
];

Deno.test("a list comes in several datagrams and ends with its end", () => {
  const reader = new AnswerReader("RTM_GETLINK", 1);
  reader.take(join(message(16, MULTI, [1]), message(16, MULTI, [2])));
  assertEquals(reader.isComplete, false);
  reader.take(join(message(16, MULTI, [3]), message(NLMSG_DONE, MULTI, int32(0))));
  assertEquals(reader.messages.map(({ body }) => body[0]), [1, 2, 3]);
  assertEquals([reader.isComplete, reader.interrupted], [true, false]);
});

Deno.test("a list that changed meanwhile says so", () => {
  const reader = new AnswerReader("RTM_GETLINK", 1);
  reader.take(join(message(16, MULTI | INTERRUPTED, [1]), message(NLMSG_DONE, MULTI, int32(0))));
  assertEquals([reader.isComplete, reader.interrupted], [true, true]);
});

Deno.test("answers to another request don't count", () => {
  const reader = new AnswerReader("RTM_NEWLINK", 7);
  reader.take(join(
    message(NLMSG_ERROR, 0, [...int32(-17), ...new Array(16).fill(0)], 6),
    message(16, 0, [9], 8),
  ));
  assertEquals([reader.isComplete, reader.messages.length], [false, 0]);
  reader.take(message(NLMSG_ERROR, 0, [...int32(0), ...new Array(16).fill(0)], 7));
  assertEquals(reader.isComplete, true);
});

Deno.test("an error carries its number and the kernel's words", () => {
  const request = [...int32(20), ...new Array(12).fill(0)]; // a header that says 20 bytes
  const cases: readonly [number, number, readonly number[], string][] = [
    [NLMSG_ERROR, CAPPED | ACK_TLVS, [...int32(-17), ...request, ...REASON], "too blue"],
    [NLMSG_ERROR, ACK_TLVS, [...int32(-17), ...request, 1, 2, 3, 4, ...REASON], "too blue"],
    [NLMSG_DONE, MULTI | ACK_TLVS, [...int32(-17), ...REASON], "too blue"],
    [NLMSG_ERROR, CAPPED, [...int32(-17), ...request], "file exists"],
    [NLMSG_ERROR, ACK_TLVS, int32(-17), "file exists"],
  ];
  for (const [type, flags, body, reason] of cases) {
    const reader = new AnswerReader("RTM_NEWLINK", 1);
    const error = assertThrows(() => reader.take(message(type, flags, body)), NetlinkError);
    assertEquals(error.message, `RTM_NEWLINK: EEXIST: ${reason}`);
    assertEquals([error.request, error.errno, error.code], ["RTM_NEWLINK", 17, "EEXIST"]);
  }
});

Deno.test("an old kernel's end of a list has no number", () => {
  const reader = new AnswerReader("RTM_GETLINK", 1);
  reader.take(message(NLMSG_DONE, MULTI));
  assertEquals(reader.isComplete, true);
});

Deno.test("an answer is the same however it is cut, and whatever stands between", () => {
  forSeeds(500, (random) => {
    const sequence = random.of(0, 1, 2 ** 31, 2 ** 32 - 1);
    const bodies = Array.from({ length: random.below(12) }, () => [random.below(256)]);
    const stream = [
      ...bodies.map((body) => message(16, MULTI, body, sequence)),
      message(NLMSG_DONE, MULTI, int32(0), sequence),
    ];
    const reader = new AnswerReader("RTM_GETLINK", sequence);
    let datagram: Uint8Array[] = [];
    for (const part of stream) {
      const stale = (sequence + 1 + random.below(5)) % 2 ** 32;
      if (random.below(3) === 0) datagram.push(message(16, MULTI | INTERRUPTED, [9], stale));
      if (random.below(5) === 0) datagram.push(message(NLMSG_DONE, MULTI, int32(-1), stale));
      datagram.push(part);
      if (random.below(2) > 0) continue;
      reader.take(join(...datagram));
      datagram = [];
    }
    // Nothing counts behind the end.
    datagram.push(message(16, MULTI, [7], sequence));
    reader.take(join(...datagram));
    assertEquals(reader.messages.map(({ body }) => [...body]), bodies);
    assertEquals([reader.isComplete, reader.interrupted], [true, false]);
  });
});

Deno.test("a list that changed meanwhile is asked for again, not for ever", () => {
  const reader = (interrupted: boolean, mark: number) => {
    const one = new AnswerReader("RTM_GETLINK", 1);
    one.take(message(16, interrupted ? MULTI | INTERRUPTED : MULTI, [mark]));
    one.take(message(NLMSG_DONE, MULTI, int32(0)));
    return one;
  };
  let asked = 0;
  const list = steady("RTM_GETLINK", () => reader(++asked < 4, asked));
  assertEquals([asked, list.map(({ body }) => body[0])], [4, [4]]);
  asked = 0;
  const error = assertThrows(
    () => steady("RTM_GETLINK", () => reader(true, ++asked)),
    NetlinkError,
  );
  assertEquals([error.code, asked], ["EAGAIN", 20]);
});
