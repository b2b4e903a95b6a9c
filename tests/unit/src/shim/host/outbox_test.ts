import { assert, assertEquals } from "@std/assert";
import { Outbox } from "../../../../../src/shim/host/outbox.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const texts = (outbox: Outbox) => outbox.waiting.map((bytes) => decoder.decode(bytes));

function testWithFile(name: string, act: (path: string) => void): void {
  Deno.test(name, () => {
    const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
    try {
      act(`${folder}/events`);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

testWithFile("what has not arrived when a program is killed waits for the next one", (path) => {
  using killed = new Outbox(path);
  for (const text of ["a", "b", "c", "d"]) killed.add(encoder.encode(text));
  killed.shift();
  killed.shift();
  using next = new Outbox(path);
  assertEquals(texts(next), ["c", "d"]);
  next.shift();
  next.add(encoder.encode("e"));
  using last = new Outbox(path);
  assertEquals(texts(last), ["d", "e"]);
});

testWithFile("a program that is killed while it writes has not said that", (path) => {
  using killed = new Outbox(path);
  killed.add(encoder.encode("whole"));
  const { size } = Deno.statSync(path);
  killed.add(encoder.encode("cut short"));
  Deno.truncateSync(path, size + 7);
  using next = new Outbox(path);
  assertEquals(texts(next), ["whole"]);
  next.add(encoder.encode("later"));
  using last = new Outbox(path);
  assertEquals(texts(last), ["whole", "later"]);
});

testWithFile("the file does not grow with what has arrived", (path) => {
  using outbox = new Outbox(path);
  outbox.add(encoder.encode("first"));
  for (let k = 0; k < 3000; k++) {
    outbox.add(new Uint8Array(100));
    outbox.shift();
  }
  outbox.add(encoder.encode("last"));
  assert(Deno.statSync(path).size < 100_000);
  using next = new Outbox(path);
  assertEquals(texts(next).at(-1), "last");
  assertEquals(next.waiting.length, 2);
});
