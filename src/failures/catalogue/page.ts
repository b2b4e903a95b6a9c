/**
 * The catalogue as the page docs/errors.md.
 *
 * @module
 */

import { CATALOGUE } from "./catalogue.ts";

const BEGINNING = `# What errors mean

\`hull explain WORD\` prints what stands here of a word: the code of an error, the step in brackets,
or the errno. This page is made from the same catalogue, in src/failures/catalogue.

An error is one line: what failed, the system call with its path and errno, the step, the field of
the config, and behind the last semicolon what to do.

\`\`\`text
hull: cannot mount tmpfs at /data: invalid argument: fsconfig(/data): EINVAL [step mounts] [config /mounts/7]
\`\`\`
`;

/** The page, in Markdown. */
export function catalogueText(): string {
  const parts = CATALOGUE.map(({ title, place, words }) => {
    const entries = Object.entries(words).map(([word, { meaning, causes, remedies }]) =>
      [
        `### \`${word}\`\n`,
        `${escaped(meaning)}\n`,
        "Usual causes:\n",
        causes.map((cause) => `- ${escaped(cause)}\n`).join(""),
        "What to do:\n",
        remedies.map((remedy) => `- ${escaped(remedy)}\n`).join(""),
      ].join("\n")
    );
    return `## ${title}\n\nStand in ${place}\n\n${entries.join("\n")}`;
  });
  return [BEGINNING, ...parts].join("\n");
}

/** As Markdown would not take it for something of its own. */
function escaped(text: string): string {
  return text.replaceAll(/[*_<>[\]]/g, (mark) => `\\${mark}`);
}
