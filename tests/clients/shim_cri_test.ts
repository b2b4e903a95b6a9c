/** hull's shim for containerd does for Kubernetes what runc's does. @module */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import { runScript } from "../fixtures/clients.ts";
import { missingContainerd } from "../fixtures/containerd_daemon.ts";
import type { CriClient } from "../fixtures/cri.ts";
import { CriHost, NODE, POD } from "../fixtures/cri_host.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";
import { IMAGE } from "./containerd_cases.ts";

const NAME = `hull-cri-${Deno.pid}`;
const PROBES = 100;
const PROBE_MS = 50;

/** A pod with two containers that share its namespaces; gives what can be seen of it. */
async function podOf(cri: CriClient, runtime: string, folder: string): Promise<unknown[]> {
  const namespaces = { network: NODE, pid: POD, ipc: POD };
  const logs = `${folder}/logs-${runtime}`;
  const sandbox = {
    metadata: { name: `pod-${runtime}`, uid: `uid-${runtime}`, namespace: "default" },
    logDirectory: logs,
    linux: { cgroupParent: clientCgroup(NAME).parent, securityContext: { namespaces } },
  };
  const { id: pod } = await cri.call("RunPodSandbox", { config: sandbox, runtimeHandler: runtime });
  const seen: unknown[] = [];
  const container = async (name: string, script: string) => {
    const config = {
      metadata: { name },
      image: { image: IMAGE },
      command: ["/bin/sh", "-c", script],
      logPath: `${name}.log`,
      linux: { resources: { memoryLimit: 64n << 20n }, securityContext: { namespaces } },
    };
    const { id } = await cri.call("CreateContainer", { pod, config, sandbox });
    await cri.call("StartContainer", { id });
    return id;
  };
  const run = async (id: string, script: string, timeout = 20n) => {
    const command = ["/bin/sh", "-c", script];
    const { stdout, stderr, exitCode } = await cri.call("ExecSync", { id, command, timeout });
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { stdout: text(stdout), stderr: text(stderr), exitCode };
  };
  const a = await container(
    "a",
    "echo out; echo err >&2; trap 'exit 3' TERM; while :; do sleep 0.1; done",
  );
  const b = await container("b", "sleep 1000");
  seen.push(await run(a, "echo in; echo bad >&2; exit 5"));
  await run(a, "echo shared >/dev/shm/f");
  // The most of ten looks: between two of its sleeps the first container has a process less.
  const processes =
    "for k in 0 1 2 3 4 5 6 7 8 9; do ls /proc | grep -c '^[0-9]*$'; done | sort -n";
  seen.push(await run(b, `cat /dev/shm/f; ${processes} | tail -n 1`));
  const spaces = "for n in ipc uts net pid mnt; do readlink /proc/self/ns/$n; done";
  const [ofA, ofB] = [await run(a, spaces), await run(b, spaces)].map(({ stdout }) =>
    stdout.split("\n")
  );
  seen.push(ofA?.map((name, k) => [name.replace(/\d+/, ""), name === ofB?.[k]]));
  seen.push(
    await run(
      a,
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null",
    ),
  );
  seen.push(
    (await assertRejects(() => run(a, "sleep 100", 1n), Error)).message.replaceAll(
      /[0-9a-f]{64}/g,
      "ID",
    ),
  );
  const { stats } = await cri.call("ContainerStats", { id: a });
  seen.push([(stats?.cpu?.used?.value ?? 0n) > 0n, (stats?.memory?.used?.value ?? 0n) > 0n]);
  const log = Deno.readTextFileSync(`${logs}/a.log`).trim().split("\n");
  seen.push(log.map((line) => line.replace(/^\S+/, "TIME")).sort());
  await cri.call("StopContainer", { id: a, timeout: 10n });
  await cri.call("StopContainer", { id: b, timeout: 0n });
  for (const id of [a, b]) {
    seen.push((await cri.call("ContainerStatus", { id })).status);
    await cri.call("RemoveContainer", { id });
  }
  await cri.call("StopPodSandbox", { id: pod });
  await cri.call("RemovePodSandbox", { id: pod });
  return seen;
}

const missing = CGROUP_DRIVER === "cgroupfs" ? await missingContainerd() : "cgroupfs";

testWhere(missing, "Kubernetes' calls, compared with runc's shim", async (t) => {
  await using host = await CriHost.start(NAME);
  const { folder, daemon, cri } = host;
  const bench = { folder, prefix: NAME, programs: () => daemon.programs };

  await t.step(
    "a pod: shared namespaces, execs, limits, stats, logs, stop and removal",
    async () => {
      const hull = await podOf(cri, "hull", folder);
      assertEquals(hull, await podOf(cri, "runc", folder));
      assertEquals(hull[0], { stdout: "in\n", stderr: "bad\n", exitCode: 5 });
      assertMatch(JSON.stringify(hull), /"exitCode":3.*"exitCode":137/);
    },
  );

  await t.step("options of the plugin's config come to the shim", async () => {
    Deno.writeTextFileSync(`${folder}/options.toml`, `Root = "${folder}/file"\n`);
    const { stdout } = await runScript(bench, "ctr version | grep Version", "hull");
    // containerd 1.6 passes on the name of a file, but no text
    const handlers = stdout.includes(" 1.6.") ? ["file"] : ["file", "text"];
    for (const name of handlers) {
      const sandbox = {
        metadata: { name, uid: name, namespace: "default" },
        linux: {
          cgroupParent: clientCgroup(NAME).parent,
          securityContext: { namespaces: { network: NODE, pid: POD, ipc: POD } },
        },
      };
      const { id: pod } = await cri.call("RunPodSandbox", {
        config: sandbox,
        runtimeHandler: name,
      });
      const state = `${folder}/${name}/~shim/state/k8s.io`;
      assertEquals([...Deno.readDirSync(state)].map(({ name }) => name), [pod]);
      await cri.call("StopPodSandbox", { id: pod });
      await cri.call("RemovePodSandbox", { id: pod });
    }
  });

  await t.step("probes, twenty a second, while the shim is killed", async () => {
    const sandbox = {
      metadata: { name: "probed", uid: "probed", namespace: "default" },
      linux: {
        cgroupParent: clientCgroup(NAME).parent,
        securityContext: { namespaces: { network: NODE, pid: 1, ipc: POD } },
      },
    };
    const { id: pod } = await cri.call("RunPodSandbox", {
      config: sandbox,
      runtimeHandler: "hull",
    });
    const config = {
      metadata: { name: "p" },
      image: { image: IMAGE },
      command: ["/bin/sleep", "1000"],
    };
    const { id } = await cri.call("CreateContainer", { pod, config, sandbox });
    await cri.call("StartContainer", { id });
    const ends: Promise<number | string>[] = [];
    for (let k = 0; k < PROBES; k++) {
      const command = ["/bin/sh", "-c", `exit ${k % 3}`];
      ends.push(
        cri.call("ExecSync", { id, command, timeout: 30n }).then(
          ({ exitCode }) => exitCode,
          (error) => String(error),
        ),
      );
      if (k === PROBES / 2) Deno.kill(await daemon.shimPid() as number, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
    }
    const results = await Promise.all(ends);
    const wrong = results.filter((end, k) => end !== k % 3);
    // Those that were just starting are not started twice: the kubelet is told, and asks again.
    for (const end of wrong) assertMatch(String(end), /the shim was ended while it started/);
    assertEquals((await cri.call("ContainerStatus", { id })).status?.state, 1); // it runs
    await cri.call("StopPodSandbox", { id: pod });
    await cri.call("RemovePodSandbox", { id: pod });
    await until(() => [...Deno.readDirSync(`${daemon.shimRoot}/~shim/state/k8s.io`)].length === 0);
  });
});
