/**
 * Waits that an AbortSignal ends. They reject with the signal's reason, as those of the platform
 * do.
 *
 * @module
 */

import { timerMs } from "./timers.ts";

/** What may be cut short. */
export interface AbortOptions {
  /** Cuts it short: what was begun is undone, and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for something, or for the abort. At the abort the work itself goes on, and its result is
 * dropped.
 *
 * @param release called at the abort, before this rejects
 * @throws the signal's reason
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { unlessAborted } from "./abort.ts";
 *
 * const never = new Promise<void>(() => {});
 * await assertRejects(() => unlessAborted(never, AbortSignal.abort(new Error("enough"))), Error);
 * ```
 */
export function unlessAborted<Result>(
  happening: Promise<Result>,
  signal: AbortSignal | undefined,
  release: () => void = () => {},
): Promise<Result> {
  if (signal === undefined) return happening;
  return new Promise((resolve, reject) => {
    const abort = () => {
      signal.removeEventListener("abort", abort);
      release();
      reject(signal.reason);
    };
    const forget = () => signal.removeEventListener("abort", abort);
    happening.then(resolve, reject).finally(forget);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}

/**
 * Lets some time pass.
 *
 * @throws the signal's reason
 */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timerMs(milliseconds));
  await unlessAborted(promise, signal, () => clearTimeout(timer));
}

/** Waits for something, but no longer than some time; says whether it came. */
export async function comesWithin(
  happening: Promise<unknown>,
  milliseconds: number,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timerMs(milliseconds));
  try {
    return await Promise.race([happening.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Gives the event loop one turn, so that a loop which may run for ever does not stop other work.
 */
export async function turn(): Promise<void> {
  await pause(0);
}

/** Calls back at the abort, or at once if that has happened already. Ends with the scope. */
export function onAbort(signal: AbortSignal | undefined, act: () => void): Disposable {
  if (signal?.aborted === true) act();
  else signal?.addEventListener("abort", act);
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", act) };
}
