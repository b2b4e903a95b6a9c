import { assert, assertEquals } from "@std/assert";
import { OWN_WORDS } from "../../../../../src/cli/output/own_words.ts";

Deno.test("every hint that is put in other words is one that the library gives", () => {
  const given = new Set(literals("src"));
  for (const hint of OWN_WORDS.keys()) assert(given.has(hint), hint);
});

Deno.test("no hint with the library's words is left as it is", () => {
  const words =
    /set ignorePaused|with force|cgroup driver|the driver |re-executed init|load it|Factory\.list/;
  const left = literals("src").filter((text) => words.test(text) && !OWN_WORDS.has(text));
  assertEquals(left, []);
});

/** What follows `hint:` in the library's sources. */
function literals(folder: string): string[] {
  const root = new URL(`../../../../../${folder}`, import.meta.url).pathname;
  const texts: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(root)) {
    if (isDirectory) {
      if (name !== "cli") texts.push(...literals(`${folder}/${name}`));
      continue;
    }
    const source = Deno.readTextFileSync(`${root}/${name}`);
    for (const [, text] of source.matchAll(/hint:\s*"([^"]*)"/g)) texts.push(text as string);
  }
  return texts;
}
