/** CVE-2022-29162, CVE-2022-27650, CVE-2025-27612: no capability is inheritable unless asked for. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { leanBundle, own, Stage, withUserNamespace } from "../fixtures/attempt.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const NONE = "0".repeat(16);

Deno.test("CVE-2022-29162: spec, rootless or not, names no inheritable capability", async () => {
  await using hull = new Hull();
  for (const flags of [[], ["--rootless"], ["--builtin"]]) {
    using folder = scratchFolder();
    const printed = await hull.must("spec", "-b", folder.path, ...flags);
    const json = flags[0] === "--builtin"
      ? printed
      : Deno.readTextFileSync(`${folder.path}/config.json`);
    const { capabilities } = JSON.parse(json).process;
    assert(capabilities.bounding.length > 0);
    assertEquals(capabilities.inheritable ?? [], [], flags.join());
  }
});

for (const inUserNamespace of [false, true]) {
  const what = inUserNamespace ? "a user namespace" : "the host's user namespace";
  Deno.test(`CVE-2022-29162: CapInh and CapAmb are empty inside, in ${what}`, async () => {
    await leavesNothing("hull-sec-caps", async () => {
      using stage = new Stage();
      for (const uid of [0, 1000]) {
        using bundle = leanBundle("grep ^Cap /proc/self/status", (config) => {
          config.process.user = { uid, gid: uid };
          if (inUserNamespace) withUserNamespace(config);
        });
        own(bundle, inUserNamespace);
        const { text = "", error } = await stage.attempt("hull-sec-caps", bundle);
        assertEquals(error, undefined);
        assertMatch(text, new RegExp(`CapInh:\\t${NONE}\n`));
        assertMatch(text, new RegExp(`CapAmb:\\t${NONE}\n`));
        assertMatch(text, /CapBnd:\t0000000020000420\n/); // the three of spec
      }
    });
  });
}
