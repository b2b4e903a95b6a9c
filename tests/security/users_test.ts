/** Whom a program runs as: CVE-2016-3697 and CVE-2026-30892. */
import { assertEquals } from "@std/assert";
import { leanBundle, Stage } from "../fixtures/attempt.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { GROUP, PASSWD, USERS } from "../fixtures/user_strings.ts";

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
