/** The source maps of the bundle's files. @module */

import { assertEquals, assertNotEquals } from "@std/assert";
import { inSources } from "../../src/cli/output/source_map.ts";
import { BUNDLER } from "../fixtures/installation.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** What a file begins with that is of no source: it takes what others give away. */
const HEAD = /^(?:import[{"][^;]*;|const fromFirst=[^;]*;)+/;

testWhere(BUNDLER, "a file's first place is where its own text begins", () => {
  const root = fromFileUrl(new URL("../../.hull/", import.meta.url));
  const bundle = `${root}${Deno.readTextFileSync(`${root}bundle`).trim()}`;
  const sets = [...Deno.readDirSync(`${bundle}/src`)].map(({ name }) => `${bundle}/src/${name}`);
  const files = sets.flatMap((set) =>
    [...Deno.readDirSync(set)].map(({ name }) => `${set}/${name}`)
  ).filter((path) => path.endsWith(".js"));
  const heads = files.flatMap((path) => {
    const [head] = HEAD.exec(Deno.readTextFileSync(path)) ?? [];
    return head === undefined ? [] : [[path, head.length] as const];
  });
  assertNotEquals(heads, []);
  const isMapped = (path: string, column: number) =>
    !inSources(`at file://${path}:1:${column}`).includes("file:");
  const seen = heads.map(([path, end]) => [path, isMapped(path, end), isMapped(path, end + 1)]);
  assertEquals(seen, heads.map(([path]) => [path, false, true]));
});
