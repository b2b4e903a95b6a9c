import { assertEquals } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { until } from "../fixtures/until.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url)).replace(/\/$/, "");
const ID = "hull-first-files";

/** Which first file a command's launcher starts: scripts/launch.sh. */
function fileOf(command: string): string {
  if (command === "run" || command === "create") return "cli";
  return command === "exec" ? "exec" : "life";
}

Deno.test("what a plain command needs is in the first file that it reads", async () => {
  await leavesNothing(ID, async () => {
    using scratch = scratchFolder();
    const made = await new Deno.Command(FROM_SOURCES[0], {
      args: [...FROM_SOURCES.slice(1), `${ROOT}/scripts/bundle.ts`, scratch.path],
      stderr: "piped",
    }).output();
    assertEquals(made.success, true, new TextDecoder().decode(made.stderr));
    for (const pair of ["cli", "exec", "life"]) {
      for (const { name } of Deno.readDirSync(`${scratch.path}/src/${pair}`)) {
        if (name !== "hull.js") Deno.removeSync(`${scratch.path}/src/${pair}/${name}`);
      }
    }
    using bundle = makeBundle("sleep 600");
    using short = makeBundle("exit 3");
    const call = async (...words: string[]) => {
      const file = `${scratch.path}/src/${fileOf(words[0] as string)}/hull.js`;
      const root = ["--root", `${scratch.path}/root`];
      const isKept = words[0] === "create"; // a created container keeps its streams
      const child = new Deno.Command(FROM_SOURCES[0], {
        args: ["run", "-A", "--no-config", "--no-lock", file, ...root, ...words],
        stdin: "null",
        stdout: "null",
        stderr: isKept ? "null" : "piped",
      }).spawn();
      const said = isKept ? "" : await new Response(child.stderr).text();
      const lines = said.split("\n").filter((line) => !/^$|^hull: warning: /.test(line));
      return [(await child.status).code, ...lines];
    };
    try {
      assertEquals(await call("run", "-b", short.folder, ID), [3]);
      assertEquals(await call("create", "-b", bundle.folder, ID), [0]);
      assertEquals(await call("start", ID), [0]);
      assertEquals(await call("exec", ID, "sh", "-c", "exit 5"), [5]);
      assertEquals(await call("state", ID), [0]);
      assertEquals(await call("kill", ID, "KILL"), [0]);
    } finally {
      await until(async () => (await call("delete", "--force", ID))[0] === 0);
    }
  });
});
