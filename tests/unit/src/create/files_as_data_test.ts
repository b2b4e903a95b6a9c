import { assertEquals } from "@std/assert";
import { contentOf, RootFiles } from "../../../../init/operations/root_files.ts";
import type { BuiltinFile } from "../../../../src/create/builtin_files.ts";
import { filesAsData } from "../../../../src/create/files_as_data.ts";

const ETC: BuiltinFile = { path: "/etc", kind: "dir", mode: 0o755 };
const file = (path: string, content: string | Uint8Array, mode = 0o644): BuiltinFile => ({
  path,
  kind: "file",
  mode,
  content,
});

Deno.test("the files of a root are data that JSON keeps", () => {
  const bytes = new Uint8Array([0, 255, 10]);
  const data = filesAsData([
    ETC,
    file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:5:6::/home/me:/bin/sh\n"),
    file("/etc/bytes", bytes, 0o600),
    file("/etc/empty", ""),
    { path: "/lib", kind: "symlink", target: "usr/lib" },
  ]);
  const kept: typeof data = JSON.parse(JSON.stringify(data));
  const root = new RootFiles(kept ?? []);
  assertEquals(root.look("/etc"), { kind: "directory", mode: 0o755 });
  assertEquals(root.look("/etc/empty"), { kind: "file", mode: 0o644 });
  assertEquals(root.look("/lib"), { kind: "symlink", mode: 0o777, target: "usr/lib" });
  assertEquals(root.look("/lib/x").kind, "missing");
  assertEquals(root.node("/etc/bytes")?.mode, 0o100600);
  assertEquals(root.node("/nothing"), undefined);
  assertEquals(root.lines("/etc/passwd").map(([name]) => name).toArray(), ["root", "me"]);
  assertEquals(root.lines("/etc").toArray(), []);
  assertEquals(contentOf(kept?.[2] ?? { path: "" }), bytes);
});

Deno.test("what a start would not make in the same way is no data", () => {
  const page = 4096;
  const unusual: Record<string, readonly BuiltinFile[]> = {
    "more than a page": [ETC, file("/etc/x", "x".repeat(page + 1))],
    "more than a page as UTF-8": [ETC, file("/etc/x", "ä".repeat(page / 2 + 1))],
    "many pages": [ETC, ...[1, 2, 3, 4, 5].map((k) => file(`/etc/${k}`, "x".repeat(page)))],
    "a set-id bit": [file("/x", "", 0o4755)],
    "a folder that is not there": [file("/etc/x", "")],
    "a folder that is a link": [
      { path: "/etc", kind: "symlink", target: "/tmp" },
      file("/etc/x", ""),
    ],
    "a file twice": [file("/x", ""), file("/x", "")],
    "a step up": [ETC, file("/etc/../x", "")],
    "a NUL": [file("/x\0y", "")],
    "a NUL in a link": [{ path: "/x", kind: "symlink", target: "a\0b" }],
  };
  for (const [what, files] of Object.entries(unusual)) {
    assertEquals(filesAsData(files), undefined, what);
  }
  assertEquals(filesAsData([ETC, file("/etc/x", "x".repeat(page))])?.length, 2);
});
