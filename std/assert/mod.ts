/**
 * Assertions: a stand-in with the published signatures of `@std/assert`, for hosts that can't reach
 * its registry.
 *
 * @module
 */

export { AssertionError } from "./assertion_error.ts";
export { equal } from "./equal.ts";
export * from "./throws.ts";
export * from "./values.ts";
