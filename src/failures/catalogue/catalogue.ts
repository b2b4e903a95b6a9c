/**
 * The catalogue of what can stand in an error: its code, the step, the errno.
 *
 * @module
 */

import { CODES } from "./codes.ts";
import { ERRNOS } from "./errnos.ts";
import type { Explanation } from "./explanation.ts";
import { STEPS } from "./steps.ts";

/** One kind of words. */
export interface Chapter {
  readonly title: string;
  /** Where such a word stands in an error. */
  readonly place: string;
  readonly words: Readonly<Record<string, Explanation>>;
}

/** All of them. */
export const CATALOGUE: readonly Chapter[] = [
  {
    title: "Codes",
    place: "`code` of a `ContainerError` and of a line of `--log-format json`; it stays the same " +
      "from release to release.",
    words: CODES,
  },
  {
    title: "Steps",
    place: "`[step …]` in the line, in the order in which they happen.",
    words: STEPS,
  },
  {
    title: "Errnos",
    place: "behind the system call in the line: what the kernel answered.",
    words: ERRNOS,
  },
];

/**
 * The explanations of a word, in whatever case it is written; a word may be a step and something
 * else.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { lookUp } from "./catalogue.ts";
 *
 * assert(lookUp("hookfailed")[0]?.word === "HookFailed");
 * assert(lookUp("enoent")[0]?.chapter.title === "Errnos");
 * assert(lookUp("nothing").length === 0);
 * ```
 */
export function lookUp(asked: string): readonly Found[] {
  const same = asked.toLowerCase();
  return CATALOGUE.flatMap((chapter) =>
    Object.entries(chapter.words)
      .filter(([word]) => word.toLowerCase() === same)
      .map(([word, explanation]) => ({ chapter, word, explanation }))
  );
}

/** A word that was found. */
export interface Found {
  readonly chapter: Chapter;
  readonly word: string;
  readonly explanation: Explanation;
}
