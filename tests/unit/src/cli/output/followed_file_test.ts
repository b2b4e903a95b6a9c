import { assertEquals, assertThrows } from "@std/assert";
import { FollowedFile } from "../../../../../src/cli/output/followed_file.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { scratchFolder } from "../../../../fixtures/bundle.ts";

/** What there is to read now. */
function read(file: FollowedFile): string {
  const decoder = new TextDecoder();
  return [...file.more()].map((bytes) => decoder.decode(bytes, { stream: true })).join("");
}

function append(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { append: true });
}

Deno.test("the last lines of a file are found, whatever its size", () => {
  using folder = scratchFolder();
  const path = `${folder.path}/log`;
  const cases: [text: string, count: number, expected: string][] = [
    ["", 3, ""],
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\nb\n", 9, "a\nb\n"],
    ["a\nb\n", 0, ""],
    ["\n\n\n", 2, "\n\n"],
    ["one line", 1, "one line"],
    [`${"x".repeat(70_000)}\n${"y".repeat(70_000)}\nz\n`, 2, `${"y".repeat(70_000)}\nz\n`],
  ];
  for (const [text, count, expected] of cases) {
    Deno.writeTextFileSync(path, text);
    using file = new FollowedFile(path);
    file.seekLines(count);
    assertEquals(read(file), expected);
  }
});

Deno.test("a file that is truncated begins anew, and one that takes its place follows it", () => {
  using folder = scratchFolder();
  const path = `${folder.path}/log`;
  Deno.writeTextFileSync(path, "first\n");
  using file = new FollowedFile(path);
  assertEquals([read(file), read(file)], ["first\n", ""]);
  append(path, "second\n");
  assertEquals(read(file), "second\n");
  Deno.truncateSync(path);
  append(path, "new\n");
  assertEquals(read(file), "new\n");
  Deno.truncateSync(path);
  append(path, "longer than what was there\n");
  assertEquals(read(file), "longer than what was there\n");
  // The program still writes to the old file, whose name another one has.
  append(path, "last of the old\n");
  Deno.renameSync(path, `${path}.1`);
  append(`${path}.1`, "later still\n");
  assertEquals(read(file), "last of the old\nlater still\n");
  Deno.writeTextFileSync(path, "");
  append(`${path}.1`, "and on\n");
  assertEquals(read(file), "and on\n");
  append(path, "of the new\n");
  assertEquals(read(file), "of the new\n");
});

Deno.test("what is no regular file is refused, without waiting for anybody", () => {
  using folder = scratchFolder();
  const fifo = `${folder.path}/fifo`;
  new Deno.Command("mkfifo", { args: [fifo] }).outputSync();
  for (const path of [fifo, folder.path, "/dev/zero", `${folder.path}/none`]) {
    const error = assertThrows(() => new FollowedFile(path), ContainerError);
    assertEquals([error.code, error.path], ["SystemError", path]);
  }
});

Deno.test("a file that is truncated between two reads of one look begins anew as well", () => {
  using folder = scratchFolder();
  const path = `${folder.path}/log`;
  Deno.writeTextFileSync(path, "first\nsecond\n");
  using file = new FollowedFile(path);
  const parts = file.more();
  const text = () => new TextDecoder().decode(parts.next().value ?? undefined);
  assertEquals(text(), "first\nsecond\n");
  Deno.truncateSync(path);
  append(path, "longer than before\n");
  assertEquals(text(), "longer than before\n");
  assertEquals(parts.next().done, true);
});
