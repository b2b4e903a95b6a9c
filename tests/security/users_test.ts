/** Whom a program runs as: CVE-2016-3697 and CVE-2026-30892. */
import { assertEquals } from "@std/assert";
import { leanBundle, Stage } from "../fixtures/attempt.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** An image that gives names to numbers, with root's ids behind them. */
const PASSWD = ["root:x:0:0", "1:x:0:0", "1000:x:0:0", "web:x:7:8", "0x1:x:0:0", "1e3:x:0:0"]
  .map((line) => `${line}::/root:/bin/sh\n`).join("");
const GROUP = "root:x:0:\n1:x:0:\n2:x:0:\n1000:x:0:\nlog:x:4:\n";

/** A user string, and the uid and gid that it means; undefined for what means nothing. */
const USERS: readonly (readonly [user: string, ids: string | undefined])[] = [
  ["0", "0 0"],
  ["1", "1 0"],
  ["1:2", "1 2"],
  ["1000", "1000 0"],
  ["1000:1000", "1000 1000"],
  ["web", "7 8"],
  ["web:log", "7 4"],
  ["web:2", "7 2"],
  ["4294967294:4294967294", "4294967294 4294967294"],
  ["007", "7 8"],
  ["", undefined],
  [":", undefined],
  ["1:", undefined],
  [":1", undefined],
  ["1:2:3", undefined],
  ["-1", undefined],
  ["+1", undefined],
  ["1x", undefined],
  ["1.5", undefined],
  [" 1", undefined],
  ["1 ", undefined],
  ["1\n", undefined],
  ["١", undefined],
  ["4294967295", undefined],
  ["4294967296", undefined],
  ["1:4294967296", undefined],
  ["18446744073709551616", undefined],
  ["99999999999999999999999999999", undefined],
  ["nobody", undefined],
];

Deno.test("CVE-2016-3697, CVE-2026-30892: a user string means one user, or none", async () => {
  await leavesNothing("hull-sec-user", async () => {
    using stage = new Stage();
    using bundle = leanBundle("echo $(id -u) $(id -g)");
    Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/passwd`, PASSWD);
    Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/group`, GROUP);
    for (const [user, ids] of USERS) {
      const { text, error } = await stage.attempt("hull-sec-user", bundle, { process: { user } });
      const what = JSON.stringify(user);
      assertEquals(text?.trim(), ids, what);
      if (ids !== undefined) continue;
      assertEquals([error?.code, error?.pointer], ["ConfigInvalid", "/process/user"], what);
    }
  });
});

Deno.test("CVE-2016-3697: the config's uid is a number, whatever the image calls it", async () => {
  await leavesNothing("hull-sec-uid", async () => {
    using stage = new Stage();
    for (const uid of [1, 1000]) {
      using bundle = leanBundle("echo $(id -u) $(id -g)", (config) => {
        config.process.user = { uid, gid: uid };
      });
      Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/passwd`, PASSWD);
      Deno.writeTextFileSync(`${bundle.folder}/rootfs/etc/group`, GROUP);
      const { text } = await stage.attempt("hull-sec-uid", bundle);
      assertEquals(text, `${uid} ${uid}\n`);
    }
  });
});
