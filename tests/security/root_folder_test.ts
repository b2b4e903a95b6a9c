/** A root folder that another user can write to is not believed: a state there could name anything. */
import { assertEquals, assertRejects } from "@std/assert";
import { ContainerError, Factory } from "../../mod.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-sec-root";

/** What is wrong with a folder, and the words for it; undefined: it is right. */
const FOLDERS: readonly (readonly [(path: string) => void, string | undefined])[] = [
  [(path) => Deno.chownSync(path, 12345, 0), "belongs to user 12345"],
  [(path) => Deno.chmodSync(path, 0o777), "can be written to by all users"],
  [(path) => Deno.chmodSync(path, 0o1777), "can be written to by all users"],
  [(path) => {
    Deno.chownSync(path, 0, 12345);
    Deno.chmodSync(path, 0o770);
  }, "can be written to by group 12345"],
  [(path) => Deno.chmodSync(path, 0o775), undefined],
  [(path) => Deno.chmodSync(path, 0o711), undefined],
];

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`no container is made or looked for in a root folder of another's: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      for (const [spoil, why] of FOLDERS) {
        using scratch = scratchFolder();
        using bundle = leanBundle("true");
        spoil(scratch.path);
        const factory = new Factory({ root: scratch.path, init });
        const create = () => factory.create(ID, bundle.config, { bundle: bundle.folder });
        if (why === undefined) {
          await (await create()).destroy();
          continue;
        }
        for (const call of [create, () => factory.load(ID), () => factory.list()]) {
          const error = await assertRejects(async () => void await call(), ContainerError, why);
          assertEquals([error.code, error.path], ["ConfigInvalid", scratch.path]);
        }
        assertEquals([...Deno.readDirSync(scratch.path)], []);
      }
    });
  });
}

Deno.test("the command line neither lists nor deletes there", async () => {
  await using hull = new Hull();
  Deno.chmodSync(hull.root, 0o1777);
  for (const words of [["list"], ["delete", "--force", ID], ["state", ID], ["kill", ID]]) {
    const { code, stderr } = await hull.call(words);
    assertEquals([code, /can be written to by all users/.test(stderr)], [1, true], stderr);
  }
});
