/**
 * Values as words of a shell's command.
 *
 * Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { type ShellPlace, ShellReader } from "./shell_place.ts";

/**
 * The text of a command with each substitution as one word, which the shell never takes for
 * anything else; an array is a word for each of its values. In quotes of the command a substitution
 * is text in these quotes.
 *
 * @throws {ContainerError} `ConfigInvalid` for an object, a text with a NUL, an escape such as
 *   `\400`, and in places where the shell would not take the text for what it is
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shellCommand } from "./shell_words.ts";
 *
 * const command = (strings: TemplateStringsArray, ...values: unknown[]) =>
 *   shellCommand(strings, values);
 * assertEquals(command`rm ${["a b", "$(x)"]} ${3}`, "rm 'a b' '$(x)' 3");
 * assertEquals(command`echo "this: ${"$(x)"}"`, 'echo "this: \\$(x)"');
 * ```
 */
export function shellCommand(
  strings: readonly (string | undefined)[],
  substitutions: readonly unknown[],
): string {
  const reader = new ShellReader();
  return strings.map((text, k) => {
    if (text === undefined) throw unfit("the command has an escape that JavaScript does not know");
    if (k === substitutions.length) return text;
    reader.read(text);
    const value = substitutions[k];
    const words = (Array.isArray(value) ? value : [value]).map(textOf);
    const written = words.map((word) => WRITTEN[reader.place](word)).join(" ");
    reader.passWord();
    return `${text}${written}`;
  }).join("");
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "object" || typeof value === "function" || typeof value === "symbol") {
    throw unfit(`${typeof value}s are no words of a command`);
  }
  const text = String(value);
  if (text.includes("\0")) throw unfit("a word of a command can't hold a NUL");
  return text;
}

/** What means the same wherever it stands. */
const PLAIN = /^[\w/.:@%+,-]+$/;

const WRITTEN: Readonly<Record<ShellPlace, (text: string) => string>> = {
  word: (text) => PLAIN.test(text) ? text : `'${inSingle(text)}'`,
  double: (text) => text.replace(/[\\"$`]/g, "\\$&"),
  single: inSingle,
  unsafe(text) {
    if (PLAIN.test(text)) return text;
    throw new ContainerError(
      "ConfigInvalid",
      `${JSON.stringify(text.slice(0, 40))} can't be written where it would stand in the command`,
      {
        hint: "in a comment, `…`, $((…)), $'…', a here-document, and behind a $ or a backslash, " +
          "pass it as a variable: sh`…`.env(name, value)",
      },
    );
  },
};

function inSingle(text: string): string {
  return text.replaceAll("'", `'\\''`);
}

function unfit(why: string): ContainerError {
  return new ContainerError("ConfigInvalid", why, {
    hint: "substitute texts, numbers, or arrays of them, and write \\\\ for a backslash",
  });
}
