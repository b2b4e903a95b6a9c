/**
 * A pid file is written where its caller says, often in a folder that others may write to: nothing of
 * theirs is written through, whatever they have put there.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-sec-pid";

Deno.test("a device, fifo or folder is never replaced by a pid file", async () => {
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 100");
    using scratch = scratchFolder();
    const { path } = scratch;
    const makers = [["mknod", "null", "c", "1", "3"], ["mkfifo", "fifo"], ["mkdir", "folder"]];
    for (const [program = "", name = "", ...rest] of makers) {
      run(program, `${path}/${name}`, ...rest);
      const before = Deno.lstatSync(`${path}/${name}`);
      const flags = ["--pid-file", `${path}/${name}`, "-b", bundle.folder];
      for (const command of [["create"], ["run", "-d"], ["run"]]) {
        const line = await hull.refuse(...command, ...flags, ID);
        assertMatch(line, /cannot write the pid file .*: file exists.*it is no regular file/);
      }
      const { ino, rdev, mode } = Deno.lstatSync(`${path}/${name}`);
      assertEquals([ino, rdev, mode], [before.ino, before.rdev, before.mode]);
    }
    assertEquals([...Deno.readDirSync(path)].length, makers.length); // no temporary stays
    assertEquals(await hull.must("list", "-q"), "");
  });
});

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
