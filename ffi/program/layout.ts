/**
 * Where the things lie that a program's operations point to.
 *
 * @module
 */

import { cStrings } from "../c/memory.ts";
import type { Argument } from "./operation.ts";

/** Gives each thing that is passed by address its place behind the operations, strings last. */
export class Layout {
  /** How many bytes the operations take. */
  readonly operationsSize: number;
  readonly #offsets = new Map<Argument, number>();
  readonly #bytes: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  readonly #texts = new Set<string>();
  #size: number;

  /** Nothing has a place yet. */
  constructor(operationsSize: number) {
    this.operationsSize = operationsSize;
    this.#size = operationsSize;
  }

  /** Makes room for a string. */
  addText(text: string): void {
    this.#texts.add(text);
  }

  /** Makes room for what an argument points to, and for what that points to. */
  add(argument: Argument): void {
    if (typeof argument === "string") this.addText(argument);
    else if (typeof argument !== "object" || this.#offsets.has(argument)) return;
    else if (argument instanceof Uint8Array) {
      this.#bytes.push({ offset: this.#size, bytes: argument });
      this.#place(argument, argument.length);
    } else if ("space" in argument) this.#place(argument, argument.space);
    else if ("field" in argument) this.add(argument.field);
    else if ("heldIn" in argument) this.add(argument.heldIn);
    else if ("words" in argument) {
      for (const word of argument.words) this.add(word);
      this.#place(argument, 8 * argument.words.length);
    }
  }

  /** Where something lies, in bytes from the start of the program. */
  offset(argument: Argument): number {
    return this.#offsets.get(argument) ?? 0;
  }

  /**
   * The program's memory, with the strings and bytes in it. Each string is put down once; all of
   * them are encoded together.
   */
  allocate(): Uint8Array<ArrayBuffer> {
    const texts = cStrings([...this.#texts]);
    const all = new Uint8Array(this.#size + texts.length);
    for (const { offset, bytes } of this.#bytes) all.set(bytes, offset);
    all.set(texts, this.#size);
    let offset = this.#size;
    for (const text of this.#texts) {
      this.#offsets.set(text, offset);
      offset = all.indexOf(0, offset) + 1;
    }
    return all;
  }

  #place(argument: Argument, size: number): void {
    this.#offsets.set(argument, this.#size);
    this.#size += (size + 7) & ~7;
  }
}
