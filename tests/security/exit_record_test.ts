/**
 * The record of a container's end is a file that hull makes in the container's folder. What stands in
 * its place is neither written to nor believed.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { type Container, Factory, Process } from "../../mod.ts";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { GivenHull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

const ID = "hull-sec-exit";
const ending = () => new Process({ args: ["sh", "-c", "exit 7"], stdin: "null" });

/** Puts something in the place of a container's record. */
function plant({ folder }: Container, put: (place: string) => void): void {
  const place = `${folder}/exit`;
  try {
    Deno.removeSync(place);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  put(place);
}

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`a link in the place of an exit record is not written through: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      for (const supervised of [true, false]) {
        await using root = rootFolder();
        using scratch = scratchFolder();
        const decoy = `${scratch.path}/decoy`;
        Deno.writeTextFileSync(decoy, "kept");
        const factory = new Factory({ ...DRIVER, root: root.path, init });
        await using container = await factory.create(ID);
        const process = ending();
        const runsAndWaits = async () => {
          plant(container, (place) => Deno.symlinkSync(decoy, place));
          await container.run(process, { supervised });
          await container.wait();
        };
        await assertRejects(runsAndWaits, Error, "ELOOP");
        assertEquals(Deno.readTextFileSync(decoy), "kept", `supervised: ${supervised}`);
      }
    });
  });

  Deno.test(`what is no file in the place of an exit record tells nothing: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      // A fifo that is opened would keep hull for ever.
      await using hull = new GivenHull("timeout", "-k", "5", "30");
      using scratch = scratchFolder();
      const factory = new Factory({ ...DRIVER, root: hull.root, init });
      await using container = await factory.create(ID);
      await container.run(ending(), { supervised: true });
      await container.wait();
      const told = async () => JSON.parse(await hull.must("state", ID)).exitCode;
      assertEquals(await told(), 7);
      const copy = `${scratch.path}/copy`;
      Deno.copyFileSync(`${container.folder}/exit`, copy);
      plant(container, (place) => Deno.symlinkSync(copy, place));
      assertEquals(await told(), undefined);
      plant(container, (place) => run("mkfifo", place));
      assertEquals(await told(), undefined);
    });
  });
}
