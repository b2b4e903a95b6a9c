import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { command } from "../../../../src/cli/commands/explain.ts";
import type { Invocation } from "../../../../src/cli/flags/command.ts";
import { Output } from "../../../../src/cli/output/output.ts";
import { ContainerError } from "../../../../src/errors.ts";

/** What it prints. */
function explain(args: readonly string[], flags: Invocation["flags"] = {}): string {
  let text = "";
  const sink = {
    writeSync(bytes: Uint8Array) {
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
    isTerminal: () => false,
  };
  const output = new Output({
    format: "text",
    debug: false,
    caller: { stdout: sink, stderr: sink },
  });
  assertEquals(command.run({ args, flags, output } as unknown as Invocation), 0);
  return text;
}

Deno.test("explain takes a code, a step and an errno, as they stand in the line", () => {
  for (const word of ["InitFailed", "initfailed", "[step exec]", "exec", "ENOENT", "enoent"]) {
    const text = explain([word]);
    assertStringIncludes(text, "\nusual causes:\n  - ");
    assertStringIncludes(text, "\nwhat to do:\n  - ");
    assert(text.split("\n").every((line) => line.length <= 81), text);
  }
  assertStringIncludes(explain([]), "ConfigInvalid, ");
  const [json] = JSON.parse(explain(["mounts"], { json: true }));
  assertEquals([json.word, json.kind], ["mounts", "step"]);
  assert(JSON.parse(explain([], { json: true })).length > 60);
});

Deno.test("explain names the nearest word", () => {
  const refuse = (word: string) => assertThrows(() => explain([word]), ContainerError).hint;
  assertEquals(refuse("enoemt"), "did you mean hull explain ENOENT?");
  assertEquals(refuse("configinvald"), "did you mean hull explain ConfigInvalid?");
  assertEquals(refuse("xxxxxxxxxxxxxxxx"), "hull explain lists them all");
});
