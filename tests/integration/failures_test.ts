/**
 * What a new user reads when something goes wrong: real failures, each provoked here, with the line
 * that hull prints. HULL_UPDATE_GOLDEN=1 writes tests/integration/failures anew. Read each line that
 * changed as somebody who knows the container, but not hull: does it tell what to do next?
 */

import { assert, assertEquals } from "@std/assert";
import { COMMAND_LINES } from "../fixtures/failures/command_lines.ts";
import { CONFIGS } from "../fixtures/failures/configs.ts";
import { LIBRARY, LIVES, prepareLives, removeAlien } from "../fixtures/failures/lives.ts";
import { RESOURCES } from "../fixtures/failures/resources.ts";
import { type FailureCase, PREFIX, Stage, UP } from "../fixtures/failures/stage.ts";
import { STARTS } from "../fixtures/failures/starts.ts";
import { SURROUNDINGS } from "../fixtures/failures/surroundings.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

const GROUPS: Readonly<Record<string, readonly FailureCase[]>> = {
  command_lines: COMMAND_LINES,
  configs: CONFIGS,
  starts: STARTS,
  resources: RESOURCES,
  surroundings: SURROUNDINGS,
  lives: LIVES,
  library: LIBRARY,
};

/** The golden texts of a group, by the cases' names. */
function golden(group: string): Map<string, string> {
  const texts = read(group).split("\n\n").filter((part) => part.trim() !== "");
  return new Map(texts.map((part) => [part.split("\n")[0] ?? "", `${part.trimEnd()}\n`]));
}

function read(group: string): string {
  try {
    return Deno.readTextFileSync(fileOf(group));
  } catch {
    return ""; // it is written for the first time
  }
}

function fileOf(group: string): URL {
  return new URL(`failures/${group}.txt`, import.meta.url);
}

testWhere(ROOT, "each failure says in one line what to do, and leaves nothing", async (t) => {
  await leavesNothing(PREFIX, async () => {
    await using stage = new Stage();
    await stage.keepRunning(UP, "sleep", "1000");
    await prepareLives(stage);
    for (const [group, cases] of Object.entries(GROUPS)) {
      await t.step(group, async () => await compare(stage, group, cases));
    }
    removeAlien(stage);
  });
});

async function compare(
  stage: Stage,
  group: string,
  cases: readonly FailureCase[],
): Promise<void> {
  const kept = golden(group);
  const seen = new Map(kept);
  for (const each of cases) {
    if (each.missing === undefined) seen.set(each.name, await stage.provoke(each));
    else console.log(`SKIP: ${each.name}: needs ${each.missing}`);
  }
  const names = cases.map(({ name }) => name);
  if (Deno.env.get("HULL_UPDATE_GOLDEN") === "1") {
    const texts = names.flatMap((name) => seen.get(name) ?? []);
    Deno.writeTextFileSync(fileOf(group), texts.join("\n"));
    return;
  }
  assertEquals([...kept.keys()], names);
  for (const [name, text] of seen) {
    assertEquals(text, kept.get(name));
    assertEquals(text.trimEnd().split("\n").length, 3, "it is not one line");
    assert(!/ {2}\$ .*# 0$/m.test(text), "it did not fail");
  }
}
