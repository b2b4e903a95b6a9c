import { posix } from "node:path";
import { assertEquals } from "@std/assert";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "./mod.ts";

const PATHS = [
  "/",
  ".",
  "..",
  "a",
  "a/",
  "./a",
  "../a",
  "/a",
  "/a/",
  "/a/b/..",
  "/a/../../b",
  "a//b///c",
  "a/./b/../c",
  "../../a/..",
  "/a.txt",
  "a/b.txt/",
];

Deno.test("paths come out as the platform's own functions have them", () => {
  for (const path of PATHS) {
    assertEquals(normalize(path), posix.normalize(path), `normalize ${path}`);
    // The platform keeps slashes at a folder's end, @std does not.
    const folder = posix.dirname(path).replace(/(?<=.)\/+$/, "");
    assertEquals(dirname(path), folder, `dirname ${path}`);
    assertEquals(basename(path), posix.basename(path), `basename ${path}`);
    assertEquals(basename(path, ".txt"), posix.basename(path, ".txt"), `basename ${path}`);
    assertEquals(isAbsolute(path), posix.isAbsolute(path), `isAbsolute ${path}`);
    assertEquals(resolve(path), posix.resolve(path), `resolve ${path}`);
    for (const other of PATHS) {
      assertEquals(join(path, other), posix.join(path, other), `join ${path} ${other}`);
      assertEquals(resolve("/base", path, other), posix.resolve("/base", path, other));
    }
  }
});
