/**
 * What becomes of a command whose resident is killed while it does it. The client becomes the
 * launcher then, with `--left-by-resident` before its other words: hull finds what has been done already.
 *
 * @module
 */

import type { Operation } from "../../../ffi/program/operation.ts";
import { LEFT_FLAG, type Stage } from "../caller/caller.ts";
import { type ClientAddresses, WORDS_SIZE } from "./client_program.ts";

const WORD = 8;

/** How far the command has come. */
export interface Left {
  readonly stage: Stage;
  /** The numbers of children that the process had before, with blanks between them. */
  readonly others: string;
}

/** The words of a process in its own memory. */
export interface WordsInMemory {
  /** The address of the first. */
  readonly address: bigint;
  /** How many bytes each has, with the NUL behind it. */
  readonly sizes: readonly number[];
}

/**
 * What the client keeps: the address of the new words, then they themselves.
 *
 * @returns undefined if it can't keep so many
 */
export function resumingWords(
  { words: place }: ClientAddresses,
  { address, sizes }: WordsInMemory,
  { stage, others }: Left,
): Uint8Array<ArrayBuffer> | undefined {
  const flag = new TextEncoder().encode(`--${LEFT_FLAG}=${stage} ${others}\0`);
  const count = sizes.length + 2; // the flag, and the NULL at the end
  if (count * WORD + flag.length > WORDS_SIZE * WORD) return undefined;
  const bytes = new Uint8Array(WORD + count * WORD + flag.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, place, true);
  let at = address;
  let index = 0;
  const add = (word: bigint) => view.setBigUint64(WORD + WORD * index++, word, true);
  for (const [k, size] of sizes.entries()) {
    add(at);
    if (k === 0) add(place + BigInt(count * WORD));
    at += BigInt(size);
  }
  bytes.set(flag, WORD + count * WORD);
  return bytes;
}

/** Takes them from the next message. */
export function receiveWords(
  { words, wordsAt }: ClientAddresses,
  { length }: Uint8Array,
): Operation {
  const parts = { words: [wordsAt, WORD, words, length - WORD] };
  const header = { words: [0, 0, parts, 2, 0, 0, 0] };
  return { syscall: "recvmsg", args: [{ result: "socket" }, header, 0], onError: "continue" };
}
