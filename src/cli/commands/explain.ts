/** `hull explain`. @module */

import { CATALOGUE, type Found, lookUp } from "../../failures/catalogue/catalogue.ts";
import { type Command, isOn } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import { nearest } from "../flags/suggest.ts";

const WIDTH = 80;

/** Explains a word of an error. */
export const command: Command = {
  synopsis: "[code | step | errno]",
  description:
    "Explains a word of an error: its code, such as InitFailed, the step that it names in brackets,\n" +
    "or its errno, such as ENOENT: what it means, what it mostly comes from, and what to do.\n" +
    "Without a word it lists them all.",
  flags: [{ name: "json", summary: "print it as JSON" }],
  arity: [0, 1],
  onlyLooks: true,
  run({ flags, args, output }) {
    const [asked] = args;
    const found = asked === undefined ? all() : lookUp(asked.replace(/^[[(]?(step )?|[\])]$/g, ""));
    if (asked !== undefined && found.length === 0) throw unknown(asked);
    if (isOn(flags, "json")) {
      output.printJson(found.map(({ chapter, word, explanation }) => ({
        word,
        kind: chapter.title.toLowerCase().slice(0, -1),
        ...explanation,
      })));
    } else output.print(asked === undefined ? listed() : found.map(explained).join("\n"));
    return 0;
  },
};

function all(): Found[] {
  return CATALOGUE.flatMap(({ words }) => Object.keys(words).flatMap(lookUp));
}

function unknown(asked: string): Error {
  const words = all().map(({ word }) => word);
  const small = nearest(asked.toLowerCase(), words.map((word) => word.toLowerCase()));
  const near = words.find((word) => word.toLowerCase() === small);
  return usageError(
    `no error has the code, step or errno ${JSON.stringify(asked)}`,
    near === undefined ? "hull explain lists them all" : `did you mean hull explain ${near}?`,
  );
}

function listed(): string {
  return CATALOGUE.map(({ title, words }) => {
    const names = Object.keys(words).join(", ");
    return `${title}:\n${wrapped(names, "  ")}`;
  }).join("\n") + "\nhull explain WORD tells about one of them.\n";
}

function explained({ word, explanation: { meaning, causes, remedies } }: Found): string {
  const items = (texts: readonly string[]) => texts.map((text) => wrapped(text, "    ", "  - "));
  return [
    wrapped(`${word}: ${meaning}`, ""),
    "\nusual causes:\n",
    ...items(causes),
    "\nwhat to do:\n",
    ...items(remedies),
  ].join("");
}

/** A text in lines that fit a terminal. */
function wrapped(text: string, indent: string, first = indent): string {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(" ")) {
    const isFull = line.length + word.length > WIDTH && line.trim() !== "" && line !== first;
    if (isFull) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n") + "\n";
}
