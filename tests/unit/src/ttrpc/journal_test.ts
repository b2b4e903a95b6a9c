import { assertEquals } from "@std/assert";
import type { Fd } from "../../../../ffi/files/file.ts";
import { duplicate } from "../../../../ffi/files/descriptor.ts";
import { setNonBlocking } from "../../../../ffi/files/pipe.ts";
import { socketPair } from "../../../../ffi/sockets/socket.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { decode, encode } from "../../../../src/protobuf/message.ts";
import { ProtobufError } from "../../../../src/protobuf/wire.ts";
import { Channel } from "../../../../src/ttrpc/channel.ts";
import { FRAME, type Frame, frameBytes, FrameReader } from "../../../../src/ttrpc/frame.ts";
import { Journal } from "../../../../src/ttrpc/journal.ts";
import { REQUEST, RESPONSE, StatusError } from "../../../../src/ttrpc/messages.ts";
import { type Handler, serveConnection } from "../../../../src/ttrpc/server.ts";
import { forSeeds, type Random } from "../../../fixtures/random.ts";

const bytesOf = (stream: number, payload: Uint8Array<ArrayBuffer>) =>
  frameBytes(stream, FRAME.request, encode(REQUEST, { service: "s", method: "m", payload }));

function withPath(act: (path: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  try {
    act(`${folder}/journal`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** What a program has written down that was killed at some point. */
function killedAt(journal: (path: string) => void, keep: (size: number) => number): Frame[] {
  let open: readonly Frame[] = [];
  withPath((path) => {
    journal(path);
    Deno.truncateSync(path, keep(Deno.statSync(path).size));
    const { journal: again, standing } = Journal.goOn(path);
    open = standing.open;
    again[Symbol.dispose]();
  });
  return [...open];
}

Deno.test("the requests without an answer are found again, however they were cut", () => {
  forSeeds(60, (random) => {
    const requests = Array.from({ length: 1 + random.below(20) }, (_, k) => ({
      stream: 2 * k + 1,
      payload: random.bytes(random.below(50)),
    }));
    const answered = new Set(
      requests.map(({ stream }) => stream).filter(() => random.below(2) === 0),
    );
    const open = killedAt((path) => {
      const written = Journal.begin(path);
      cut(random, requests.map(({ stream, payload }) => bytesOf(stream, payload)))
        .forEach((bytes) => written.reading(bytes));
      for (const stream of answered) written.answered(stream);
    }, (size) => size);
    const expected = requests.filter(({ stream }) => !answered.has(stream));
    assertEquals(
      open.map(({ stream, data }) => ({
        stream,
        payload: decode(REQUEST, data as Uint8Array<ArrayBuffer>).payload,
      })),
      expected,
    );
  });
});

Deno.test("a record that was cut off by the end of the program counts as not written", () => {
  const request = bytesOf(1, Uint8Array.of(1));
  const journal = (path: string) => {
    const written = Journal.begin(path);
    written.reading(request);
    written.answered(1);
  };
  assertEquals(killedAt(journal, (size) => size).length, 0);
  assertEquals(killedAt(journal, (size) => size - 1).length, 1);
  assertEquals(killedAt(journal, () => request.length).length, 0);
});

Deno.test("a journal that has grown keeps what still counts, and stays small", () => {
  withPath((path) => {
    const journal = Journal.begin(path);
    journal.reading(bytesOf(1, Uint8Array.of(7)));
    for (let k = 1; k < 3000; k++) {
      journal.reading(bytesOf(2 * k + 1, new Uint8Array(300)));
      journal.answered(2 * k + 1);
    }
    assertEquals(Deno.statSync(path).size < 300_000, true);
    const { standing } = Journal.goOn(path);
    assertEquals(standing.open.map(({ stream }) => stream), [1]);
  });
});

Deno.test("another server goes on where one was killed: no call is lost, and none is torn", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const path = `${folder}/journal`;
  using poller = new Poller();
  using sockets = socketPair();
  for (const socket of [sockets.ours, sockets.theirs]) setNonBlocking(socket);
  using peer = new Channel(duplicate(sockets.ours), poller);
  const seen: boolean[] = [];
  const slow: Handler = () => new Promise(() => {});
  const quick: Handler = (payload, { isAgain }) => {
    seen.push(isAgain);
    return Promise.resolve(payload);
  };
  const serve = (handler: Handler, kept: Parameters<typeof serveConnection>[4]) => {
    const own: Fd = duplicate(sockets.theirs); // the keeper has the other one
    const toStatus = (error: unknown) =>
      error instanceof StatusError ? error : new StatusError(
        error instanceof ProtobufError ? "InvalidArgument" : "Unknown",
        `${error}`,
      );
    const served = serveConnection(own, poller, () => handler, toStatus, kept);
    return {
      kill: async () => {
        poller.cancel(own);
        own.close();
        await served;
      },
      served,
    };
  };
  const first = serve(slow, { journal: Journal.begin(path) });
  const half = bytesOf(5, new Uint8Array(100));
  const sent = [bytesOf(1, Uint8Array.of(1)), bytesOf(3, Uint8Array.of(3)), half.slice(0, 40)];
  for (const bytes of sent) peer.send(bytes);
  const size = sent.reduce((sum, { length }) => sum + length, 0);
  while (Deno.statSync(path).size <= size) await new Promise((resolve) => setTimeout(resolve, 5));
  await first.kill();
  peer.send(half.slice(40));
  peer.send(bytesOf(7, Uint8Array.of(7)));
  const second = serve(quick, Journal.goOn(path));
  const reader = new FrameReader();
  const answers = new Map<number, number>();
  while (answers.size < 4) {
    const bytes = await peer.receive();
    for (const { stream, data } of reader.take(bytes as Uint8Array<ArrayBuffer>)) {
      answers.set(stream, decode(RESPONSE, data as Uint8Array<ArrayBuffer>).payload.length);
    }
  }
  assertEquals([...answers].sort(), [[1, 1], [3, 1], [5, 100], [7, 1]]);
  assertEquals(seen, [true, true, false, false]);
  await second.kill();
  Deno.removeSync(folder, { recursive: true });
});

/** The same bytes in pieces of any size. */
function cut(random: Random, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
  const all = Uint8Array.from(parts.flatMap((part) => [...part]));
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < all.length;) {
    const end = at + 1 + random.below(60);
    pieces.push(all.slice(at, end));
    at = end;
  }
  return pieces;
}

Deno.test("without room for what is on its way calls go on", () => {
  withPath((path) => {
    Deno.symlinkSync("/dev/full", path);
    using journal = Journal.begin(path);
    for (const stream of [1, 3]) journal.reading(bytesOf(stream, new Uint8Array(10)));
    journal.answered(1);
  });
});
