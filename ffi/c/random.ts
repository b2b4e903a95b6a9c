/**
 * Numbers that nobody can guess.
 *
 * @module
 */

import { checked, libc } from "./libc.ts";
import { addressOf } from "./memory.ts";

/**
 * So many random bytes as hexadecimal digits, from the kernel: getrandom(2). The engine's `crypto`
 * takes ten times as long at its first use, and each start needs some.
 *
 * @param count at most 256, which the kernel gives whole
 * @throws {SyscallError}
 */
export function randomHex(count: number): string {
  const bytes = new Uint8Array(count);
  checked("getrandom", libc.getrandom(Number(addressOf(bytes)), count));
  return bytes.toHex();
}
