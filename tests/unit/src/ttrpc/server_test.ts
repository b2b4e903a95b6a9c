import { assertEquals, assertRejects } from "@std/assert";
import type { Fd } from "../../../../ffi/files/file.ts";
import { acceptStream, listenAt } from "../../../../ffi/sockets/unix_listener.ts";
import { connectStream } from "../../../../ffi/sockets/unix_socket.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { decode, encode } from "../../../../src/protobuf/message.ts";
import { ProtobufError } from "../../../../src/protobuf/wire.ts";
import { Channel } from "../../../../src/ttrpc/channel.ts";
import { TtrpcClient } from "../../../../src/ttrpc/client.ts";
import { FRAME, frameBytes, FrameReader } from "../../../../src/ttrpc/frame.ts";
import { CODE, REQUEST, RESPONSE, StatusError } from "../../../../src/ttrpc/messages.ts";
import { type Methods, serveConnection } from "../../../../src/ttrpc/server.ts";
import { forSeeds } from "../../../fixtures/random.ts";

/** A server in a folder of its own, with what its handlers wait for. */
class Bench implements AsyncDisposable {
  readonly poller = new Poller();
  readonly gate = Promise.withResolvers<void>();
  readonly aborted: string[] = [];
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  readonly #listener: Fd;
  readonly #served: Promise<void>[] = [];
  readonly #serving: Promise<void>;

  constructor() {
    this.#listener = listenAt(this.path);
    this.#serving = this.#serve();
  }

  get path(): string {
    return `${this.#folder}/s`;
  }

  /** A connection of which the test sends and reads the bytes. */
  raw(): Channel {
    return new Channel(connectStream(this.path) as Fd, this.poller);
  }

  client(): Promise<TtrpcClient> {
    return TtrpcClient.connect(this.path, this.poller);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.poller.cancel(this.#listener);
    this.#listener.close();
    await Promise.all([this.#serving, ...this.#served]);
    this.poller[Symbol.dispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }

  readonly #methods: Methods = (service, method) => {
    if (service !== "test.Echo") return undefined;
    if (method === "Echo") return (payload) => Promise.resolve(payload);
    if (method === "Fail") {
      return () => Promise.reject(new StatusError("FailedPrecondition", "not now"));
    }
    if (method === "Break") return () => Promise.reject(new Error("broken"));
    if (method !== "Wait") return undefined;
    return async (payload, { signal, metadata }) => {
      signal.addEventListener("abort", () => this.aborted.push(signal.reason.code));
      await this.gate.promise;
      return metadata.has("name") ? new TextEncoder().encode(metadata.get("name")) : payload;
    };
  };

  async #serve(): Promise<void> {
    while (this.#listener.isOpen) {
      const socket = acceptStream(this.#listener);
      if (socket === undefined) await this.poller.wait(this.#listener);
      else {
        const toStatus = (error: unknown) =>
          error instanceof StatusError ? error : new StatusError(
            error instanceof ProtobufError ? "InvalidArgument" : "Unknown",
            `${error}`,
          );
        this.#served.push(serveConnection(socket, this.poller, this.#methods, toStatus));
      }
    }
  }
}

const text = (words: string) => new TextEncoder().encode(words);
const echo = (method: string, words: string, timeoutMs = 20_000) => ({
  service: "test.Echo",
  method,
  payload: text(words),
  timeoutMs,
});

Deno.test("an answer comes back, also a large one, and while others wait", async () => {
  await using bench = new Bench();
  using client = await bench.client();
  const waiting = client.call({ ...echo("Wait", "w"), metadata: { name: "of metadata" } });
  const large = "x".repeat(3 << 20);
  const answers = await Promise.all(
    ["a", large, "", "b"].map((words) => client.call(echo("Echo", words))),
  );
  assertEquals(answers.map((bytes) => new TextDecoder().decode(bytes)), ["a", large, "", "b"]);
  bench.gate.resolve();
  assertEquals(new TextDecoder().decode(await waiting), "of metadata");
});

Deno.test("failures have their codes", async () => {
  await using bench = new Bench();
  using client = await bench.client();
  const codes = ["Fail", "Break", "Nothing"].map(async (method) => {
    const error = await assertRejects(() => client.call(echo(method, "")), StatusError);
    return error.code;
  });
  assertEquals(await Promise.all(codes), ["FailedPrecondition", "Unknown", "Unimplemented"]);
});

Deno.test("a call whose time is over is answered, and its handler is told", async () => {
  await using bench = new Bench();
  using client = await bench.client();
  using own = bench.raw();
  const request = encode(REQUEST, {
    service: "test.Echo",
    method: "Wait",
    timeoutNano: 1_000_000n,
  });
  own.send(frameBytes(1, FRAME.request, request));
  assertEquals(await statusOf(own), CODE.DeadlineExceeded);
  assertEquals(bench.aborted, ["DeadlineExceeded"]);
  await client.call(echo("Echo", "")); // the others go on
});

Deno.test("a peer that leaves ends its calls, and harms no other", async () => {
  await using bench = new Bench();
  using client = await bench.client();
  const other = client.call(echo("Wait", "kept"));
  const own = bench.raw();
  own.send(frameBytes(1, FRAME.request, encode(REQUEST, { service: "test.Echo", method: "Wait" })));
  own.send(frameBytes(3, FRAME.request, encode(REQUEST, { service: "test.Echo", method: "Echo" })));
  await own.receive(); // by then the first call has begun
  own.send(Uint8Array.of(0, 0)); // a frame that never gets whole
  own[Symbol.dispose]();
  await client.call(echo("Echo", ""));
  bench.gate.resolve();
  assertEquals(new TextDecoder().decode(await other), "kept");
  assertEquals(bench.aborted, ["Canceled"]);
});

Deno.test("a message that is too large is refused, and the next one is read", async () => {
  await using bench = new Bench();
  using own = bench.raw();
  own.send(frameBytes(1, FRAME.request, new Uint8Array((4 << 20) + 1)));
  assertEquals(await statusOf(own), CODE.ResourceExhausted);
  own.send(frameBytes(3, FRAME.request, encode(REQUEST, { service: "test.Echo", method: "Echo" })));
  assertEquals(await statusOf(own), undefined);
});

Deno.test("numbers that are no new stream's, and requests that are none, are refused", async () => {
  await using bench = new Bench();
  using own = bench.raw();
  const request = encode(REQUEST, { service: "test.Echo", method: "Wait" });
  own.send(frameBytes(2, FRAME.request, request));
  assertEquals(await statusOf(own), CODE.InvalidArgument);
  own.send(frameBytes(1, FRAME.request, request));
  own.send(frameBytes(1, FRAME.request, request));
  assertEquals(await statusOf(own), CODE.InvalidArgument);
  own.send(frameBytes(3, FRAME.request, Uint8Array.of(0xff)));
  assertEquals(await statusOf(own), CODE.InvalidArgument);
  bench.gate.resolve();
});

Deno.test("frames are the same however their bytes are cut", () => {
  forSeeds(200, (random) => {
    const sent = Array.from({ length: random.below(6) }, (_, k) => ({
      stream: 2 * k + 1,
      data: random.bytes(random.below(40)),
    }));
    const bytes = sent.flatMap(({ stream, data }) => [...frameBytes(stream, FRAME.request, data)]);
    const reader = new FrameReader();
    const got: { stream: number; data: unknown }[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + random.below(30);
      for (const { stream, data } of reader.take(Uint8Array.from(bytes.slice(at, end)))) {
        got.push({ stream, data });
      }
      at = end;
    }
    assertEquals(got, sent);
  });
});

/** The code in the next answer. */
async function statusOf(channel: Channel): Promise<number | undefined> {
  const reader = new FrameReader();
  for (;;) {
    const bytes = await channel.receive();
    if (bytes === undefined) throw new Error("the connection is closed");
    for (const { data } of reader.take(bytes)) {
      return decode(RESPONSE, data as Uint8Array<ArrayBuffer>).status?.code;
    }
  }
}
