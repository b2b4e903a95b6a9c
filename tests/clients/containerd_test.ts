/** containerd's shim with hull for its binary does what it does with runc. @module */

import { assertEquals } from "@std/assert";
import { scratchFolder, writeRootfs } from "../fixtures/bundle.ts";
import { DockerDaemon, missingDocker } from "../fixtures/client_daemons.ts";
import {
  cgroupParents,
  type ClientCase,
  compareRuntimes,
  packRootfs,
  runScript,
  RUNTIMES,
  writePrograms,
} from "../fixtures/clients.ts";
import { writeOciLayout } from "../fixtures/oci_archive.ts";
import { testWhere } from "../fixtures/test_where.ts";

const IMAGE = "docker.io/library/hull-bb:1";

const CASES: readonly ClientCase[] = [
  {
    name: "run: output, exit code, a command that is not there",
    script: `
      run --rm ${IMAGE} $N /bin/sh -c 'echo out; exit 7'; echo $?
      run --rm ${IMAGE} $N /nothing 2>/dev/null; echo $?; c container rm $N >/dev/null 2>&1
      run --rm --read-only ${IMAGE} $N /bin/sh -c 'touch /x 2>&1; grep CapBnd /proc/self/status'`,
  },
  {
    name: "run -t: a terminal",
    script: `
      script -qec "run --rm -t ${IMAGE} $N /bin/sh -c 'tty; exit 5'" /dev/null </dev/null | tr -d '\\0'`,
  },
  {
    name: "exec, ps, metrics, pause, resume, kill, rm",
    script: `
      run -d --memory-limit 67108864 ${IMAGE} $N /bin/sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
      c task exec --exec-id e1 $N /bin/sh -c 'echo in; exit 4'; echo $?
      c task exec --exec-id e2 $N /nothing 2>/dev/null; echo $?
      [ $(c task ps $N | wc -l) -gt 1 ] && echo listed; c task metrics $N | grep -cE 'memory|pids'
      c task pause $N; c task ls | awk 'NR>1{print $3}'; c task resume $N; c task ls | awk 'NR>1{print $3}'
      c task kill -s TERM $N; sleep 1; c task ls | awk 'NR>1{print $3}'
      c task rm $N 2>&1 | grep -o 'code.*'; c container rm $N; echo $?`,
  },
];

testWhere(await missingDocker(), "containerd", async (t) => {
  using _cgroups = cgroupParents("hull-runc", "hull-hull");
  using scratch = scratchFolder();
  const { path } = scratch;
  Deno.mkdirSync(`${path}/rootfs`);
  writeRootfs(`${path}/rootfs`);
  packRootfs(`${path}/rootfs`, `${path}/layer.tar`);
  await writeOciLayout(`${path}/layer.tar`, `${path}/image`, IMAGE);
  packRootfs(`${path}/image`, `${path}/image.tar`);
  await using daemon = new DockerDaemon(path);
  assertEquals(await daemon.ready(), undefined);
  const programs = (runtime: string) => `${path}/${runtime}`;
  for (const [runtime, binary] of RUNTIMES) {
    writePrograms(programs(runtime), {
      c: `exec ctr -a ${daemon.containerdSocket} -n hull-${runtime} "$@"`,
      run: `exec c run --runc-binary ${binary} "$@"`,
    });
    const { code, stderr } = await runScript(
      `c image import ${path}/image.tar`,
      programs(runtime),
      "hull-ctr",
    );
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
  }
  for (const [k, tried] of CASES.entries()) {
    await t.step(tried.name, () => compareRuntimes(tried, programs, `hull-ctr-${k}-`));
  }
});
