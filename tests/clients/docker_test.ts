/** Docker with hull for a runtime does what it does with runc. @module */

import { assertEquals } from "@std/assert";
import { DockerDaemon, missingDocker } from "../fixtures/client_daemons.ts";
import { compareRuntimes, runScript, writeImage, writePrograms } from "../fixtures/clients.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { casesOf } from "./engine_cases.ts";

const NAME = `hull-docker-${Deno.pid}`;
const CLEAN = "docker rm -f $(docker ps -aq)";

testWhere(await missingDocker(), "Docker", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  await using daemon = new DockerDaemon(folder, NAME, CLEAN);
  assertEquals(await daemon.ready(), undefined);
  const bench = {
    folder,
    prefix: NAME,
    programs: (runtime: string) => `${folder}/${runtime}`,
  };
  for (const runtime of ["runc", "hull"]) {
    writePrograms(bench.programs(runtime), {
      c: `exec ${daemon.programs}/docker "$@"`,
      run: `exec c run --runtime ${runtime} --network none $LIMITS "$@"`,
      create: `exec c create --runtime ${runtime} --network none $LIMITS "$@"`,
      health: `till "c inspect -f '{{.State.Health.Status}}' $1 | grep -x $2" && echo $2`,
    });
  }
  const { stderr } = await runScript(bench, `c import ${writeImage(folder)} bb`, "runc");
  assertEquals(stderr, "");
  await compareRuntimes(t, casesOf("docker"), bench);
});
