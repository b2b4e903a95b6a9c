/**
 * Many pods of Kubernetes' on one host, with hull's shim and with runc's: the memory that the shims
 * take in all, and how long a probe takes (ExecSync), one of each in turn.
 *
 * @module
 */

import { median } from "./benchmark/statistics.ts";
import { numbersOf } from "./numbers.ts";
import { clientCgroup } from "../tests/fixtures/cgroup_driver.ts";
import type { CriClient } from "../tests/fixtures/cri.ts";
import { CriHost, NODE, POD } from "../tests/fixtures/cri_host.ts";
import { IMAGE } from "../tests/clients/containerd_cases.ts";

const [pods = 100, probes = 100] = numbersOf(Deno.args);
const NAME = `hull-pods-${Deno.pid}`;
const AT_ONCE = 4;

/** A pod with a container. */
interface PodIds {
  readonly pod: string;
  readonly id: string;
}

async function startPod(cri: CriClient, runtime: string, index: number): Promise<PodIds> {
  const name = `${runtime}-${index}`;
  const sandbox = {
    metadata: { name, uid: name, namespace: "default" },
    linux: {
      cgroupParent: clientCgroup(NAME).parent,
      securityContext: { namespaces: { network: NODE, pid: 1, ipc: POD } },
    },
  };
  const { id: pod } = await cri.call("RunPodSandbox", { config: sandbox, runtimeHandler: runtime });
  const command = ["/bin/sleep", "100000"];
  const config = { metadata: { name: "c" }, image: { image: IMAGE }, command };
  const { id } = await cri.call("CreateContainer", { pod, config, sandbox });
  await cri.call("StartContainer", { id });
  return { pod, id };
}

/** What some calls give, of which so many are under way at once. */
async function inGroups<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let k = 0; k < count; k += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - k);
    results.push(...await Promise.all(Array.from({ length: size }, (_, j) => call(k + j))));
  }
  return results;
}

/** The memory of all shims of the daemon, in MiB: each page is shared by as many as have it. */
function shimMemory(daemonPid: number): { readonly processes: number; readonly mib: number } {
  const space = Deno.readLinkSync(`/proc/${daemonPid}/ns/mnt`);
  const found = [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      if (!/^\d+$/.test(name) || Deno.readLinkSync(`/proc/${name}/ns/mnt`) !== space) return [];
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (!words.includes("shim") || words.includes("containerd.toml")) return [];
      const rollup = Deno.readTextFileSync(`/proc/${name}/smaps_rollup`);
      return [Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024];
    } catch {
      return []; // it has ended
    }
  });
  return { processes: found.length, mib: found.reduce((sum, one) => sum + one, 0) };
}

async function probe(cri: CriClient, id: string): Promise<number> {
  const begin = performance.now();
  const command = ["/bin/true"];
  const { exitCode } = await cri.call("ExecSync", { id, command, timeout: 30n });
  if (exitCode !== 0) throw new Error(`a probe ended with ${exitCode}`);
  return performance.now() - begin;
}

await using host = await CriHost.start(NAME);
const { cri, folder } = host;
const daemonPid = Number(Deno.readTextFileSync(`${folder}/containerd.pid`));
const first: Record<string, string> = {};
let failed = 0;
for (const runtime of ["hull", "runc"]) {
  const before = shimMemory(daemonPid);
  const begin = performance.now();
  const started = await inGroups(pods, (index) => startPod(cri, runtime, index));
  const seconds = (performance.now() - begin) / 1000;
  const after = shimMemory(daemonPid);
  console.log(
    `${runtime}: ${pods} pods in ${seconds.toFixed(1)} s; shims ` +
      `${after.processes - before.processes} processes, ${(after.mib - before.mib).toFixed(1)} MiB`,
  );
  first[runtime] = started[0]?.id ?? "";
  await inGroups(started.length - 1, async (index) => {
    const { pod } = started[index + 1] as PodIds;
    await cri.call("StopPodSandbox", { id: pod });
    await cri.call("RemovePodSandbox", { id: pod });
  });
}
const times: Record<string, number[]> = { hull: [], runc: [] };
for (let k = 0; k < probes; k++) {
  for (const [runtime, all] of Object.entries(times)) {
    try {
      all.push(await probe(cri, first[runtime] as string));
    } catch (error) {
      failed++;
      console.error(`${runtime}: ${error}`);
    }
  }
}
const [hull, runc] = [median(times.hull ?? []), median(times.runc ?? [])];
console.log(
  `ExecSync, ${probes} in turn, medians: hull ${hull.toFixed(1)} ms, runc ${runc.toFixed(1)} ms, ` +
    `ratio ${(hull / runc).toFixed(2)}; ${failed} failed`,
);
if (failed > 0) Deno.exitCode = 1;
