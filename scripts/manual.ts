/**
 * Writes hull's manual pages, or a shell's completion, as files for an installation:
 * `deno run -A scripts/manual.ts FOLDER` makes FOLDER/man/man1/*.1 and what bash, zsh and fish look
 * for below FOLDER.
 *
 * @module
 */

import { COMMANDS } from "../src/cli/command_table.ts";
import { bashCompletion } from "../src/cli/completion/bash.ts";
import { fishCompletion } from "../src/cli/completion/fish.ts";
import { grammarOf } from "../src/cli/completion/grammar.ts";
import { zshCompletion } from "../src/cli/completion/zsh.ts";
import { GLOBAL_FLAGS } from "../src/cli/global_flags.ts";
import { manualPages } from "../src/cli/manual/pages.ts";

const [folder] = Deno.args;
if (folder === undefined) throw new Error("name the folder, such as /usr/local/share");
const program = { commands: COMMANDS, flags: GLOBAL_FLAGS };
const grammar = await grammarOf(program);
const files: readonly (readonly [path: string, text: string])[] = [
  ...(await manualPages(program)).map(({ file, text }) => [`man/man1/${file}`, text] as const),
  ["bash-completion/completions/hull", bashCompletion(grammar)],
  ["zsh/site-functions/_hull", zshCompletion(grammar)],
  ["fish/vendor_completions.d/hull.fish", fishCompletion(grammar)],
];
for (const [path, text] of files) {
  const whole = `${folder}/${path}`;
  Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
  const fresh = `${whole}.new-${Deno.pid}`;
  Deno.writeTextFileSync(fresh, text);
  Deno.renameSync(fresh, whole); // who reads it sees the old one or the new one
}
