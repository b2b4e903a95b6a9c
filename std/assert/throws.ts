/** Assertions about what is thrown. @module */

import { AssertionError, show, withMessage } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any -- as published: the constructor's arguments are its own
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** The function throws; gives what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** The function throws an error of the class, whose message holds the text; gives it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  classOrMessage?: ErrorClass<E> | string,
  messageIncludes?: string,
  msg?: string,
): unknown {
  const own = typeof classOrMessage === "string" ? classOrMessage : msg;
  try {
    fn();
  } catch (error) {
    return check(error, classOrMessage, messageIncludes, own);
  }
  throw new AssertionError(withMessage("Expected the function to throw", own));
}

/** The promise is rejected; gives what it was rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** The promise is rejected with an error of the class, whose message holds the text; gives it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  classOrMessage?: ErrorClass<E> | string,
  messageIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const own = typeof classOrMessage === "string" ? classOrMessage : msg;
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
    await promise;
  } catch (error) {
    if (promise === undefined) {
      throw new AssertionError(withMessage("Expected a rejection, the function threw", own), {
        cause: error,
      });
    }
    return check(error, classOrMessage, messageIncludes, own);
  }
  throw new AssertionError(withMessage("Expected the promise to be rejected", own));
}

function check<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | string | undefined,
  messageIncludes: string | undefined,
  own: string | undefined,
): unknown {
  if (typeof errorClass !== "function") return error;
  if (!(error instanceof errorClass)) {
    const summary = `Expected an error of ${errorClass.name}, got ${show(error)}`;
    throw new AssertionError(withMessage(summary, own), { cause: error });
  }
  if (messageIncludes !== undefined && !error.message.includes(messageIncludes)) {
    const summary = `Expected the error's message to include ${show(messageIncludes)}, got ` +
      show(error.message);
    throw new AssertionError(withMessage(summary, own), { cause: error });
  }
  return error;
}
