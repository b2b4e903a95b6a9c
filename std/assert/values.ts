/** Assertions about values. @module */

import { AssertionError, show, withMessage } from "./assertion_error.ts";
import { diff } from "./diff.ts";
import { equal } from "./equal.ts";

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(withMessage("Failed assertion", msg));
}

/** Fails where the code should not come. */
export function unreachable(msg?: string): never {
  throw new AssertionError(withMessage("Unreachable", msg));
}

/** The value is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** The value is falsy. */
export function assertFalse(expr: unknown, msg = ""): void {
  if (expr) throw new AssertionError(msg);
}

/** The values are equal all the way down. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  const difference = diff(show(actual), show(expected));
  const summary = withMessage("Values are not equal", msg);
  throw new AssertionError(`${summary}\n\n    [Diff] - Actual / + Expected\n\n${difference}\n`);
}

/** The values are not equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(withMessage(`Expected values other than ${show(actual)}`, msg));
}

/** The values are the same one. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const difference = diff(show(actual), show(expected));
  throw new AssertionError(`${withMessage("Values are not strictly equal", msg)}\n${difference}`);
}

/** The value is neither null nor undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(withMessage(`Expected a value, got ${actual}`, msg));
}

/** The value is of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any -- as published: the constructor's arguments are its own
  expectedType: abstract new (...args: any[]) => T,
  msg?: string,
): asserts actual is T {
  if (actual instanceof expectedType) return;
  const summary = `Expected an instance of ${expectedType.name}, got ${show(actual)}`;
  throw new AssertionError(withMessage(summary, msg));
}

/** The text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} to match ${expected}`, msg));
}

/** The text does not match. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} not to match ${expected}`, msg));
}

/** The text holds the other. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    withMessage(`Expected ${show(actual)} to include ${show(expected)}`, msg),
  );
}

/** The list holds all of the other. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((item) => !all.some((each) => equal(each, item)));
  if (missing.length === 0) return;
  throw new AssertionError(
    withMessage(`Expected ${show(all)} to include ${show(missing)}`, msg),
  );
}

/** The object has the other's fields, at any depth. */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pick(actual, expected), expected, msg);
}

function pick(actual: unknown, expected: unknown): unknown {
  if (!isPlain(actual) || !isPlain(expected)) return actual;
  const keys = Reflect.ownKeys(expected).filter((key) => key in actual);
  return Object.fromEntries(keys.map((key) => [key, pick(actual[key], expected[key])]));
}

function isPlain(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first is greater. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} > ${show(expected)}`, msg));
}

/** The first is greater or equal. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} >= ${show(expected)}`, msg));
}

/** The first is less. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} < ${show(expected)}`, msg));
}

/** The first is less or equal. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(withMessage(`Expected ${show(actual)} <= ${show(expected)}`, msg));
}
