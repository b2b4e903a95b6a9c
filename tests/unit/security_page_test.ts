/** SECURITY.md names tests that are there, and try what they are named for. @module */

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
const PAGE = Deno.readTextFileSync(new URL("SECURITY.md", ROOT));
const NAME = /CVE-\d+-\d+/g;

/** A row of its table: which faults, and what tries them. */
function rows(): { readonly faults: readonly string[]; readonly tests: readonly string[] }[] {
  return PAGE.split("\n").filter((line) => /^\| CVE-/.test(line)).map((line) => {
    const tests = [...line.matchAll(/\]\((tests\/[^)]+)\)/g)].map(([, path = ""]) => path);
    return { faults: line.match(NAME) ?? [], tests };
  });
}

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

Deno.test("each fault in SECURITY.md is tried by the tests that its row names", () => {
  assert(rows().length > 20);
  for (const { faults, tests } of rows()) {
    assert(tests.length > 0, faults.join());
    for (const path of tests) {
      const text = read(path);
      assert(faults.some((fault) => text.includes(fault)), `${path} tries none of ${faults}`);
    }
    const all = tests.map(read).join();
    assertEquals(faults.filter((fault) => !all.includes(fault)), [], "no test names these");
  }
});

Deno.test("each fault that a test names is in SECURITY.md", () => {
  const folder = new URL("tests/security/", ROOT);
  const named = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    Deno.readTextFileSync(new URL(name, folder)).match(NAME) ?? []
  );
  assertEquals([...new Set(named)].filter((name) => !PAGE.includes(name)), []);
});
