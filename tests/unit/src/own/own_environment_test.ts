import { assertEquals } from "@std/assert";
import { callers, ownEnvironment } from "../../../../src/own/own_environment.ts";

Deno.test("what the launcher set is gone, and what it took away is there again", () => {
  const seen = [
    "HOME=/root",
    "DENO_DIR=/cache",
    "DENO_NO_UPDATE_CHECK=1",
    "HULL_CALLER=7",
    "HULL_CALLER_NODE_OPTIONS=--require=a",
    "HULL_CALLER_DENO_DIR=",
    "odd",
  ];
  assertEquals(callers(seen), ["HOME=/root", "NODE_OPTIONS=--require=a", "DENO_DIR=", "odd"]);
});

Deno.test("the marks of another process's launcher mean nothing", () => {
  Deno.env.set("HULL_CALLER", String(Deno.ppid));
  Deno.env.set("DENO_NO_UPDATE_CHECK", "1");
  try {
    assertEquals(ownEnvironment().includes("DENO_NO_UPDATE_CHECK=1"), true);
  } finally {
    Deno.env.delete("HULL_CALLER");
  }
});
