/**
 * Arguments as the 64-bit words of operations.
 *
 * @module
 */

import { OPERATION_SIZE, RESULT_OFFSET } from "./trampoline.ts";
import type { Layout } from "./layout.ts";
import type { Argument, Words } from "./operation.ts";

/** Whether the value is read from memory at the time of the call; a result's always is. */
function isRead(argument: object): boolean {
  return "heldIn" in argument || "fault" in argument;
}

/** Turns arguments into the 64-bit words of the operations. */
export class Encoder {
  readonly #base: number;
  readonly #halves: Int32Array;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #layout: Layout;
  readonly #labels: ReadonlyMap<string, number>;
  readonly #outputs: Map<string, Uint8Array>;

  /**
   * Encodes for one program.
   *
   * @param bytes its memory
   * @param base its address
   * @param labels the positions of its labelled operations
   * @param outputs gets its spaces, by name
   */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    base: number,
    layout: Layout,
    labels: ReadonlyMap<string, number>,
    outputs: Map<string, Uint8Array>,
  ) {
    this.#base = base;
    this.#halves = new Int32Array(bytes.buffer, 0, bytes.length >> 2);
    this.#bytes = bytes;
    this.#layout = layout;
    this.#labels = labels;
    this.#outputs = outputs;
  }

  /** Writes 64 bits over zeros. Most are small numbers, and no BigInt is made for those. */
  set(at: number, word: number | bigint): void {
    const half = at >> 2;
    if (typeof word === "bigint") {
      this.#halves[half] = Number(BigInt.asIntN(32, word));
      this.#halves[half + 1] = Number(BigInt.asIntN(32, word >> 32n));
      return;
    }
    this.#halves[half] = word; // modulo 2^32
    if (word < 0 || word >= 2 ** 32) this.#halves[half + 1] = Math.floor(word / 2 ** 32);
  }

  /** Writes an operation's arguments; the bits say which are addresses of their value. */
  setArguments(at: number, args: readonly Argument[]): number {
    let indirect = 0;
    for (let k = 0; k < args.length; k++) {
      const argument = args[k] as Argument;
      if (typeof argument === "number") {
        if (argument !== 0) this.set(at + 8 * k, argument); // over zeros
      } else if (typeof argument === "object" && "result" in argument) {
        indirect |= 1 << k;
        this.set(at + 8 * k, this.#resultAt(argument.result));
      } else {
        if (typeof argument === "object" && isRead(argument)) indirect |= 1 << k;
        this.set(at + 8 * k, this.#word(argument));
      }
    }
    return indirect;
  }

  /** The address of an operation's result. */
  #resultAt(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new RangeError(`no operation is labelled ${label}`);
    return this.#base + index * OPERATION_SIZE + RESULT_OFFSET;
  }

  #word(argument: Argument): number | bigint {
    if (typeof argument === "string") return this.#base + this.#layout.offset(argument);
    if (typeof argument === "number" || typeof argument === "bigint") return argument;
    if (argument instanceof Uint8Array) return this.#base + this.#layout.offset(argument);
    if ("result" in argument) return this.#resultAt(argument.result);
    if ("fault" in argument) return 0;
    if ("self" in argument) {
      if (argument.self === "address") return this.#base;
      return argument.self === "length" ? this.#layout.operationsSize : this.#bytes.length;
    }
    if ("field" in argument) return Number(this.#word(argument.field)) + argument.offset;
    if ("heldIn" in argument) return Number(this.#word(argument.heldIn)) + argument.offset;
    if ("placeOf" in argument) return this.#resultAt(argument.placeOf);
    const offset = this.#layout.offset(argument);
    if ("words" in argument) this.#fill(argument, offset);
    else this.#outputs.set(argument.name, this.#bytes.subarray(offset, offset + argument.space));
    return this.#base + offset;
  }

  #fill({ words }: Words, offset: number): void {
    words.forEach((word, k) => this.set(offset + 8 * k, this.#word(word)));
  }
}
