import { assertEquals } from "@std/assert";
import { lastWins, withHome } from "../../../../../init/steps/process/program_environment.ts";

Deno.test("a variable that is named twice is there once, with its last value", () => {
  assertEquals(lastWins(["A=1", "B=", "A=2=3", "B=4"]), ["A=2=3", "B=4"]);
});

Deno.test("what is no variable takes no variable's place", () => {
  const odd = ["PATH=/bin", "PATHX", "PATH", "=x", "", "=y"];
  assertEquals(lastWins(odd), odd);
});

Deno.test("an empty HOME is none", () => {
  assertEquals(withHome(["HOME=", "A=1"], "/home/web"), ["HOME=/home/web", "A=1"]);
  assertEquals(withHome(["HOME=/own"], "/home/web"), ["HOME=/own"]);
  assertEquals(withHome(["HOMEX=", "HOM"], undefined), ["HOMEX=", "HOM", "HOME=/"]);
});
