/**
 * The program that evaluates code in a sandbox, statement after statement, as a terminal would: the
 * variables of one evaluation are there in the next.
 *
 * It runs inside, as its own Deno. Code that it evaluates may do with it whatever it likes, so
 * nothing that it says is believed but as data.
 *
 * @module
 */

import { decodeValue, encodeValue } from "./values.ts";

/** The fds by which it is asked and answers. */
export const ASKED = 3;
export const ANSWERED = 4;

/** One question: code to be evaluated, or a function to be called with a list of values. */
export interface Question {
  readonly id: number;
  readonly code?: string;
  readonly call?: string;
  /** The values as text: see `encodeValue`. */
  readonly values?: string;
}

/** Its answer: the value as text, or what was thrown. */
export interface Answer {
  readonly id: number;
  readonly value?: string;
  readonly thrown?: string;
}

/** The source of the program. Modules of Node's are Deno's own inside; hull itself uses none. */
export function driverSource(): string {
  const [inspector, modules] = ["inspector", "module"].map((name) => `"node:${name}"`);
  return `// evaluates code for the program outside
import { Session } from ${inspector};
import { stripTypeScriptTypes } from ${modules};
const encode = ${encodeValue};
const decode = ${decodeValue};
const TAKE = Symbol();
let taken;
Object.defineProperty(globalThis, Symbol.for("taken by hull"), { value: (it) => taken = it });
const session = new Session();
session.connect();
const post = (method, params) => new Promise((resolve, reject) =>
  session.post(method, params, (error, result) => error ? reject(error) : resolve(result)));
const AsyncFunction = (async () => {}).constructor;
const emit = (code) => {
  try { return stripTypeScriptTypes(code, { mode: "transform" }); } catch { return code; }
};
const isExpression = (code) => {
  try { new AsyncFunction("return (" + code + "\\n)"); return true; } catch { return false; }
};
const NAMES = /^(\\s*)import\\s+(?:([\\w$]+)\\s*,?\\s*)?(?:\\*\\s*as\\s+([\\w$]+)\\s+)?(?:\\{([^}]*)\\}\\s*)?from\\s*(["'][^"']+["'])(?:\\s+with\\s*(\\{[^}]*\\}))?;?/gm;
const imports = (code) => code
  .replace(/^(\\s*)import\\s*(["'][^"']+["'])\\s*;?/gm, "$1await import($2);")
  .replace(NAMES, (_, space, whole, all, names, from, with_) => {
    const call = "await import" + "(" + from + (with_ ? ", { with: " + with_ + " }" : "") + ")";
    const parts = (names ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("type "))
      .map((name) => name.replace(/\\s+as\\s+/, ": "));
    if (whole) parts.unshift("default: " + whole);
    return space + (all ? "const " + all + " = " + call + ";" : "") +
      (parts.length > 0 || !all ? "const { " + parts.join(", ") + " } = " + (all ?? call) + ";" : "");
  });
const evaluate = async (code) => {
  const text = /^\\s*\\{/.test(code) && isExpression(code) ? "(" + code + "\\n)" : imports(emit(code));
  const { result, exceptionDetails } = await post("Runtime.evaluate", {
    expression: text, replMode: true, awaitPromise: true,
  });
  const value = await take(exceptionDetails?.exception ?? result);
  if (exceptionDetails) throw value;
  return value;
};
const take = async ({ type, value, objectId, unserializableValue }) => {
  if (objectId === undefined) {
    if (unserializableValue === undefined) return type === "undefined" ? undefined : value;
    return type === "bigint" ? BigInt(unserializableValue.slice(0, -1)) : Number(unserializableValue);
  }
  await post("Runtime.callFunctionOn", {
    objectId, functionDeclaration: 'function () { "use strict"; globalThis[Symbol.for("taken by hull")](this); }',
  });
  await post("Runtime.releaseObject", { objectId });
  return taken;
};
const answer = async ({ id, code, call, values }) => {
  try {
    const value = call === undefined ? await evaluate(code)
      : await (await evaluate("(" + call + "\\n)"))(...decode(values));
    return { id, value: encode(value) };
  } catch (thrown) {
    try { return { id, thrown: encode(thrown) }; }
    catch { return { id, thrown: encode(new Error(String(thrown))) }; }
  }
};
const out = await Deno.open("/proc/self/fd/${ANSWERED}", { write: true });
const asked = await Deno.open("/proc/self/fd/${ASKED}");
const say = async (text) => {
  let rest = new TextEncoder().encode(text + "\\n");
  while (rest.length > 0) rest = rest.subarray(await out.write(rest));
};
let rest = "";
for await (const piece of asked.readable.pipeThrough(new TextDecoderStream())) {
  const lines = piece.split("\\n");
  rest += lines.shift();
  if (lines.length === 0) continue;
  lines.unshift(rest);
  rest = lines.pop();
  for (const line of lines) await say(JSON.stringify(await answer(JSON.parse(line))));
}
Deno.exit(0);
`;
}
