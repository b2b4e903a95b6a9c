import { assertEquals } from "@std/assert";
import { FileTree } from "../../../../src/create/builtin_tree.ts";

function tree(): FileTree {
  const tree = new FileTree();
  tree.add({ path: "/etc", kind: "dir", mode: 0o755 });
  tree.add({ path: "/var", kind: "dir", mode: 0o755 });
  tree.add({ path: "/var/run", kind: "symlink", target: "/run" });
  tree.add({ path: "/bin", kind: "symlink", target: "usr/bin" });
  tree.add({ path: "/loop", kind: "symlink", target: "loop" });
  return tree;
}

const file = (path: string) => ({ path, kind: "file", mode: 0o644, content: "" } as const);

Deno.test("a file lies where the links on its way lead, with the folders that it takes", () => {
  const files = tree();
  assertEquals(files.add(file("/var/run/a/b")), undefined);
  assertEquals(files.add(file("/bin/x")), undefined);
  assertEquals(files.add(file("/var/../etc/./y")), undefined);
  assertEquals(
    files.files.slice(5).map(({ path, kind }) => [path, kind]),
    [
      ["/run", "dir"],
      ["/run/a", "dir"],
      ["/run/a/b", "file"],
      ["/usr", "dir"],
      ["/usr/bin", "dir"],
      ["/usr/bin/x", "file"],
      ["/etc/y", "file"],
    ],
  );
});

Deno.test("a link at the end is replaced, unless it is to be followed", () => {
  const files = tree();
  assertEquals(files.resolve("/var/run"), "/var/run");
  assertEquals(files.resolve("/var/run", true), "/run");
  assertEquals(files.add(file("/var/run")), undefined);
  assertEquals(files.at("/var/run")?.kind, "file");
});

Deno.test("a folder is not replaced, and a file has nothing below it", () => {
  const files = tree();
  assertEquals(files.add(file("/etc")), "is a folder there");
  assertEquals(files.add(file("/")), "is a folder there");
  files.add(file("/etc/x"));
  assertEquals(files.add(file("/etc/x/y")), "lies below /etc/x, which is no folder");
});

Deno.test("links in a circle, and steps above the root, end somewhere inside", () => {
  const files = tree();
  assertEquals(files.resolve("/loop/x"), "/loop/x");
  assertEquals(files.resolve("/../../x"), "/x");
});
