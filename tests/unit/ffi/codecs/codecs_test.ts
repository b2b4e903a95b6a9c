import { assertEquals, assertRejects } from "@std/assert";
import { gunzip, GzipError } from "../../../../ffi/codecs/gunzip.ts";
import { Hasher } from "../../../../ffi/codecs/sha256.ts";
import { openZstd } from "../../../../ffi/codecs/zstd.ts";
import { gzip, joined } from "../../../fixtures/tar.ts";

const WAYS = { library: new Hasher(), engine: new Hasher([]) };

for (const [name, hasher] of Object.entries(WAYS)) {
  Deno.test(`a hash of pieces is that of the whole (${name})`, async () => {
    for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 65_536]) {
      const bytes = crypto.getRandomValues(new Uint8Array(size));
      const whole = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
      for (const step of [1, 7, 64, 100, 65_536]) {
        if (size / step > 2000) continue;
        using hash = hasher.begin();
        for (let at = 0; at < size; at += step) hash.update(bytes.slice(at, at + step));
        assertEquals(hash.hex(), whole, `${size} bytes by ${step}`);
      }
    }
  });
}

async function* cut(
  bytes: Uint8Array<ArrayBuffer>,
  step: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.slice(at, at + step);
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const kept: Uint8Array[] = [];
  for await (const piece of pieces) kept.push(piece.slice());
  return joined(kept);
}

for (const library of ["libz.so.1", "none"]) {
  Deno.test(`gzip gives back what went in, and a broken one is an error (${library})`, async () => {
    const bytes = new Uint8Array(30_000).map((_, k) => k * k >> 8);
    const packed = await gzip(bytes);
    for (const step of [1, 1000, packed.length]) {
      assertEquals(await all(gunzip(cut(packed, step), library)), bytes);
    }
    for (const broken of [packed.slice(0, -5), packed.slice(1), packed.with(30, 255)]) {
      await assertRejects(() => all(gunzip(cut(broken, 1000), library)), GzipError);
    }
  });
}

Deno.test("a host without libzstd is told by nothing to open", () => {
  assertEquals(openZstd("libnone.so"), undefined);
});
