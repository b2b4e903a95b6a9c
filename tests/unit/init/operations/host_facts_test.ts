import { assertEquals } from "@std/assert";
import { HostFacts } from "../../../../init/operations/host_facts.ts";
import { run, scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("a destination is resolved in the container's root, with links and steps up", () => {
  using scratch = scratchFolder();
  const root = scratch.path;
  Deno.mkdirSync(`${root}/usr/lib`, { recursive: true });
  Deno.writeTextFileSync(`${root}/usr/file`, "");
  Deno.symlinkSync("/usr", `${root}/absolute`);
  Deno.symlinkSync("usr/lib", `${root}/relative`);
  Deno.symlinkSync("../../../../usr", `${root}/upward`);
  Deno.symlinkSync("loop", `${root}/loop`);
  const facts = new HostFacts(root, []);
  const cases: [string, string, number, string][] = [
    ["/", "", 0, "directory"],
    ["/usr/file", "usr/file", 0, "file"],
    ["/absolute/lib", "usr/lib", 0, "directory"],
    ["/relative", "usr/lib", 0, "directory"],
    ["/upward/file", "usr/file", 0, "file"],
    ["/usr/../../etc", "etc", 1, "missing"],
    ["/absolute/new/folder", "usr/new/folder", 2, "missing"],
  ];
  for (const [path, components, missing, kind] of cases) {
    const found = facts.destination(path, 0);
    assertEquals([found.components.join("/"), found.missing, found.kind], [
      components,
      missing,
      kind,
    ], path);
  }
  assertEquals(facts.destination("/loop/x", 0).kind === "directory", false);
});

Deno.test("what is mounted hides what is below: a bind shows its source, a tmpfs nothing", () => {
  using scratch = scratchFolder();
  using source = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/data/old`, { recursive: true });
  Deno.mkdirSync(`${source.path}/new`);
  const facts = new HostFacts(scratch.path, [
    { destination: "/data", base: source.path, opaque: false, isRemount: false },
    { destination: "/data", base: undefined, opaque: false, isRemount: false },
    { destination: "/data", base: undefined, opaque: true, isRemount: false },
  ]);
  const kinds = (path: string) =>
    [0, 1, 2, 3].map((mounts) => facts.destination(path, mounts).kind);
  assertEquals(kinds("/data/old"), ["directory", "missing", "missing", "unknown"]);
  assertEquals(kinds("/data/new"), ["missing", "directory", "missing", "unknown"]);
  assertEquals(kinds("/data"), ["directory", "directory", "directory", "directory"]);
});

Deno.test("a home folder comes from passwd; a fifo in its place holds nobody up", () => {
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/etc`);
  const home = (uid: number) => new HostFacts(scratch.path, []).home(uid);
  assertEquals(home(5), undefined);
  Deno.writeTextFileSync(
    `${scratch.path}/etc/passwd`,
    "a:x:4:4::/four:\nb:x:5:5::/five:/bin/sh\nc:x:6:6:::\n",
  );
  assertEquals([4, 5, 6, 7].map(home), [
    "/four",
    "/five",
    undefined,
    undefined,
  ]);
  Deno.removeSync(`${scratch.path}/etc/passwd`);
  run("mkfifo", `${scratch.path}/etc/passwd`);
  assertEquals(home(5), undefined);
});
