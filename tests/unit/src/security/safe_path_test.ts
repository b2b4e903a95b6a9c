import { assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import {
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  open,
  readAll,
} from "../../../../ffi/files/file.ts";
import { ContainerError } from "../../../../src/errors.ts";
import {
  openNamespace,
  openProc,
  openProcessFile,
  writeProcessFile,
} from "../../../../src/security/procfs.ts";
import { hasOpenat2, openBeneath, openInside } from "../../../../src/security/safe_path.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const WAYS = hasOpenat2() ? [false, true] : [true];

function codeOf(action: () => unknown): string {
  return assertThrows(action, SyscallError).code;
}

for (const walk of WAYS) {
  const how = walk ? "component by component" : "with openat2";

  Deno.test(`inside a root no link and no step up leads out (${how})`, () => {
    using scratch = scratchFolder();
    const root = `${scratch.path}/root`;
    Deno.mkdirSync(`${root}/a/b`, { recursive: true });
    Deno.writeTextFileSync(`${scratch.path}/secret`, "outside");
    Deno.writeTextFileSync(`${root}/secret`, "inside");
    Deno.writeTextFileSync(`${root}/a/b/deep`, "deep");
    Deno.symlinkSync("/secret", `${root}/a/absolute`);
    Deno.symlinkSync("../../../../secret", `${root}/a/up`);
    Deno.symlinkSync("/a/b", `${root}/folder`);
    Deno.symlinkSync("loop", `${root}/loop`);
    using fd = open(root, O_PATH | O_DIRECTORY);
    const text = (path: string) => {
      using file = openInside(fd, path, O_RDONLY, walk);
      return new TextDecoder().decode(readAll(file));
    };
    for (
      const path of ["secret", "/secret", "../secret", "a/absolute", "/a/up", "a/../../secret"]
    ) {
      assertEquals(text(path), "inside", path);
    }
    assertEquals(text("/folder/deep"), "deep");
    assertEquals(text("folder/../b/deep"), "deep");
    assertEquals(codeOf(() => text("loop")), "ELOOP");
    assertEquals(codeOf(() => text("secret/x")), "ENOTDIR");
    assertEquals(codeOf(() => text("missing/x")), "ENOENT");
    using place = openInside(fd, "/folder", O_PATH | O_DIRECTORY, walk);
    assertEquals(Deno.readLinkSync(`/proc/self/fd/${place.number}`), `${root}/a/b`);
    using file = openInside(fd, "a/up", O_PATH, walk);
    assertEquals(Deno.readLinkSync(`/proc/self/fd/${file.number}`), `${root}/secret`);
  });

  Deno.test(`a link of /proc to an open file leads nowhere (${how})`, () => {
    using proc = open("/proc", O_PATH | O_DIRECTORY);
    using file = open("/etc/hostname");
    const path = `${Deno.pid}/fd/${file.number}`;
    const code = codeOf(() => openInside(proc, path, O_RDONLY, walk).close());
    assertEquals(code, walk ? "ENOENT" : "ELOOP");
  });

  Deno.test(`beneath a folder there is no link, no step up and no other mount (${how})`, () => {
    using proc = openProc();
    openBeneath(proc, `${Deno.pid}/status`, O_RDONLY, walk).close();
    assertThrows(() => openBeneath(proc, "self/status", O_RDONLY, walk), SyscallError);
    assertEquals(codeOf(() => openBeneath(proc, "self", O_PATH, walk)), "ELOOP");
    assertThrows(() => openBeneath(proc, "../etc/hostname", O_RDONLY, walk), SyscallError);
    using root = open("/", O_PATH | O_DIRECTORY);
    assertEquals(codeOf(() => openBeneath(root, "proc/version", O_RDONLY, walk)), "EXDEV");
  });
}

Deno.test("what is no procfs is not taken for one", () => {
  for (const path of ["/sys", "/tmp", "/proc/sys"]) {
    const error = assertThrows(() => openProc(path), ContainerError);
    assertEquals([error.code, error.path], ["SystemError", path]);
  }
});

Deno.test("a process's file is written, and one that is missing is told", () => {
  writeProcessFile(Deno.pid, "comm", "renamed");
  using comm = openProcessFile(Deno.pid, "comm", O_RDONLY);
  assertEquals(new TextDecoder().decode(readAll(comm)), "renamed\n");
  assertEquals(codeOf(() => openProcessFile(Deno.pid, "none", O_WRONLY)), "ENOENT");
  using namespace = openNamespace(Deno.pid, "user");
  assertEquals(
    Deno.readLinkSync(`/proc/self/fd/${namespace.number}`),
    Deno.readLinkSync("/proc/self/ns/user"),
  );
});
