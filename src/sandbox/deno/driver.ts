/**
 * How Deno evaluates code in a sandbox, statement after statement, as a terminal would: the variables
 * of one evaluation are there in the next.
 *
 * It is Deno's own `deno repl --json`, which is asked by messages on its first further fd: four bytes
 * that tell how long it is, then JSON. It answers with a text alone, so it is asked twice: to evaluate,
 * then for a text of the value or of what was thrown. (An inspector session in a program of hull's own
 * panicked now and then when garbage was collected: Deno 2.9.)
 *
 * Code that it evaluates may do with it whatever it likes, so nothing that it says is believed but as
 * data.
 *
 * @module
 */

import { decodeValue, encodeValue } from "./values.ts";

/** The words by which Deno is called for that. */
export function driverArgs(args: readonly string[]): readonly string[] {
  return ["repl", "--quiet", "--json", "--allow-all", "--no-lock", "--", ...args];
}

/** What it answers. */
export type Said =
  | { readonly type: "RunSuccess"; readonly output: string | null }
  /** Something was thrown. */
  | { readonly type: "RunFailure" }
  /** The code is none. */
  | { readonly type: "Error"; readonly error: string };

const HULL = `globalThis[Symbol.for("taken by hull")]`;

/**
 * What is evaluated first. The engine's own getters for the last value are kept: code may have
 * variables of their names.
 */
export const SETUP: string =
  `Object.defineProperty(globalThis, Symbol.for("taken by hull"), { value: {
  last: Object.getOwnPropertyDescriptor(globalThis, "_").get,
  thrown: Object.getOwnPropertyDescriptor(globalThis, "_error").get,
  encode: ${encodeValue},
  decode: ${decodeValue},
} }); undefined`;

/** Evaluates to the text of the value before, awaited. */
export const VALUE: string = `${HULL}.encode(await ${HULL}.last())`;

/** Evaluates to the text of what was thrown before. */
export const THROWN: string =
  `(() => { const it = ${HULL}.thrown(); try { return ${HULL}.encode(it); } ` +
  `catch { return ${HULL}.encode(new Error(String(it))); } })()`;

/**
 * Code that calls a function.
 *
 * @param fn its name, or its source
 * @param values the list of its arguments as text: see `encodeValue`
 */
export function callOf(fn: string, values: string): string {
  return `await (${fn}\n)(...${HULL}.decode(${JSON.stringify(values)}))`;
}
