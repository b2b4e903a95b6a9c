/** hull's own shim for containerd does what runc's does. @module */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import {
  type ClientBench,
  compareRuntimes,
  packFolder,
  runScript,
  RUNTIMES,
  takesOverlays,
  writeImage,
  writePrograms,
} from "../fixtures/clients.ts";
import { ContainerdDaemon, missingContainerd } from "../fixtures/containerd_daemon.ts";
import { writeOciLayout } from "../fixtures/oci_archive.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { SLOWNESS, until } from "../fixtures/until.ts";
import { CONTAINERD_CASES, IMAGE } from "./containerd_cases.ts";
import { SHIM_CASES } from "./shim_cases.ts";

const NAME = `hull-shim-${Deno.pid}`;
const { parent: PARENT } = clientCgroup(NAME);
const TYPES: Readonly<Record<string, string>> = {
  runc: "io.containerd.runc.v2",
  hull: "io.containerd.hull.v1",
};
const CLEAN = `
for space in $(ctr namespaces ls -q | grep -x "${NAME}-.*"); do
  for id in $(ctr -n $space containers ls -q); do
    ctr -n $space task kill -a -s KILL $id; ctr -n $space task rm -f $id; ctr -n $space containers rm $id
  done
done`;

/** A containerd with the image in a namespace for each runtime. */
async function bench(): Promise<
  { daemon: ContainerdDaemon; bench: ClientBench & { snapshotter: string } }
> {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const daemon = new ContainerdDaemon(folder, NAME, CLEAN);
  try {
    await daemon.ready();
    await writeOciLayout(writeImage(folder), `${folder}/image`, IMAGE);
    packFolder(`${folder}/image`, `${folder}/oci.tar`);
    const own = {
      folder,
      prefix: NAME,
      programs: (runtime: string) => `${folder}/${runtime}`,
    };
    const snapshotter = takesOverlays(folder) ? "overlayfs" : "native";
    for (const [runtime] of RUNTIMES) {
      const fifos = `--fifo-dir ${folder}/fifo`;
      const flags = `--runtime ${TYPES[runtime]} ${fifos} --snapshotter ${snapshotter}`;
      writePrograms(own.programs(runtime), {
        c: `exec ${daemon.programs}/ctr -n ${NAME}-${runtime} "$@"`,
        run: `exec c run --cgroup ${PARENT}/$N ${flags} "$@"`,
        enter: `exec c task exec ${fifos} "$@"`,
        numbered: `exec c run --cgroup ${PARENT}/$N-$i ${flags} "$@"`,
        place: `echo ${NAME}/$N`,
      });
      const imported = `c image import --snapshotter ${snapshotter} ${folder}/oci.tar`;
      const { code, stderr } = await runScript(own, imported, runtime);
      assertEquals(code, 0, stderr);
    }
    return { daemon, bench: { ...own, snapshotter } };
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether some words stand in what is kept of the tasks. */
function isKept(root: string, words: string): boolean {
  const folder = `${root}/~shim/tasks/${NAME}-hull`;
  return [...Deno.readDirSync(folder)].some(({ name }) => {
    try {
      return Deno.readTextFileSync(`${folder}/${name}`).includes(words);
    } catch {
      return false; // it has its name from a moment ago no more
    }
  });
}

const missing = CGROUP_DRIVER === "cgroupfs" ? await missingContainerd() : "cgroupfs";

testWhere(missing, "containerd's shim, compared with runc's", async (t) => {
  const { daemon: own, bench: compared } = await bench();
  await using _daemon = own;
  await compareRuntimes(t, [...SHIM_CASES, ...CONTAINERD_CASES], compared);
});

testWhere(missing, "containerd's shim and what may be killed", async (t) => {
  const { daemon: own, bench: killed } = await bench();
  await using daemon = own;
  const sh = async (script: string) => {
    const { stdout, stderr } = await runScript(killed, script, "hull", `${NAME}-k`);
    return stdout + stderr;
  };
  const loop =
    'trap "exit 3" TERM; i=0; while :; do i=$((i+1)); echo $i >/b; mv /b /beat; sleep 0.1; done';

  await t.step(
    "a container lives on when containerd is killed, and is the same afterwards",
    async () => {
      await sh(`export i=1; numbered -d ${IMAGE} $N-1 /bin/sh -c '${loop}'`);
      const before = await sh(`c task ls -q; c task ps $N-1 | sed -n 2p`);
      const shim = await daemon.shimPid();
      await daemon.restart();
      assertEquals(await sh(`c task ls -q; c task ps $N-1 | sed -n 2p`), before);
      assertEquals(await daemon.shimPid(), shim);
      assertMatch(await sh(`enter --exec-id e $N-1 /bin/sh -c 'cat /beat; sleep 1'`), /^\d+\n$/);
      await sh(`c task kill -s TERM $N-1; till "c task ls | grep $N-1 | grep STOPPED"`);
      assertStringIncludes(await sh(`c task rm $N-1`), "non-zero exit code 3");
      assertEquals(await sh(`c containers rm $N-1`), "");
    },
  );

  await t.step("an end is told that came while containerd was away", async () => {
    await sh(
      `export i=2; numbered -d ${IMAGE} $N-2 /bin/sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exit 9'`,
    );
    const pid = (await sh(`c task ls | grep $N-2 | awk '{print $2}'`)).trim();
    const restarted = daemon.restart();
    Deno.writeTextFileSync(`/proc/${pid}/root/go`, "");
    await restarted;
    await sh(`till "c task ls | grep $N-2 | grep STOPPED"`);
    assertStringIncludes(await sh(`c task rm $N-2`), "non-zero exit code 9");
    assertEquals(await sh(`c containers rm $N-2`), "");
  });

  await t.step(
    "one process serves all containers, of all namespaces, and they see their own",
    async () => {
      await sh(`export i=3; numbered -d ${IMAGE} $N-3 /bin/sh -c '${loop}'`);
      const shim = await daemon.shimPid();
      const other = `ctr -n ${NAME}-other`;
      const path = `${killed.folder}/oci.tar`;
      const started = await sh(`PATH=${daemon.programs}:$PATH
      ${other} image import --snapshotter ${killed.snapshotter} ${path} >/dev/null
      ${other} run -d --runtime ${
        TYPES["hull"]
      } --snapshotter ${killed.snapshotter} --cgroup ${PARENT}/$N-4 \\
        --fifo-dir ${killed.folder}/fifo ${IMAGE} $N-3 /bin/sh -c '${loop}'
      ${other} task ls -q; ${other} task kill -s KILL $N-3
      till "${other} task ls | grep STOPPED"; ${other} task rm $N-3; ${other} containers rm $N-3
      c task ls -q`);
      assertEquals(started.replace(/time=.*\n/, ""), "NAME-3\nNAME-3\n");
      assertEquals(await daemon.shimPid(), shim);
      await sh(`c task rm -f $N-3; c containers rm $N-3`);
    },
  );

  await t.step(
    "nobody notices that the shim is killed: calls, streams, terminals go on",
    async () => {
      await sh(`export i=5; numbered -d ${IMAGE} $N-5 /bin/sh -c '${loop}'`);
      const shim = await daemon.shimPid() as number;
      const going = [
        `enter --exec-id a $N-5 /bin/sh -c 'echo begin; till -e /go; echo end; sleep 1; exit 4'; echo $?`,
        `script -qec "enter -t --exec-id b $N-5 /bin/sh -c 'echo begin; till -e /go; echo end; sleep 1; exit 5'" /dev/null </dev/null; echo $?`,
        `export i=6; numbered --rm ${IMAGE} $N-6 /bin/sh -c 'echo begin; till -e /go; echo end; sleep 1; exit 6'; echo $?`,
      ].map((script) =>
        sh(script.replace("till -e /go", "while [ ! -e /go ]; do sleep 0.1; done"))
      );
      const pids = async () =>
        (await sh(`c task ls | awk -v n=$N '$1 ~ n"-[56]" {print $2}'`)).trim().split("\n");
      await until(async () => (await sh(`c task ps $N-5`)).trim().split("\n").length > 4, 20);
      await until(async () => (await pids()).length === 2, 20);
      Deno.kill(shim, "SIGKILL");
      assertEquals((await sh(`c task ls -q`)).trim().split("\n").sort(), ["NAME-5", "NAME-6"]);
      assertNotEquals(await daemon.shimPid(), shim);
      for (const pid of await pids()) Deno.writeTextFileSync(`/proc/${pid}/root/go`, "");
      const ends = (await Promise.all(going)).map((text) => text.replaceAll(/\r|\0|\^@/g, ""));
      assertEquals(ends, [4, 5, 6].map((code) => `begin\nend\n${code}\n`));
    },
  );

  await t.step("a shim that is killed again and again loses nothing", async () => {
    let isOver = false;
    const killing = (async () => {
      while (!isOver) {
        const pid = await daemon.shimPid();
        if (pid !== undefined) Deno.kill(pid, "SIGKILL");
        await new Promise((resolve) => setTimeout(resolve, 700 * SLOWNESS));
      }
    })();
    try {
      for (let k = 0; k < 8; k++) {
        const out = await sh(
          `enter --exec-id x${k} $N-5 /bin/sh -c 'echo ${k}; exit ${k}'; echo $?`,
        );
        // A process that was about to start is not started twice: the client is told.
        if (!out.includes("the shim was ended while it started")) {
          assertMatch(out, new RegExp(`${k}\n$`), `exec ${k}`);
        }
      }
    } finally {
      isOver = true;
      await killing;
    }
    const ending = await sh(
      `c task kill -s TERM $N-5; till "c task ls | grep $N-5 | grep STOPPED"`,
    );
    assertStringIncludes(await sh(`c task rm $N-5`), "non-zero exit code 3", ending);
    assertEquals(await sh(`c containers rm $N-5`), "");
  });

  await t.step("what is kept later of a task is not kept of the next one of its name", async () => {
    const run = `export i=7; numbered -d ${IMAGE} $N-7 /bin/sh -c '${loop}'`;
    const end = `c task kill -s KILL $N-7; till "c task ls | grep $N-7 | grep STOPPED"
      c task rm $N-7; c containers rm $N-7`;
    await sh(`${run}; enter --exec-id e $N-7 /bin/true; ${end}; ${run}`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = await sh(`c task ls | grep $N-7`);
    assertStringIncludes(before, "RUNNING");
    Deno.kill(await daemon.shimPid() as number, "SIGKILL");
    assertEquals(await sh(`c task ls | grep $N-7; enter --exec-id e $N-7 /bin/true`), before);
    await sh(end);
  });

  await t.step("an end is told that came shortly before the shim was killed", async () => {
    await sh(`export i=8; numbered -d ${IMAGE} $N-8 /bin/sh -c '${loop}'`);
    for (let k = 0; k < 10; k++) {
      const killed = (async () => {
        await new Promise((resolve) => setTimeout(resolve, 100 + 20 * k));
        const pid = await daemon.shimPid();
        if (pid !== undefined) Deno.kill(pid, "SIGKILL");
      })();
      const out = await sh(`enter --exec-id y $N-8 /bin/sh -c 'exit ${k}'; echo $?
        enter --exec-id y $N-8 /bin/true; echo $?`);
      await killed;
      if (!out.includes("the shim was ended while it started")) {
        assertEquals(out, `${k}\n0\n`, `exec ${k}`);
      } else await sh(`c task delete --exec-id y $N-8`);
    }
    await sh(`c task kill -s KILL $N-8; till "c task ls | grep $N-8 | grep STOPPED"
      c task rm $N-8; c containers rm $N-8`);
  });

  await t.step("a process whose start was cut short does not run", async () => {
    await sh(`export i=9; numbered -d ${IMAGE} $N-9 /bin/sh -c '${loop}'`);
    const started = async () => {
      const pids = (await sh(`c task ps $N-9 | awk 'NR > 1 {print $1}'`)).trim().split("\n");
      return pids.filter((pid) => {
        try {
          return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("1234");
        } catch {
          return false; // one of the short ones of the loop
        }
      });
    };
    for (let k = 0; k < 20; k++) {
      await until(async () => await daemon.shimPid() !== undefined);
      const shim = await daemon.shimPid() as number;
      const cut = (async () => {
        // The start comes some milliseconds after this, and is soon done.
        for (const end = Date.now() + 20_000; !isKept(daemon.shimRoot, `"execId":"z${k}"`);) {
          assert(Date.now() < end);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        for (const end = performance.now() + k / 3; performance.now() < end;);
        Deno.kill(shim, "SIGKILL");
      })();
      const out = await sh(`enter --detach --exec-id z${k} $N-9 sleep 1234`);
      await cut;
      if (out !== "") assertStringIncludes(out, "the shim was ended while it started");
      assertEquals((await started()).length, out === "" ? 1 : 0, `exec ${k}: ${out}`);
      await sh(`c task kill --exec-id z${k} -s KILL $N-9; c task delete --exec-id z${k} $N-9`);
      await until(async () => (await started()).length === 0);
    }
    await sh(`c task kill -s KILL $N-9; till "c task ls | grep $N-9 | grep STOPPED"
      c task rm $N-9; c containers rm $N-9`);
  });

  await t.step("nobody notices that those are killed that the shim stands on", async () => {
    await sh(`export i=10; numbered -d ${IMAGE} $N-10 /bin/sh -c '${loop}'`);
    for (const [times, name] of ["starter", "kept/keeper"].entries()) {
      const shim = await daemon.shimPid();
      const path = `${daemon.shimRoot}/~shim/${name}.json`;
      const pid = (): number | undefined => {
        try {
          const known = JSON.parse(Deno.readTextFileSync(path));
          return (known.identity ?? known).pid;
        } catch {
          return undefined; // it is about to be written
        }
      };
      const waits = sh(
        `enter --exec-id w-${times} $N-10 /bin/sh -c 'sleep 3; echo words; exit 6'; echo $?`,
      );
      await until(() => isKept(daemon.shimRoot, `"execId":"w-${times}"`), 20);
      await new Promise((resolve) => setTimeout(resolve, 500)); // it runs
      const before = pid();
      Deno.kill(before as number, "SIGKILL");
      await until(() => ![before, undefined].includes(pid()));
      assertEquals(await daemon.shimPid(), shim);
      if (name !== "starter") Deno.kill(shim as number, "SIGKILL");
      assertEquals(await waits, "words\n6\n");
      await until(async () => await daemon.shimPid() !== undefined, 10);
      Deno.kill(await daemon.shimPid() as number, "SIGKILL");
      assertEquals(await sh(`enter --exec-id v $N-10 /bin/sh -c 'exit 4'; echo $?`), "4\n");
      assertStringIncludes(await sh(`c task ls`), "RUNNING");
    }
    await sh(`c task kill -s KILL $N-10; till "c task ls | grep $N-10 | grep STOPPED"
      c task rm $N-10; c containers rm $N-10`);
  });

  await t.step("nothing is left", async () => {
    const left = [...Deno.readDirSync(`${daemon.shimRoot}/~shim/state/${NAME}-hull`)];
    assertEquals(left, []);
    await until(async () => await sh("c task ls -q") === "");
  });
});
