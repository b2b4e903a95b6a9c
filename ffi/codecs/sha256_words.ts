/**
 * SHA-256 computed by the engine, for hosts without libcrypto.
 *
 * Source: FIPS 180-4, sections 4 to 6.
 *
 * @module
 */

const BLOCK = 64;

/** The first 32 bits of the fractional part of each root of the first primes. */
function rootsOfPrimes(count: number, root: (prime: number) => number): Int32Array {
  const words: number[] = [];
  for (let n = 2; words.length < count; n++) {
    if (isPrime(n)) words.push(Math.floor((root(n) % 1) * 2 ** 32) | 0);
  }
  return Int32Array.from(words);
}

function isPrime(n: number): boolean {
  for (let k = 2; k * k <= n; k++) if (n % k === 0) return false;
  return true;
}

const ROUNDS = rootsOfPrimes(64, Math.cbrt);
const BEGINNING = rootsOfPrimes(8, Math.sqrt);

/** A hash that is being made. */
export class Sha256Words implements Disposable {
  readonly #state: Int32Array = BEGINNING.slice();
  readonly #schedule = new Int32Array(64);
  readonly #rest = new Uint8Array(BLOCK);
  #size = 0;

  /** Takes further bytes. */
  update(bytes: Uint8Array): void {
    let at = 0;
    const held = this.#size % BLOCK;
    this.#size += bytes.length;
    if (held > 0) {
      at = Math.min(BLOCK - held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), held);
      if (held + at < BLOCK) return;
      this.#block(this.#rest, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#block(bytes, at);
    this.#rest.set(bytes.subarray(at));
  }

  /** The hash of all bytes so far, as 64 hexadecimal digits; no more can follow. */
  hex(): string {
    const bits = BigInt(this.#size) * 8n;
    const end = new Uint8Array(((this.#size + 9 + BLOCK - 1) & ~(BLOCK - 1)) - this.#size);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(end.length - 8, bits);
    this.update(end);
    const hash = new Uint8Array(32);
    const view = new DataView(hash.buffer);
    this.#state.forEach((word, k) => view.setInt32(k * 4, word));
    return hash.toHex();
  }

  #block(bytes: Uint8Array, start: number): void {
    const w = this.#schedule;
    const h = this.#state;
    const byte = (at: number) => bytes[at] as number;
    for (let i = 0, at = start; i < 16; i++, at += 4) {
      w[i] = byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15] as number;
      const y = w[i - 2] as number;
      const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
      const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
      w[i] = (w[i - 16] as number) + s0 + (w[i - 7] as number) + s1 | 0;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, last = 0] = h;
    for (let i = 0; i < 64; i++) {
      const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
      const choice = e & f ^ ~e & g;
      const t1 = last + s1 + choice + (ROUNDS[i] as number) + (w[i] as number) | 0;
      const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
      const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
      [last, g, f, e] = [g, f, e, d + t1 | 0];
      [d, c, b, a] = [c, b, a, t1 + t2 | 0];
    }
    [a, b, c, d, e, f, g, last].forEach((word, k) => h[k] = (h[k] as number) + word | 0);
  }

  /** Holds nothing. */
  [Symbol.dispose](): void {}
}
