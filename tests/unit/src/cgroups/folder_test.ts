import { assertEquals, assertThrows } from "@std/assert";
import { CgroupFolder } from "../../../../src/cgroups/folder.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { FakeCgroup } from "./fake_cgroup.ts";

Deno.test("a shorter value leaves nothing of the longer one before", () => {
  using fake = new FakeCgroup({ "pids.max": "100000\n" });
  fake.folder.write("pids.max", "7");
  assertEquals(fake.read("pids.max"), "7");
});

Deno.test("a name that could lead out of the folder is refused", () => {
  using fake = new FakeCgroup();
  for (const name of ["../x", "a/b", "/etc/passwd", "", ".", "..", "x\0y"]) {
    assertEquals(
      assertThrows(() => fake.folder.write(name, "1"), ContainerError).code,
      "ConfigInvalid",
    );
    assertThrows(() => fake.folder.read(name), ContainerError);
    assertThrows(() => fake.folder.has(name), ContainerError);
  }
});

Deno.test("a symbolic link is not followed", () => {
  using fake = new FakeCgroup();
  Deno.symlinkSync("/proc/self/comm", `${fake.folder.path}/link`);
  assertEquals(assertThrows(() => fake.folder.read("link"), ContainerError).errno, "ELOOP");
});

Deno.test("a missing file is Unsupported when it is written, with all that is known", () => {
  using fake = new FakeCgroup();
  const error = assertThrows(
    () => fake.folder.write("cpu.idle", "1", "/linux/resources/cpu/idle"),
    ContainerError,
  );
  assertEquals(
    [error.code, error.step, error.syscall, error.errno, error.path, error.pointer],
    [
      "Unsupported",
      "cgroups",
      "openat",
      "ENOENT",
      `${fake.folder.path}/cpu.idle`,
      "/linux/resources/cpu/idle",
    ],
  );
});

Deno.test("a folder that is not there is a SystemError with its path", () => {
  const error = assertThrows(() => new CgroupFolder("/nowhere/at/all"), ContainerError);
  assertEquals([error.code, error.errno, error.path], ["SystemError", "ENOENT", "/nowhere/at/all"]);
});

Deno.test("numbers, limits and tables are read, and nonsense is an error", () => {
  using fake = new FakeCgroup({
    number: "42\n",
    max: "max\n",
    table: "user 1\nsystem 2\nnot a pair\nneg -3\n",
    words: "hello\n",
    empty: "",
  });
  assertEquals(fake.folder.number("number"), 42);
  assertEquals(fake.folder.number("nothing", 7), 7);
  assertEquals([fake.folder.limit("max"), fake.folder.limit("number")], ["max", 42]);
  assertEquals(fake.folder.table("table"), { user: 1, system: 2, neg: -3 });
  assertEquals(fake.folder.table("nothing"), {});
  for (const name of ["words", "empty"]) {
    assertEquals(
      assertThrows(() => fake.folder.number(name), ContainerError).path,
      `${fake.folder.path}/${name}`,
    );
  }
  assertThrows(() => fake.folder.number("nothing"), ContainerError);
});
