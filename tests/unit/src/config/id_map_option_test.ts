import { assertEquals, assertThrows } from "@std/assert";
import { readMappingOption } from "../../../../src/config/id_map_option.ts";

const range = (containerID: number, hostID: number, size: number) => ({
  containerID,
  hostID,
  size,
});

Deno.test("the option holds triplets for users and groups", () => {
  assertEquals(readMappingOption("idmap=uids=0-1-10#10-11-10;gids=0-100-10"), {
    uidMappings: [range(0, 1, 10), range(10, 11, 10)],
    gidMappings: [range(0, 100, 10)],
  });
});

Deno.test("@ makes the second id one of the container", () => {
  const container = [range(0, 0, 1), range(1, 2, 1000)];
  const read = (uids: string) =>
    readMappingOption(`ridmap=uids=${uids};gids=0-0-1`, {
      uidMappings: container,
      gidMappings: container,
    }).uidMappings;
  assertEquals(read("@1-3-10"), [range(1, 4, 10)]);
  assertEquals(read("@5-0-1"), [range(5, 0, 1)]);
  assertThrows(() => read("@0-0-2"), RangeError, "one range");
  assertThrows(() => read("@0-1000-2"), RangeError, "one range");
});

Deno.test("what can't be read is refused with what is wrong", () => {
  for (
    const [option, what] of [
      ["idmap=", "uids="],
      ["idmap=uids=0-0-1", "both"],
      ["idmap=uids=0-0-0;gids=0-0-1", "triplets"],
      ["idmap=uids=a-0-1;gids=0-0-1", "triplets"],
      ["idmap=uids=0-0-1#;gids=0-0-1", "triplets"],
      ["idmap=uids=4294967295-0-2;gids=0-0-1", "beyond"],
      ["idmap=uids=0-0-1;gids=0-0-1;pids=0-0-1", "uids="],
    ] as const
  ) {
    assertThrows(() => readMappingOption(option), RangeError, what);
  }
});
