/** A pod with a network of its own, and a port of the node's that leads to it. @module */

import { assertEquals, assertMatch } from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import { runScript } from "../fixtures/clients.ts";
import { missingContainerd } from "../fixtures/containerd_daemon.ts";
import { CNI_PROGRAMS, CriHost, POD, POD_NETWORK } from "../fixtures/cri_host.ts";
import { exists } from "../fixtures/exists.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { IMAGE } from "./containerd_cases.ts";

const NAME = `hull-ports-${Deno.pid}`;
const [INNER, OUTER] = [8080, 18080];

const namespaces = { network: POD, pid: POD, ipc: POD };
const linux = { cgroupParent: clientCgroup(NAME).parent, securityContext: { namespaces } };

/** Runs a pod that serves; gives what is to be seen of it from the node, while it is there and after. */
async function served({ cri, daemon, folder }: CriHost, runtime: string): Promise<unknown[]> {
  const sandbox = {
    metadata: { name: `served-${runtime}`, uid: runtime, namespace: "default" },
    hostname: "served",
    ports: [{ containerPort: INNER, hostPort: OUTER }],
    linux,
  };
  const bench = { folder, prefix: NAME, programs: () => daemon.programs };
  const onNode = async (script: string) => {
    const entered = `nsenter -n -t $(cat ${folder}/containerd.pid) bash -c '${script}'`;
    return await runScript(bench, entered, "hull");
  };
  const asked = (host: string, port: number) =>
    `exec 3<>/dev/tcp/${host}/${port} && printf "GET /name HTTP/1.0\\r\\n\\r\\n" >&3 && tail -n 1 <&3`;
  const fetched = (host: string, port: number) =>
    onNode(
      `for k in $(seq 50); do (${asked(host, port)}) 2>/dev/null && exit; sleep 0.1; done; exit 9`,
    );
  const { id: pod } = await cri.call("RunPodSandbox", { config: sandbox, runtimeHandler: runtime });
  const config = {
    metadata: { name: "server" },
    image: { image: IMAGE },
    command: [
      "/bin/sh",
      "-c",
      `mkdir /tmp/w; hostname >/tmp/w/name; httpd -f -p ${INNER} -h /tmp/w`,
    ],
    linux: { securityContext: { namespaces } },
  };
  const { id } = await cri.call("CreateContainer", { pod, config, sandbox });
  await cri.call("StartContainer", { id });
  const { status } = await cri.call("PodSandboxStatus", { id: pod });
  const ip = status?.network?.ip ?? "";
  assertMatch(ip, new RegExp(`^${POD_NETWORK.replaceAll(".", "\\.")}\\.\\d+$`));
  const seen: unknown[] = [await fetched(ip, INNER), await fetched(`${POD_NETWORK}.1`, OUTER)];
  const command = ["/bin/sh", "-c", "ip -o -4 addr show eth0 | wc -l; ip route | wc -l"];
  const inside = await cri.call("ExecSync", { id, command, timeout: 10n });
  seen.push(new TextDecoder().decode(inside.stdout), inside.exitCode);
  await cri.call("StopPodSandbox", { id: pod });
  await cri.call("RemovePodSandbox", { id: pod });
  seen.push((await onNode(`(${asked(`${POD_NETWORK}.1`, OUTER)}) && echo there`)).code);
  seen.push(await onNode("iptables -t nat -S | grep -c DNAT; ip -o link | grep -c veth"));
  return seen;
}

const missing = CGROUP_DRIVER !== "cgroupfs"
  ? "cgroupfs"
  : await missingContainerd() ?? (exists(`${CNI_PROGRAMS}/portmap`) ? undefined : CNI_PROGRAMS);

testWhere(missing, "a port of the node's leads to a pod, as with runc's shim", async () => {
  await using host = await CriHost.start(NAME, true);
  const hull = await served(host, "hull");
  assertEquals(hull, await served(host, "runc"));
  assertMatch(JSON.stringify(hull.slice(0, 2)), /served.*served/);
});
