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

import { LONGEST } from "./messages.ts";
import { decodeValue, encodeThrown, encodeValue, GLOBALS } from "./values.ts";

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

/** Neither can code change it nor have a variable of its name. */
const HULL = "takenByHull";

/** What is left of a message for the text of a value, in bytes. */
const MOST = LONGEST - 1024;

/**
 * Deno's own console without the inspector's part, which keeps some 4 KiB of each call for ever: a
 * repl without a terminal never reads what it tells of them (Deno 2.9).
 */
const OWN_CONSOLE = `const Console = Deno[Deno.internal]?.Console;
  if (typeof Console === "function") {
    const { stdout, stderr } = Deno;
    const encoder = new TextEncoder();
    const plain = new Console((text, level) => {
      const to = level > 1 ? stderr : stdout;
      try {
        for (let rest = encoder.encode(text); rest.length > 0;) {
          rest = rest.subarray(to.writeSync(rest));
        }
      } catch { /* nobody reads it */ }
    });
    for (const key of Object.keys(console)) {
      if (typeof plain[key] === "function") console[key] = plain[key];
    }
  }`;

/**
 * What is evaluated first. The engine's own getters for the last value and its classes are kept:
 * code may have variables of their names. An error that nobody catches, as of a timer, is told on
 * the error output and goes no further, as in a terminal: Deno would wait for ever (2.9).
 */
export const SETUP: string = `(() => {
  const { Blob, ${GLOBALS.join(", ")} } = globalThis;
  const JSON = { parse: globalThis.JSON.parse, stringify: globalThis.JSON.stringify };
  const last = Object.getOwnPropertyDescriptor(globalThis, "_").get;
  const thrown = Object.getOwnPropertyDescriptor(globalThis, "_error").get;
  const encodeValue = ${encodeValue};
  const encodeThrown = ${encodeThrown};
  const decode = ${decodeValue};
  const fits = (text) => // as JSON a letter takes three bytes at most
    text.length < ${MOST} / 3 ||
    text.length < ${MOST} && new Blob([JSON.stringify(text)]).size < ${MOST};
  const fitting = (text) => {
    if (fits(text)) return text;
    throw new RangeError("a value that takes more than 64 MiB as text can't be passed on");
  };
  let it; // what "_" gives: for the engine the last value is the text
  const set = (value) => Object.defineProperty(globalThis, "_", {
    value, configurable: true, enumerable: true, writable: true,
  });
  Object.defineProperty(globalThis, "_", { configurable: true, get: () => it, set });
  const value = async () => {
    it = await last();
    try {
      return fitting(encodeValue(it));
    } catch (error) {
      // That of "import 'a module';", whose functions nobody has asked for.
      if (Object.prototype.toString.call(it) === "[object Module]") return encodeValue(undefined);
      throw error;
    }
  };
  const told = () => {
    const text = encodeThrown(thrown());
    return fits(text) ? text : encodeValue(new Error("what was thrown is larger than 64 MiB"));
  };
  const hull = Object.freeze({ value, told, decode });
  Object.defineProperty(globalThis, "${HULL}", { value: hull });
  ${OWN_CONSOLE}
  const { error: tell } = console;
  addEventListener("error", (event) => {
    event.preventDefault();
    try {
      tell("Uncaught", event.error);
    } catch { /* it can't be told */ }
  });
})()`;

/** Evaluates to the text of the value before, awaited. */
export const VALUE: string = `await ${HULL}.value()`;

/** Evaluates to the text of what was thrown before. */
export const THROWN: string = `${HULL}.told()`;

/**
 * Code that calls a function.
 *
 * @param fn its name, or its source
 * @param values the list of its arguments as text: see `encodeValue`
 */
export function callOf(fn: string, values: string): string {
  return `await (${fn}\n)(...${HULL}.decode(${JSON.stringify(values)}))`;
}
