/**
 * Bytes as C sees them: NUL-terminated strings, addresses, and structures by offset.
 *
 * @module
 */

import { EINVAL, SyscallError } from "./errno.ts";
import { encodeRaw } from "./raw_text.ts";

const decoder = new TextDecoder();

/**
 * A string as C wants it, with a NUL at the end: UTF-8, or other bytes as {@linkcode encodeRaw} has
 * them.
 *
 * @throws {SyscallError} EINVAL if the string holds a NUL, at which C would cut it short
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encodeRaw(withoutNul(text) + "\0");
}

/** Strings one after another, each as of {@linkcode cString}. Throws what that throws. */
export function cStrings(texts: readonly string[]): Uint8Array<ArrayBuffer> {
  return encodeRaw(texts.map((text) => withoutNul(text) + "\0").join(""));
}

function withoutNul(text: string): string {
  if (!text.includes("\0")) return text;
  throw new SyscallError("string with a NUL byte", EINVAL, visible(text));
}

/** The string before the first NUL of `bytes`, or all of it. */
export function fromCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The address of a buffer's first byte; valid while the buffer is reachable. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

function visible(text: string): string {
  return text.slice(0, 200).replaceAll("\0", "\\0");
}

/** Whether two values are of one length and equal. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, k) => byte === b[k]);
}
