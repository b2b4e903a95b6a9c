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
    "HULL_CALLER_HOME=/home",
    "odd",
  ];
  assertEquals(callers(seen), ["HOME=/home", "DENO_DIR=", "odd", "NODE_OPTIONS=--require=a"]);
  assertEquals(callers(["HOME=/cache", "PATH=/bin"]), ["PATH=/bin"]);
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

Deno.test("variables keep the caller's order, and what this program sets comes last", () => {
  const names = Array.from({ length: 12 }, (_, k) => `V${k * 7 % 12}`);
  const code = `import { ownEnvironment } from ${
    JSON.stringify(new URL("../../../../src/own/own_environment.ts", import.meta.url).href)
  };
    Deno.env.set("LATE", "1");
    Deno.env.set("V3", "changed");
    Deno.env.delete("V4");
    console.log(ownEnvironment().filter((entry) => /^(V|LATE)/.test(entry)).join(" "));`;
  const { stdout } = new Deno.Command("env", {
    args: ["-i", ...names.map((name) => `${name}=`), Deno.execPath(), "eval", "--no-lock", code],
  }).outputSync();
  const expected = names.filter((name) => name !== "V4").map((name) =>
    name === "V3" ? "V3=changed" : `${name}=`
  );
  assertEquals(new TextDecoder().decode(stdout).trim(), [...expected, "LATE=1"].join(" "));
});
