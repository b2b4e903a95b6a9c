/**
 * A pid file is written where its caller says, often in a folder that others may write to: nothing of
 * theirs is written through, whatever they have put there.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-sec-pid";

for (const init of ["direct", "reexec"]) {
  Deno.test(`a pid file is written through no link and to no other name of a file: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      using bundle = makeBundle("sleep 100");
      using scratch = scratchFolder();
      const victim = `${scratch.path}/victim`;
      const file = `${scratch.path}/pid`;
      const written = async (put: (old: string, name: string) => void, ...args: string[]) => {
        Deno.writeTextFileSync(victim, "kept");
        put(victim, file);
        await hull.detach(...args);
        assertEquals(Deno.readTextFileSync(victim), "kept", args[0]);
        assertMatch(Deno.readTextFileSync(file), /^\d+$/);
        assertEquals(Deno.lstatSync(file).isFile, true);
        assertEquals([...Deno.readDirSync(scratch.path)].length, 2); // no temporary stays
        Deno.removeSync(file);
      };
      for (const put of [Deno.symlinkSync, Deno.linkSync]) {
        const birth = ["--init", init, "--pid-file", file, "-b", bundle.folder, ID];
        await written(put, "create", ...birth);
        await hull.must("start", ID);
        await written(put, "exec", "-d", "--pid-file", file, ID, "sleep", "100");
        await hull.must("delete", "--force", ID);
        await written(put, "run", "-d", ...birth);
        await hull.must("delete", "--force", ID);
      }
    });
  });
}
