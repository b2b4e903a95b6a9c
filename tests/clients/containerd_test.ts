/** containerd's shim with hull for its binary does what it does with runc. @module */

import { assertEquals } from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import { DockerDaemon, missingDocker } from "../fixtures/client_daemons.ts";
import {
  compareRuntimes,
  packFolder,
  runScript,
  RUNTIMES,
  takesOverlays,
  writeImage,
  writePrograms,
} from "../fixtures/clients.ts";
import { writeOciLayout } from "../fixtures/oci_archive.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { CONTAINERD_CASES, IMAGE } from "./containerd_cases.ts";

const NAME = `hull-ctr-${Deno.pid}`;
const { parent: PARENT } = clientCgroup(NAME);
/** Flags for a container's cgroup, and its path below each hierarchy, both of its name in sh. */
const [cgroupOf, folderOf] = CGROUP_DRIVER === "systemd"
  ? [
    (id: string) => `--runc-systemd-cgroup --cgroup ${PARENT}:ctr:${id}`,
    (id: string) => `${PARENT}/ctr-${id}.scope`,
  ]
  : [(id: string) => `--cgroup ${PARENT}/${id}`, (id: string) => `${NAME}/${id}`];
const CLEAN = `
for space in $(ctr namespaces ls -q | grep -x "${NAME}-.*"); do
  for id in $(ctr -n $space containers ls -q); do
    ctr -n $space task kill -a -s KILL $id; ctr -n $space task rm -f $id; ctr -n $space containers rm $id
  done
done`;

testWhere(await missingDocker(), "containerd", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  await using daemon = new DockerDaemon(folder, NAME, CLEAN);
  assertEquals(await daemon.ready(), undefined);
  await writeOciLayout(writeImage(folder), `${folder}/image`, IMAGE);
  packFolder(`${folder}/image`, `${folder}/oci.tar`);
  const bench = {
    folder,
    prefix: NAME,
    programs: (runtime: string) => `${folder}/${runtime}`,
  };
  const snapshotter = takesOverlays(folder) ? "overlayfs" : "native";
  for (const [runtime, binary] of RUNTIMES) {
    const fifos = `--fifo-dir ${folder}/fifo`;
    const own = `--runc-binary ${binary} ${fifos} --snapshotter ${snapshotter}`;
    writePrograms(bench.programs(runtime), {
      c: `exec ${daemon.programs}/ctr -n ${NAME}-${runtime} "$@"`,
      run: `exec c run ${cgroupOf("$N")} ${own} "$@"`,
      enter: `exec c task exec ${fifos} "$@"`,
      numbered: `exec c run ${cgroupOf("$N-$i")} ${own} "$@"`,
      place: `echo ${folderOf("$N")}`,
    });
    const imported = `c image import --snapshotter ${snapshotter} ${folder}/oci.tar`;
    const { code, stderr } = await runScript(bench, imported, runtime);
    assertEquals(code, 0, stderr);
  }
  await compareRuntimes(t, CONTAINERD_CASES, bench);
});
