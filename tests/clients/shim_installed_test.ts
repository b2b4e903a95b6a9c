/** containerd's shim as `scripts/install` leaves it. @module */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import {
  packFolder,
  runScript,
  takesOverlays,
  writeImage,
  writePrograms,
} from "../fixtures/clients.ts";
import { ContainerdDaemon, missingContainerd } from "../fixtures/containerd_daemon.ts";
import { BUNDLER, Checkout } from "../fixtures/installation.ts";
import { writeOciLayout } from "../fixtures/oci_archive.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";
import { IMAGE } from "./containerd_cases.ts";

const NAME = `hull-installed-${Deno.pid}`;
const CLEAN = `
for id in $(ctr containers ls -q); do
  ctr task kill -a -s KILL $id; ctr task rm -f $id; ctr containers rm $id
done`;

const missing = CGROUP_DRIVER === "cgroupfs" ? BUNDLER ?? await missingContainerd() : "cgroupfs";

testWhere(
  missing,
  "containerd runs containers with an installed shim, its checkout gone",
  async () => {
    using checkout = new Checkout();
    assertEquals(checkout.install().code, 0);
    checkout.remove();
    const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
    // a folder of PATH can't have every name
    const bin = `${folder}/bin`;
    Deno.mkdirSync(bin);
    const shim = "containerd-shim-hull-v1";
    Deno.symlinkSync(`${checkout.prefix}/bin/${shim}`, `${bin}/${shim}`);
    await using daemon = new ContainerdDaemon(folder, NAME, CLEAN, { shims: bin });
    await daemon.ready();
    await writeOciLayout(writeImage(folder), `${folder}/image`, IMAGE);
    packFolder(`${folder}/image`, `${folder}/oci.tar`);
    const snapshotter = `--snapshotter ${takesOverlays(folder) ? "overlayfs" : "native"}`;
    const place = `--cgroup ${clientCgroup(NAME).parent}/$N-$i --fifo-dir ${folder}/fifo`;
    const programs = `${folder}/hull`;
    writePrograms(programs, {
      c: `exec ${daemon.programs}/ctr "$@"`,
      run: `i=$1; shift; exec c run --runtime io.containerd.hull.v1 ${snapshotter} ${place} "$@"`,
    });
    const sh = async (script: string) => {
      const bench = { folder, prefix: NAME, programs: () => programs };
      const { stdout, stderr } = await runScript(bench, script, "hull", NAME);
      return stdout + stderr;
    };
    await sh(`c image import ${snapshotter} ${folder}/oci.tar`);

    const run = (i: number) =>
      sh(`run ${i} --rm ${IMAGE} $N-${i} /bin/sh -c 'sleep 1; exit 7'; echo $?`);
    assertEquals(await run(1), "7\n"); // by the launcher: nobody serves yet
    const server = await daemon.shimPid() ?? 0;
    const isOfInstalled = Deno.readTextFileSync(`/proc/${server}/cmdline`).includes(
      checkout.prefix,
    );
    assertEquals(isOfInstalled, true);
    assertEquals(await run(2), "7\n"); // by the client
    assertEquals(await daemon.shimPid(), server);

    await sh(`run 3 -d ${IMAGE} $N-3 /bin/sh -c "trap 'exit 3' TERM; while :; do sleep 0.1; done"`);
    Deno.kill(server, "SIGKILL");
    await until(async () => ![undefined, server].includes(await daemon.shimPid()), 30);
    assertMatch(
      await sh(
        `c task exec --exec-id e --fifo-dir ${folder}/fifo $N-3 /bin/sh -c 'echo in; sleep 1'`,
      ),
      /^in\n$/,
    );
    await sh(`c task kill -s TERM $N-3; till "c task ls | grep $N-3 | grep STOPPED"`);
    assertMatch(await sh(`c task rm $N-3`), /non-zero exit code 3/);
    assertEquals(await sh(`c containers rm $N-3`), "");
    assertNotEquals(await daemon.shimPid(), server);
  },
);
