/**
 * A tmpfs with `tmpcopyup` on a volume that others write to: they exchange a file for a node of a
 * device, or a fifo, while the content is copied by the host's root, whom no device cgroup binds.
 */
import { assertEquals } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Racer } from "../fixtures/race.ts";
import { inTime } from "../fixtures/until.ts";

const STARTS = 20;
const SECRET = "decoy of a device";

for (const kind of ["direct", "reexec"]) {
  Deno.test(`${kind}: nothing but a regular file is ever read for a copy`, async () => {
    using volume = scratchFolder();
    const data = `${volume.path}/data`;
    Deno.mkdirSync(data);
    Deno.writeTextFileSync(`${data}/file`, "plain");
    // Who opens the fifo gets the secret, as one gets a device's content, and then waits for more.
    run("mkfifo", `${data}/other`);
    using fifo = Deno.openSync(`${data}/other`, { read: true, write: true });
    fifo.writeSync(new TextEncoder().encode(SECRET.repeat(STARTS)));
    await leavesNothing("hull-copyup-race", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("cd /data; for f in *; do [ -f $f ] && cat $f; done", (config) => {
        config.mounts.push(
          { destination: "/vol", type: "bind", source: volume.path, options: ["rbind"] },
          {
            destination: "/data",
            type: "tmpfs",
            source: "tmpfs",
            options: ["tmpcopyup", "nosuid"],
          },
        );
        config.mounts.splice(-1, 0, {
          destination: "/data",
          type: "bind",
          source: data,
          options: ["bind"],
        });
      });
      await using _racer = await Racer.start(`${data}/file`, `${data}/other`);
      for (let k = 0; k < STARTS; k++) {
        const args = ["run", "--init", kind, "-b", bundle.folder, "hull-copyup-race"];
        const { stdout, stderr } = await inTime(
          "the copy",
          hull.call(args),
          20_000,
          () => fifo.close(),
        );
        assertEquals([stdout.replaceAll("plain", ""), stderr], ["", ""]);
      }
    });
  });
}
