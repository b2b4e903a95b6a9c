import { assertEquals } from "@std/assert";
import { handOver } from "../../../scripts/hand_over.ts";
import { inSources } from "../../../src/cli/output/source_map.ts";
import { scratchFolder } from "../../fixtures/bundle.ts";

const FIRST = "var a=1;function b(){return a+c.d}class c{static d=2}export{a as $,b as $a,c as x," +
  "b as start};\n";
const LATE = 'import{e as f}from"./aside.js";import{$ as g,$a,x as h}from"./hull.js";' +
  "class i extends h{}export const m0=[g,$a(),i.d,f];";
const ASIDE = 'import{$a as k}from"./hull.js";var e=k();export{e};';
/** `class i` is at line 8, column 3 of the source. */
const MAPPINGS = "uEAOE;A";

Deno.test("what the files have is what they had, and only what others than they take is exported", async () => {
  const others = {
    "late.js": { text: LATE, mappings: MAPPINGS },
    "aside.js": { text: ASIDE, mappings: "" },
  };
  const made = handOver(FIRST, others);
  using scratch = scratchFolder();
  Deno.writeTextFileSync(`${scratch.path}/hull.js`, made.first);
  for (const [name, { text }] of Object.entries(made.others)) {
    Deno.writeTextFileSync(`${scratch.path}/${name}`, text);
  }
  const late = await import(`file://${scratch.path}/late.js`) as { readonly m0: readonly number[] };
  assertEquals(late.m0, [1, 3, 2, 3]);
  const first = await import(`file://${scratch.path}/hull.js`) as Record<string, unknown>;
  assertEquals(Object.keys(first).sort(), ["ofFirst", "start"]);
});

Deno.test("a place in a file that takes from the list has its place in the source", () => {
  const { text, mappings } = handOver(FIRST, {
    "late.js": { text: LATE, mappings: MAPPINGS },
  }).others["late.js"] ?? { text: "", mappings: "" };
  const placeIn = (generated: string, map: string) => {
    const column = generated.indexOf("class i") + 1;
    const found = { version: 3, sources: ["src/a.ts"], mappings: map };
    return inSources(`at file:///late.js:1:${column}`, () => JSON.stringify(found));
  };
  assertEquals(placeIn(LATE, MAPPINGS), "at src/a.ts:8:3");
  assertEquals(placeIn(text, mappings), "at src/a.ts:8:3");
  const before = `at file:///late.js:1:${text.indexOf("class i")}`;
  const map = JSON.stringify({ version: 3, sources: ["src/a.ts"], mappings });
  assertEquals(inSources(before, () => map), before);
});
