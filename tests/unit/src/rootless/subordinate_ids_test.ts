import { assertEquals } from "@std/assert";
import {
  disjoint,
  namesOf,
  rangesIn,
  subordinateIds,
} from "../../../../src/rootless/subordinate_ids.ts";
import { Random } from "../../../fixtures/random.ts";

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

Deno.test("ranges without overlaps have each id of the entries once, but for the own one", () => {
  const random = new Random(17);
  const idsOf = ({ start, size }: { start: number; size: number }) =>
    Array.from({ length: size }, (_, k) => start + k);
  for (let round = 0; round < 300; round++) {
    const given = Array.from({ length: random.below(5) }, () => ({
      start: random.below(30),
      size: 1 + random.below(12),
    }));
    const own = random.below(30);
    const ids = disjoint(given, own, 99).flatMap(idsOf);
    const wanted = [...new Set(given.flatMap(idsOf))].filter((id) => id !== own);
    assertEquals(ids.toSorted((a, b) => a - b), wanted.sort((a, b) => a - b));
    assertEquals(disjoint(given, own, 1), disjoint(given, own, 99).slice(0, 1));
  }
});
