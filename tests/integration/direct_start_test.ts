/** A direct start and a re-executed init make the same container. @module */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { differences, LOOK } from "../fixtures/container_look.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** Beside what runc and hull are compared by: signals, keyrings, and the whole of the environment. */
const MORE = `
section signals; grep -E '^(Sig[PBIC]|Shd|Speculation|THP|Seccomp|TracerPid)' /proc/self/status
section scheduling; cut -d' ' -f 18,19,40,41 /proc/self/stat; cat /proc/self/cpuset; grep -E '^(Cpus|Mems)_' /proc/self/status
section streams; for n in 0 1 2; do stat -Lc '%a %u %g %F' /proc/self/fd/$n; done
section keyring; cat /proc/keys 2>/dev/null | awk '{print $2, $4, $5, $6, $7, $8}'
section clocks; cat /proc/self/timens_offsets 2>/dev/null
section parent; cut -d' ' -f 2,4 /proc/1/stat
`;

const USER = { containerID: 0, hostID: 100_000, size: 65_536 };

/** What is started both ways. */
const CONFIGS: Readonly<Record<string, (config: Draft) => void>> = {
  "what runc spec writes": () => {},
  "a user namespace": (config) => {
    config.linux.namespaces?.push({ type: "user" });
    config.linux.uidMappings = [USER];
    config.linux.gidMappings = [USER];
  },
  "a filter, limits, sysctls, a user and ambient capabilities": (config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [4, 20], umask: 0o027 };
    config.process.noNewPrivileges = false;
    config.process.oomScoreAdj = 100;
    config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 512, hard: 1024 }];
    const sets = ["CAP_KILL"];
    config.process.capabilities = {
      bounding: ["CAP_CHOWN", "CAP_KILL"],
      permitted: sets,
      effective: sets,
      inheritable: sets,
      ambient: sets,
    };
    config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "99" };
    config.linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdirat"], action: "SCMP_ACT_ERRNO" }],
    };
  },
  "a time namespace, a cgroup namespace, a scheduler": (config) => {
    const { namespaces = [] } = config.linux; // on cgroup v2 runc has one of cgroups by itself
    namespaces.push({ type: "time" });
    if (namespaces.every(({ type }) => type !== "cgroup")) namespaces.push({ type: "cgroup" });
    config.linux.timeOffsets = { boottime: { secs: 1000 } };
    config.process.scheduler = { policy: "SCHED_BATCH", nice: 5 };
    config.process.ioPriority = { class: "IOPRIO_CLASS_BE", priority: 6 };
  },
  "devices, tmpcopyup, binds, shared propagation": (config) => {
    config.linux.rootfsPropagation = "shared";
    config.linux.devices = [
      { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, uid: 5, gid: 6 },
    ];
    config.mounts.push(
      { destination: "/etc", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"] },
      { destination: "/data", type: "bind", source: "/usr/share", options: ["rbind", "ro"] },
      { destination: "/root", type: "tmpfs", source: "tmpfs", options: ["noexec"] },
    );
  },
  "no pid, network or ipc namespace of its own": (config) => {
    config.linux.namespaces = [{ type: "mount" }, { type: "uts" }];
    delete config.hostname;
  },
  "hooks of every kind": (config) => {
    const touch = { path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null"] };
    config.hooks = {
      createRuntime: [touch],
      createContainer: [touch],
      startContainer: [touch],
      poststart: [touch],
      poststop: [touch],
    };
  },
};

for (const [name, change] of Object.entries(CONFIGS)) {
  Deno.test(`a container started directly is the same as by a re-executed init: ${name}`, async () => {
    await leavesNothing("hull-direct", async () => {
      await using hull = new Hull();
      using bundle = makeBundle(LOOK + MORE, (config) => {
        change(config);
        config.process.env = ["PATH=/bin", "MASKED=/proc/keys /proc/acpi", "READONLY=/proc/bus"];
      });
      if (bundle.config.linux?.uidMappings !== undefined) {
        Deno.chmodSync(bundle.folder, 0o755);
        run("chown", "-R", "100000:100000", `${bundle.folder}/rootfs`);
      }
      const looks: string[] = [];
      for (const kind of ["direct", "reexec"]) {
        const args = ["run", "--init", kind, "-b", bundle.folder, "hull-direct"];
        const { code, stdout, stderr } = await hull.call(args);
        assertEquals([code, stderr], [0, ""], kind);
        looks.push(stdout);
      }
      const [direct = "", reexec = ""] = looks;
      assertNotEquals(direct, "");
      assertEquals(differences(direct, reexec), {});
    });
  });
}

Deno.test("hull says which way it goes, and takes the one that is asked for or refuses it", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("cat /proc/self/comm >/dev/null");
  using joining = makeBundle("exit 0", (config) => {
    config.linux.namespaces = [{ type: "mount" }, { type: "pid", path: "/proc/self/ns/pid" }];
    delete config.hostname;
  });
  const told = async (folder: string, init = "auto") =>
    (await hull.call(["--debug", "run", "--init", init, "-b", folder, "hull-way"])).stderr;
  assertStringIncludes(await told(bundle.folder), "is created directly");
  const asked = await told(bundle.folder, "reexec");
  assertStringIncludes(asked, "by a re-executed init, since it is asked for");
  const why = "since a direct start can't join a pid or user namespace";
  assertStringIncludes(await told(joining.folder), why);
  const refused = await hull.refuse("run", "--init", "direct", "-b", joining.folder, "hull-way");
  assertStringIncludes(refused, "a direct start can't join a pid or user namespace");
  assertStringIncludes(refused, "/linux/namespaces");
  const unknown = await hull.refuse("run", "--init=fast", "-b", bundle.folder, "hull-way");
  assertStringIncludes(unknown, "use auto, direct or reexec");
  const plan = JSON.parse(await hull.must("plan", "--init", "auto", "--json", "-b", bundle.folder));
  assert(plan.some(({ syscall }: { syscall: string }) => syscall === "execveat"));
});

Deno.test("a created container that was started directly holds no runtime's memory", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 5");
  await hull.detach("create", "--init", "direct", "-b", bundle.folder, "hull-small");
  const { pid } = JSON.parse(await hull.must("state", "hull-small"));
  const rollup = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const kib = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]);
  assert(kib < 512, `${kib} KiB`);
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "hull-init\0hull-small\0");
  await hull.must("delete", "--force", "hull-small");
});
