/**
 * Why a call of Deno's failed, in the system's words only.
 *
 * @module
 */

/**
 * The reason, without the number and the call that Deno adds: `No such file or directory`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { reason } from "./reason.ts";
 *
 * const error = new Error("Permission denied (os error 13): readfile '/x'");
 * assertEquals(reason(error), "Permission denied");
 * ```
 */
export function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const match = /^(.*) \(os error \d+\)/.exec(message);
  return match?.[1] ?? message;
}
