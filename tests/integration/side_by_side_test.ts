import { assertEquals, assertNotEquals } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";

/** What a container sees of itself, a section a subject. */
const LOOK = `
section() { echo "== $1"; }
section namespaces; for n in /proc/self/ns/*; do echo "\${n##*/} $(readlink $n)"; done
section mounts; cat /proc/self/mountinfo
section status; grep -E '^(Uid|Gid|Groups|Cap|Seccomp|NoNewPrivs|Umask)' /proc/self/status
section limits; cat /proc/self/limits
section devices; ls -ln /dev /dev/pts /dev/shm 2>/dev/null | awk '{print $1, $3, $4, $5, $6, $10, $11, $12, $13}' | grep -v ^total
section masked; for p in $MASKED; do if [ -d $p ]; then echo "$p: $(ls -A $p | wc -l)"; elif [ -e $p ]; then echo "$p: $(head -c 100 $p | wc -c) bytes"; else echo "$p: none"; fi; done
section readonly; for p in $READONLY; do if [ -e $p ]; then grep -c " $p ro" /proc/self/mountinfo; fi; done
section sysctls; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced
section environment; env | sort
section identity; id; pwd; hostname; cat /proc/sys/kernel/domainname; cat /proc/self/oom_score_adj; cat /proc/self/personality 2>/dev/null
section fds; ls /proc/self/fd
section cgroups; cat /proc/self/cgroup; for f in memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max devices/devices.list blkio/blkio.throttle.read_bps_device; do echo "$f $(cat /sys/fs/cgroup/$f 2>/dev/null)"; done
section session; cat /proc/self/stat | cut -d' ' -f 5-7
`;

Deno.test("the config of runc spec shows the same with hull as with runc", async () => {
  await compare(() => {});
});

Deno.test("limits, sysctls, users and mounts are the same with hull as with runc", async () => {
  await compare((config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [4, 20], umask: 0o027 };
    config.process.noNewPrivileges = false;
    config.process.oomScoreAdj = 100;
    config.process.rlimits = [
      { type: "RLIMIT_NOFILE", soft: 512, hard: 1024 },
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    ];
    config.process.capabilities = {
      bounding: ["CAP_CHOWN", "CAP_KILL"],
      permitted: ["CAP_KILL"],
      effective: ["CAP_KILL"],
      inheritable: ["CAP_KILL"],
      ambient: ["CAP_KILL"],
    };
    config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "99" };
    config.linux.resources = {
      ...config.linux.resources,
      memory: { limit: 64 << 20, reservation: 32 << 20 },
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
      pids: { limit: 33 },
    };
    config.linux.devices = [
      { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, uid: 5, gid: 6 },
    ];
    config.mounts.push(
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1770"] },
      { destination: "/data", type: "bind", source: "/usr/share", options: ["rbind", "ro"] },
      {
        destination: "/root",
        type: "tmpfs",
        source: "tmpfs",
        options: ["noexec", "noatime", "mode=755"],
      },
    );
    config.root.readonly = false;
  });
});

Deno.test("a user namespace looks the same with hull as with runc", async () => {
  await compare((config) => {
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
});

async function compare(change: (config: Draft) => void): Promise<void> {
  await using hull = new Hull();
  using state = scratchFolder();
  using bundle = makeBundle(LOOK, (config) => {
    change(config);
    const { maskedPaths = [], readonlyPaths = [] } = config.linux;
    config.process.env = [
      "PATH=/bin",
      `MASKED=${maskedPaths.join(" ")}`,
      `READONLY=${readonlyPaths.join(" ")}`,
    ];
  });
  const rootfs = `${bundle.folder}/rootfs`;
  if (bundle.config.linux?.uidMappings !== undefined) {
    Deno.chmodSync(bundle.folder, 0o755);
    run("chown", "-R", "100000:100000", rootfs);
  }
  const id = `hull-side-${crypto.randomUUID().slice(0, 8)}`;
  const theirs = run(
    "sh",
    "-c",
    `exec runc --root ${state.path} run -b ${bundle.folder} ${id} </dev/null`,
  );
  const ours = await hull.call(["run", "-b", bundle.folder, id]);
  assertEquals([ours.code, ours.stderr], [0, ""]);
  const [mine, runcs] = [sections(ours.stdout), sections(theirs)];
  assertEquals([...mine.keys()], [...runcs.keys()]);
  const host = new Map(
    [...Deno.readDirSync("/proc/self/ns")].map(({ name }) => [
      name,
      Deno.readLinkSync(`/proc/self/ns/${name}`),
    ]),
  );
  const compared = (text: string, name: string) => (NORMAL[name] ?? identity)(text, host);
  for (const [name, text] of runcs) {
    assertEquals(compared(mine.get(name) ?? "", name), compared(text, name), name);
  }
  assertNotEquals(mine.get("mounts"), undefined);
}

type Normalize = (text: string, host: ReadonlyMap<string, string>) => string;

const identity: Normalize = (text) => text;

/** What differs from one run to the next is taken out. */
const NORMAL: Readonly<Record<string, Normalize>> = {
  namespaces: (text, host) =>
    text.replaceAll(
      /^(\S+) (\S+)$/gm,
      (_, name: string, link: string) =>
        `${name} ${link === host.get(name) ? "the host's" : "new"}`,
    ),
  // In a user namespace mqueue's folder belongs to whoever made the IPC namespace, in hull the host.
  devices: (text) => text.replace(/^drwxrwxrwt \d+ 65534 /m, "drwxrwxrwt "),
  mounts: (text) =>
    text.split("\n").filter((line) => line !== "").map(mountFields).sort().join("\n"),
};

/**
 * The one field in which hull follows config.json and runc does not: on a cgroup v1 host runc leaves
 * the tmpfs at /sys/fs/cgroup writable, even if the mount's options say ro.
 */
const CGROUP_ROOT = /^(0 \/ \/sys\/fs\/cgroup) (?:ro|rw),/;

/** All of a mountinfo line but the ids of mounts and of anonymous devices: proc(5). */
function mountFields(line: string): string {
  const [before = "", after = ""] = line.split(" - ");
  const [, , device = "", root, place, options, ...optional] = before.split(" ");
  const tags = optional.map((tag) => tag.replace(/:\d+/, ""));
  const number = device.startsWith("0:") ? "0" : device;
  const fields = [number, root, place, options, ...tags, "-", after].join(" ");
  return fields.replace(CGROUP_ROOT, "$1 as it is,");
}

function sections(text: string): Map<string, string> {
  return new Map(
    text.split(/^== /m).slice(1).map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}
