import { assertEquals } from "@std/assert";
import {
  isOver,
  readRecord,
  type SandboxRecord,
  writeRecord,
} from "../../../../src/sandbox/record.ts";
import { identify } from "../../../../src/state/process_identity.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const RECORD: SandboxRecord = { format: 1, labels: {}, env: {}, umask: 0o022, created: 1000 };

Deno.test("a sandbox's record is read as it was written; another file is none", () => {
  using folder = scratchFolder();
  assertEquals(readRecord(folder.path), undefined);
  writeRecord(folder.path, { ...RECORD, env: { A: "1" } });
  assertEquals(readRecord(folder.path)?.env, { A: "1" });
  for (const text of ["", "[]", "null", '{"format":2}']) {
    Deno.writeTextFileSync(`${folder.path}/sandbox.json`, text);
    assertEquals(readRecord(folder.path), undefined, text);
  }
});

Deno.test("a sandbox is over with its time, its session or its first process", () => {
  const me = identify(Deno.pid);
  const gone = { ...me, startTime: 1 } as NonNullable<typeof me>;
  assertEquals(isOver(RECORD), false);
  assertEquals(isOver({ ...RECORD, deadline: 5000, first: me }, 4999), false);
  assertEquals(isOver({ ...RECORD, deadline: 5000, first: me }, 5000), true);
  assertEquals(isOver({ ...RECORD, session: me, first: me }), false);
  assertEquals(isOver({ ...RECORD, session: gone, first: me }), true);
  assertEquals(isOver({ ...RECORD, session: me, first: gone }), true);
});
