/**
 * Values as words of a shell's command.
 *
 * Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";

/**
 * The text of a command with each substitution as one word, which the shell never takes for
 * anything else; an array is a word for each of its values.
 *
 * @throws {ContainerError} `ConfigInvalid` for an object, a text with a NUL, or an escape such as `\400`
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shellCommand } from "./shell_words.ts";
 *
 * const command = (strings: TemplateStringsArray, ...values: unknown[]) =>
 *   shellCommand(strings, values);
 * assertEquals(command`rm ${["a b", "$(x)"]} ${3}`, "rm 'a b' '$(x)' 3");
 * ```
 */
export function shellCommand(
  strings: readonly (string | undefined)[],
  substitutions: readonly unknown[],
): string {
  return strings.map((text, k) => {
    if (text === undefined) throw unfit("the command has an escape that JavaScript does not know");
    if (k === substitutions.length) return text;
    const value = substitutions[k];
    const words = Array.isArray(value) ? value.map(shellWord) : [shellWord(value)];
    return `${text}${words.join(" ")}`;
  }).join("");
}

function shellWord(value: unknown): string {
  if (value === undefined || value === null) return "''";
  if (typeof value === "object" || typeof value === "function" || typeof value === "symbol") {
    throw unfit(`${typeof value}s are no words of a command`);
  }
  const text = String(value);
  if (text.includes("\0")) throw unfit("a word of a command can't hold a NUL");
  if (/^[\w/.:@%+,-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function unfit(why: string): ContainerError {
  return new ContainerError("ConfigInvalid", why, {
    hint: "substitute texts, numbers, or arrays of them, and write \\\\ for a backslash",
  });
}
