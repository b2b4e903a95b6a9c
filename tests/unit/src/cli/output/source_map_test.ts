import { assertEquals } from "@std/assert";
import { inSources } from "../../../../../src/cli/output/source_map.ts";

Deno.test("each place of a stack is that of the last segment before it, by a map read once", () => {
  const map = {
    version: 3,
    sources: ["ffi/a.ts", "src/b.ts"],
    // line 1: column 0 is a.ts:1:1, 10 is b.ts:5:3; line 2: column 2 is b.ts:6:3, 20 is a.ts:1:17
    mappings: "AAAA,UCIE;EACA,kBDLc",
  };
  let reads = 0;
  const read = (path: string) => {
    if (path !== "/b/hull.js") return undefined;
    reads++;
    return JSON.stringify(map);
  };
  const stack = [
    "Error: x",
    "at f (file:///b/hull.js:1:10)",
    "at async g (file:///b/hull.js:1:11)",
    "at file:///b/hull.js:2:3",
    "at new H (file:///b/hull.js:2:400)",
    "at h (file:///b/hull.js:9:1)",
    "at i (file:///b/other.js:1:1)",
    "at j (ext:core/01_core.js:1:1)",
  ].join("\n");
  assertEquals(inSources(stack, read).split("\n"), [
    "Error: x",
    "at ffi/a.ts:1:1",
    "at async src/b.ts:5:3",
    "at src/b.ts:6:3",
    "at new ffi/a.ts:1:17",
    "at h (file:///b/hull.js:9:1)",
    "at i (file:///b/other.js:1:1)",
    "at j (ext:core/01_core.js:1:1)",
  ]);
  assertEquals(reads, 1);
});
