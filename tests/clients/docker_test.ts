/** Docker with hull for a runtime does what it does with runc. @module */

import { assertEquals } from "@std/assert";
import { scratchFolder, writeRootfs } from "../fixtures/bundle.ts";
import { DockerDaemon, missingDocker } from "../fixtures/client_daemons.ts";
import {
  cgroupParents,
  compareRuntimes,
  packRootfs,
  runScript,
  writePrograms,
} from "../fixtures/clients.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { ENGINE_CASES } from "./engine_cases.ts";

testWhere(await missingDocker(), "Docker", async (t) => {
  using _cgroups = cgroupParents("docker");
  using scratch = scratchFolder();
  const { path } = scratch;
  Deno.mkdirSync(`${path}/rootfs`);
  writeRootfs(`${path}/rootfs`);
  const alice = "alice:x:1000:1000::/:/bin/sh\n";
  Deno.writeTextFileSync(`${path}/rootfs/etc/passwd`, alice, { append: true });
  const groups = "alice:x:1000:\nstaff:x:50:alice\nnogroup:x:65534:\n";
  Deno.writeTextFileSync(`${path}/rootfs/etc/group`, groups, { append: true });
  packRootfs(`${path}/rootfs`, `${path}/image.tar`);
  await using daemon = new DockerDaemon(path);
  assertEquals(await daemon.ready(), undefined);
  for (const runtime of ["runc", "hull"]) {
    writePrograms(`${path}/${runtime}`, {
      c: `exec docker -H unix://${daemon.socket} "$@"`,
      run: `exec c run --runtime ${runtime} --network none $LIMITS "$@"`,
      create: `exec c create --runtime ${runtime} --network none $LIMITS "$@"`,
      health: 'sleep 3; c inspect -f "{{.State.Health.Status}}" "$1"',
    });
  }
  const programs = (runtime: string) => `${path}/${runtime}`;
  await runScript(`c import ${path}/image.tar bb`, programs("runc"), "hull-docker");
  try {
    for (const [k, tried] of ENGINE_CASES.entries()) {
      if ((tried.only ?? "docker") !== "docker") continue;
      await t.step(tried.name, () => compareRuntimes(tried, programs, `hull-docker-${k}-`));
    }
  } finally {
    await runScript("c rm -f $(c ps -aq)", programs("runc"), "hull-docker");
  }
});
