import { assertEquals, assertThrows } from "@std/assert";
import { batchesOf, filesOf } from "../../../hosts/batches.ts";
import { Refusal } from "../../../hosts/refusal.ts";

const PROJECT = new URL("../../../..", import.meta.url).pathname.replace(/\/$/, "");
const WISH = { sections: [], files: [], filter: "" };

Deno.test("without a word the sections that depend on the host are all run", () => {
  const files = filesOf(WISH, PROJECT);
  for (const folder of ["tests/unit/", "std/", "tests/integration/", "tests/security/"]) {
    assertEquals(files.some((file) => file.startsWith(folder)), true, folder);
  }
  assertEquals(files.every((file) => file.endsWith("_test.ts")), true);
  assertEquals(new Set(files).size, files.length);
});

Deno.test("a section has its own files, and files that are named are all", () => {
  const clients = filesOf({ ...WISH, sections: ["clients"] }, PROJECT);
  assertEquals(clients.every((file) => file.startsWith("tests/clients/")), true);
  const files = ["tests/unit/a_test.ts"];
  assertEquals(filesOf({ ...WISH, files }, PROJECT), files);
});

Deno.test("an ordinary user has the tests that need no root", () => {
  const files = filesOf(WISH, PROJECT, "rootless");
  for (const name of ["run", "rootless", "rootless_mounts"]) {
    assertEquals(files.includes(`tests/integration/${name}_test.ts`), true, name);
  }
  assertEquals(files.some((file) => /cgroup|security|clients|unit/.test(file)), false);
  assertThrows(
    () => filesOf({ ...WISH, sections: ["clients"] }, PROJECT, "rootless"),
    Refusal,
    "no tests for an ordinary user",
  );
});

Deno.test("a section that no host changes is refused", () => {
  assertThrows(
    () => filesOf({ ...WISH, sections: ["lint"] }, PROJECT),
    Refusal,
    "lint is the same",
  );
});

Deno.test("each file is in one machine, and a name is looked for in one", () => {
  assertEquals(batchesOf(["a", "b", "c"], 2, ""), [["a", "b"], ["c"]]);
  assertEquals(batchesOf(["a", "b", "c"], 2, "a name"), [["a", "b", "c"]]);
});
