/**
 * Makes what the bundle's first file gives away cheap. Each name that a module exports costs a
 * microsecond when it is loaded, needed or not, and the first file has some hundred for those beside
 * it. So it gives them in one list, which is made when another file asks for it.
 *
 * @module
 */

/** A file's text, and the mappings of its source map. */
export interface Generated {
  readonly text: string;
  readonly mappings: string;
}

const GIVEN = /export\{([^}]*)\};\s*$/;
const TAKEN = /import\{([^}]*)\}from"\.\/hull\.js";/;

/**
 * The first file with a list in place of the names that the others take, and the others so that they
 * take them from the list. None of these names may be assigned again behind the first file's end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { handOver } from "./hand_over.ts";
 *
 * const { first } = handOver("var a=1,b=2;export{a as x,b as start};", {
 *   "late.js": { text: 'import{x as y}from"./hull.js";y();', mappings: "" },
 * });
 * assertEquals(first, "var a=1,b=2;function ofFirst(){return[a]}export{b as start,ofFirst};\n");
 * ```
 */
export function handOver(
  first: string,
  others: Readonly<Record<string, Generated>>,
): { readonly first: string; readonly others: Readonly<Record<string, Generated>> } {
  const taken = new Set(
    Object.values(others).flatMap(({ text }) =>
      namesIn(TAKEN.exec(text)?.[1] ?? "").map(([name]) => name)
    ),
  );
  const [end = "", list = ""] = GIVEN.exec(first) ?? [];
  const given = namesIn(list);
  const inList = given.filter(([, name]) => taken.has(name));
  const kept = given.filter(([, name]) => !taken.has(name));
  const places = new Map(inList.map(([, name], place) => [name, place]));
  const exports = [...kept.map(([local, name]) => `${local} as ${name}`), "ofFirst"].join();
  const body = first.slice(0, first.length - end.length);
  const locals = inList.map(([local]) => local).join();
  return {
    first: `${body}function ofFirst(){return[${locals}]}export{${exports}};\n`,
    others: Object.fromEntries(
      Object.entries(others).map(([name, other]) => [name, takeOver(other, places)]),
    ),
  };
}

function takeOver({ text, mappings }: Generated, places: ReadonlyMap<string, number>): Generated {
  const [all, list = ""] = TAKEN.exec(text) ?? [];
  if (all === undefined) return { text, mappings };
  const names = namesIn(list).map(([name, local]) => `${local}=fromFirst[${places.get(name)}]`);
  const head = `import{ofFirst}from"./hull.js";const ${["fromFirst=ofFirst()", ...names].join()};`;
  return {
    text: text.replace(all, () => head),
    mappings: moved(mappings, head.length - all.length),
  };
}

/** `a as b,c`: pairs of both names. */
export function namesIn(list: string): (readonly [string, string])[] {
  return list.split(",").filter((each) => each !== "").map((each) => {
    const [first = "", second = first] = each.split(" as ");
    return [first, second];
  });
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CONTINUES = 32;

/**
 * Mappings of a text whose first line begins some columns later, or earlier. Each column of a line is
 * told as the distance from the one before, so only the first one changes: a number in base64 VLQ, five
 * bits a digit, the lowest first, of which the very lowest is the sign.
 */
export function moved(mappings: string, columns: number): string {
  if (mappings === "" || mappings.startsWith(";")) return mappings;
  let [column, end] = [0, 0];
  for (let shift = 0, digit = CONTINUES; (digit & CONTINUES) !== 0; shift += 5, end++) {
    digit = DIGITS.indexOf(mappings.charAt(end));
    column += (digit & (CONTINUES - 1)) << shift;
  }
  return numberOf(column + 2 * columns) + mappings.slice(end);
}

function numberOf(bits: number): string {
  const rest = bits >> 5;
  const digit = bits & (CONTINUES - 1);
  return rest === 0 ? DIGITS.charAt(digit) : DIGITS.charAt(digit | CONTINUES) + numberOf(rest);
}
