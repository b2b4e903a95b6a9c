import { assertEquals } from "@std/assert";
import { namesOf, rangesIn, subordinateIds } from "../../../../src/rootless/subordinate_ids.ts";

Deno.test("ranges are found by name and by number, and what is none is left out", () => {
  const text = [
    "dev:100000:65536",
    "# a comment",
    "web:1:2",
    "1000:300000:10",
    "dev:x:10",
    "dev:5:0",
    "dev:5:-1",
    "dev:4294967290:10",
    "dev:1:2:3",
    " dev:400000:1 ",
    "dev",
  ].join("\n");
  assertEquals(rangesIn(text, ["dev", "1000"]), [
    { start: 100000, size: 65536 },
    { start: 300000, size: 10 },
    { start: 400000, size: 1 },
  ]);
  assertEquals(rangesIn(text, ["de"]), []);
  assertEquals(rangesIn("", ["dev"]), []);
});

Deno.test("a user may have several names, and an entry without one has none", () => {
  const passwd = "root:x:0:0::/:/bin/sh\ndev:x:1000:5::/:/bin/sh\n:x:1000:5::/:\nalso:x:1000:5\n";
  assertEquals(namesOf(passwd, 1000), ["dev", "also"]);
  assertEquals(namesOf(passwd, 5), []);
});

Deno.test("a host without the files gives nothing", () => {
  const etc = Deno.makeTempDirSync();
  try {
    assertEquals(subordinateIds(1000, etc), { uids: [], gids: [] });
    Deno.writeTextFileSync(`${etc}/subuid`, "1000:7:3\n");
    assertEquals(subordinateIds(1000, etc), { uids: [{ start: 7, size: 3 }], gids: [] });
  } finally {
    Deno.removeSync(etc, { recursive: true });
  }
});
