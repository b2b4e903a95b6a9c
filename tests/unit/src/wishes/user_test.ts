import { assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { resolveUser } from "../../../../src/wishes/user.ts";
import { run, scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("users by number and name; a number is never taken for a name", () => {
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/etc`);
  Deno.writeTextFileSync(
    `${scratch.path}/etc/passwd`,
    "root:x:0:0::/:\nweb:x:1000:1001::/:\n5:x:0:0::/:\nhuge:x:4294967296:0::/:\n" +
      "empty:x:::/:\nword:x:abc:0::/:\nhex:x:0x0:0::/:\nfar:x:7:4294967296::/:\nminus:x:8:-3::/:\n",
  );
  Deno.writeTextFileSync(`${scratch.path}/etc/group`, "log:x:4:web\n6:x:0:\n");
  const cases: [string, number, number][] = [
    ["web", 1000, 1001],
    ["1000", 1000, 1001],
    ["5", 5, 0],
    ["web:log", 1000, 4],
    ["web:6", 1000, 6],
    ["7:8", 7, 8],
    ["7", 7, 0],
    ["8", 8, 0],
  ];
  for (const [user, uid, gid] of cases) {
    assertEquals(resolveUser(user, scratch.path), { uid, gid }, user);
  }
  assertEquals(resolveUser(undefined, scratch.path), undefined);
  assertEquals(resolveUser({ uid: 3 }, scratch.path), { uid: 3 });
  const BROKEN = ["empty", "word", "hex", "far", "minus"];
  for (
    const user of ["nobody", "web:nobody", "huge", "4294967296", "1:99999999999"].concat(BROKEN)
  ) {
    const error = assertThrows(() => resolveUser(user, scratch.path), ContainerError);
    assertEquals([error.code, error.pointer], ["ConfigInvalid", "/process/user"], user);
  }
});

Deno.test("the rootfs's passwd is not followed out of it, and a fifo holds nobody up", () => {
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/etc`);
  Deno.symlinkSync("/etc/passwd", `${scratch.path}/etc/passwd`);
  assertThrows(() => resolveUser("root", scratch.path));
  Deno.removeSync(`${scratch.path}/etc/passwd`);
  Deno.symlinkSync("../../../../../etc/passwd", `${scratch.path}/etc/passwd`);
  assertThrows(() => resolveUser("root", scratch.path));
  Deno.removeSync(`${scratch.path}/etc/passwd`);
  run("mkfifo", `${scratch.path}/etc/passwd`);
  assertThrows(() => resolveUser("root", scratch.path), ContainerError, "is not in");
});
