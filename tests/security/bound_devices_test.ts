/**
 * In a user namespace no device can be made, so the host's are bound. Each is all that its mount is to
 * give: nothing is run from it, and no bit of the host's file counts.
 */
import { assertEquals } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { leanBundle, own, withUserNamespace } from "../fixtures/attempt.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

const ID = "hull-sec-bound";
const DEVICES = ["full", "null", "random", "tty", "urandom", "zero", "fuse"];

for (const init of ["direct", "reexec"] as const) {
  Deno.test(`devices that are bound in a user namespace run nothing: ${init}`, async () => {
    await leavesNothing(ID, async () => {
      await using root = rootFolder();
      using bundle = leanBundle("cat /proc/self/mountinfo", (config) => {
        withUserNamespace(config);
        config.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }];
      });
      own(bundle);
      const { config, folder } = bundle;
      const factory = new Factory({ root: root.path, init });
      await using container = await factory.create(ID, config, { bundle: folder });
      const process = new Process({ stdin: "null", stdout: "piped" });
      await container.run(process);
      const mounts = (await new Response(process.stdout).text()).split("\n");
      for (const name of DEVICES) {
        const mount = mounts.find((line) => line.split(" ")[4] === `/dev/${name}`) ?? "";
        const options = mount.split(" ")[5]?.split(",") ?? [];
        const isBare = options.includes("nosuid") && options.includes("noexec");
        assertEquals([name, isBare], [name, true], mount);
      }
      await process.wait();
    });
  });
}
