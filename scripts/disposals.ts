/**
 * Keeps what is declared with `using` disposed of in a bundle. The bundler puts the value of a
 * variable that is used once where it is used, also where the variable is there to be disposed of:
 * `using file = open(path); return size(file);` becomes `return size(open(path))`, and the file stays
 * open. A declaration that ends with another variable is left as it is, and one whose value nobody can
 * know beforehand is never left out.
 *
 * @module
 */

const DECLARATION = /\busing \w+ = /g;

/** Of the further variable: undefined, so that nothing is disposed of. No engine has such a word. */
const VALUE = "Deno.no";

/**
 * How many declarations a program has that {@linkcode keepDisposals} has seen, each with what it is
 * for still before the further variable.
 */
export function countDisposals(program: string): number {
  return program.match(/, ?[\w$]+ ?= ?Deno\.no\b/g)?.length ?? 0;
}

/**
 * The source with a further variable in each declaration; all lines keep their numbers.
 *
 * @throws {Error} if a declaration has no end
 */
export function keepDisposals(source: string): string {
  let kept = "";
  let done = 0;
  for (const { index, 0: head } of source.matchAll(DECLARATION)) {
    if (isComment(source, index)) continue;
    const end = endOfStatement(source, index + head.length);
    kept += `${source.slice(done, end)}, kept_${index} = ${VALUE}`;
    done = end;
  }
  return kept + source.slice(done);
}

function isComment(source: string, index: number): boolean {
  return /^\s*(?:\*|\/\/|\/\*)/.test(source.slice(source.lastIndexOf("\n", index) + 1, index));
}

/** The semicolon that ends a statement: the first outside of brackets and quotes. */
function endOfStatement(source: string, from: number): number {
  let depth = 0;
  for (let k = from; k < source.length; k++) {
    const character = source[k] as string;
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    else if (character === '"' || character === "`") k = endOfQuote(source, k);
    else if (character === ";" && depth === 0) return k;
  }
  throw new Error(`no end of the statement at ${from}`);
}

/** The quote that ends the one at `from`; what is put into a template counts as a part of it. */
function endOfQuote(source: string, from: number): number {
  for (let k = from + 1; k < source.length; k++) {
    if (source[k] === "\\") k++;
    else if (source[k] === source[from]) return k;
  }
  throw new Error(`no end of the quote at ${from}`);
}
