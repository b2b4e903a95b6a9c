import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ContainerErrorJson } from "../../src/errors.ts";
import { detectSecurityModules } from "../../src/security/lsm.ts";
import { type Bundle, type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { CGROUPFS } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { isV1 } from "../fixtures/test_cgroup.ts";
import { LONG_LIVED, testWhere } from "../fixtures/test_where.ts";

/** A fault that a config has, and what its error must say. */
interface Fault {
  readonly name: string;
  readonly change: (config: Draft, folder: string) => void;
  readonly says: Partial<ContainerErrorJson>;
}

/** A fault a step, made with what a user could write. */
const FAULTS: readonly Fault[] = [
  {
    name: "namespaces: the file to join is none of a namespace",
    change: ({ linux }) => join(linux, "network", "/proc/self/status"),
    says: { step: "namespaces", syscall: "ioctl", errno: "ENOTTY", path: "/proc/self/status" },
  },
  {
    name: "namespaces: the file to join is missing",
    change: ({ linux }) => join(linux, "network", "/run/no-such-namespace"),
    says: {
      step: "namespaces",
      syscall: "openat",
      errno: "ENOENT",
      path: "/run/no-such-namespace",
    },
  },
  {
    name: "sources: a bind's source is missing",
    change: ({ mounts }) => mount(mounts, "/data", "bind", "/no/such/source", ["bind"]),
    says: { step: "sources", syscall: "openat", errno: "ENOENT", path: "/no/such/source" },
  },
  {
    name: "mounts: an unknown file system",
    change: ({ mounts }) => mount(mounts, "/data", "nosuchfs", "none", []),
    says: { step: "mounts", syscall: "fsopen", errno: "ENODEV", path: "/data" },
  },
  {
    name: "mounts: an option that the file system does not know",
    change: ({ mounts }) => mount(mounts, "/data", "tmpfs", "tmpfs", ["nosuchoption=1"]),
    says: { step: "mounts", syscall: "fsconfig", errno: "EINVAL", path: "/data" },
  },
  {
    name: "mounts: the place is a file and the source a folder",
    change: ({ mounts }) => mount(mounts, "/etc/passwd", "bind", "/usr", ["bind"]),
    says: { step: "mounts", syscall: "openat2", errno: "ENOTDIR", path: "/etc/passwd" },
  },
  {
    name: "mounts: the file system is full",
    change: ({ mounts }) => {
      mount(mounts, "/data", "tmpfs", "tmpfs", ["nr_inodes=1"]);
      mount(mounts, "/data/new", "tmpfs", "tmpfs", []);
    },
    says: { step: "mounts", syscall: "mkdirat", errno: "ENOSPC", path: "/data/new" },
  },
  {
    name: "devices: /dev is full",
    change: ({ mounts, linux }) => {
      const dev = mounts.find(({ destination }) => destination === "/dev");
      if (dev !== undefined) dev.options = ["nosuid", "nr_inodes=4"];
      linux.devices = [{ path: "/dev/one", type: "c", major: 1, minor: 3 }];
      linux.readonlyPaths = [];
      const ownFolders = ["/dev/pts", "/dev/shm", "/dev/mqueue"];
      ownFolders.forEach((place) => {
        mounts.splice(mounts.findIndex(({ destination }) => destination === place), 1);
      });
    },
    says: { step: "devices", syscall: "mknodat", errno: "ENOSPC" },
  },
  {
    name: "sysctl: a name that the kernel does not have",
    change: ({ linux }) => {
      linux.sysctl = { "net.ipv4.no_such_name": "1" };
    },
    says: { step: "sysctl", syscall: "openat2", errno: "ENOENT" },
  },
  {
    name: "sysctl: a value that the kernel refuses",
    change: ({ linux }) => {
      linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "-1" };
    },
    says: { step: "sysctl", syscall: "write", errno: "EINVAL" },
  },
  {
    name: "labels: an AppArmor profile that is not there, or on a kernel without AppArmor",
    change: ({ process }) => {
      process.apparmorProfile = "no-such-profile";
    },
    says: detectSecurityModules().apparmor
      ? { code: "InitFailed", step: "labels", errno: "ENOENT", pointer: "/process/apparmorProfile" }
      : {
        code: "Unsupported",
        faults: [{
          pointer: "/process/apparmorProfile",
          message: "needs AppArmor, which is not enabled on this host",
        }],
      },
  },
  {
    name: "limits: a hard limit above this program's",
    change: ({ process }) => {
      process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 2 ** 30 + 1, hard: 2 ** 30 + 1 }];
    },
    says: { step: "limits", syscall: "prlimit64", errno: "EPERM", pointer: "/process/rlimits/0" },
  },
  {
    name: "exec: the working folder is a file",
    change: ({ process }) => {
      process.cwd = "/etc/passwd";
    },
    says: { pointer: "/process/cwd" },
  },
  {
    name: "exec: the program is missing",
    change: ({ process }) => {
      process.args = ["/no/such/program"];
    },
    says: { step: "exec", errno: "ENOENT", path: "/no/such/program", pointer: "/process/args/0" },
  },
  {
    name: "exec: the program is not in PATH",
    change: ({ process }) => {
      process.args = ["no-such-program"];
    },
    says: { step: "exec", errno: "ENOENT", pointer: "/process/args/0" },
  },
  {
    name: "exec: the program may not be executed",
    change: ({ process }) => {
      process.args = ["/etc/passwd"];
    },
    says: { step: "exec", errno: "EACCES", path: "/etc/passwd", pointer: "/process/args/0" },
  },
  {
    name: "exec: the program is no program",
    change: ({ process }, folder) => {
      Deno.writeTextFileSync(`${folder}/rootfs/bin/text`, "not a program");
      Deno.chmodSync(`${folder}/rootfs/bin/text`, 0o755);
      process.args = ["/bin/text"];
    },
    says: { step: "exec", syscall: "execve", errno: "ENOEXEC", path: "/bin/text" },
  },
  {
    name: "cgroups: a limit that the kernel refuses",
    change: ({ linux }) => {
      linux.resources = { cpu: { cpus: "4096" } };
    },
    says: { step: "cgroups", errno: "ERANGE", pointer: "/linux/resources/cpu/cpus" },
  },
  {
    name: "mounts: the container's root may not write to the rootfs",
    change: ({ linux, mounts }) => {
      mapUsers(linux, [{ containerID: 0, hostID: 100_000, size: 10 }]);
      mounts.push({ destination: "/not/there", type: "tmpfs", source: "tmpfs" });
    },
    says: { step: "mounts", errno: "EACCES" },
  },
  {
    name: "rootfs: it is a file",
    change: ({ root }) => {
      root.path = "config.json";
    },
    says: { code: "ConfigInvalid" },
  },
];

for (const [k, { name, change, says }] of FAULTS.entries()) {
  Deno.test(`a fault in ${name}: the error says where, and nothing is left`, async () => {
    const id = `hull-fault-${k}`;
    await leavesNothing(id, async () => {
      await using hull = new Hull();
      using bundle = makeBundle("exit 0");
      const config = structuredClone(bundle.config) as Draft;
      change(config, bundle.folder);
      Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(config));
      const { code, stderr } = await hull.call(
        ["--log-format", "json", "run", "-b", bundle.folder, id],
      );
      const said = JSON.parse(stderr) as Record<string, unknown>;
      const wanted = Object.keys(says);
      const picked = Object.fromEntries(wanted.map((key) => [key, said[key]]));
      assertEquals(picked, says, stderr);
      assertEquals([code, typeof said.msg, typeof said.code], [1, "string", "string"]);
      assertEquals([...Deno.readDirSync(hull.root)], []);
    });
  });
}

Deno.test("a full disk for the state folder is an error, and nothing is left", async () => {
  await leavesNothing("hull-full", async () => {
    using bundle = makeBundle("exit 0");
    const place = Deno.makeTempDirSync({ prefix: "hull-test-full-" });
    run("mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=3,mode=700", "tmpfs", place);
    try {
      await using hull = new Hull();
      const { code, stderr } = await hull.call(
        ["--root", place, "run", "-b", bundle.folder, "hull-full"],
      );
      assertEquals(code, 1, stderr);
      assertEquals(stderr.includes("os error 28") || stderr.includes("ENOSPC"), true, stderr);
      assertEquals([...Deno.readDirSync(place)], []);
    } finally {
      run("umount", place);
      Deno.removeSync(place);
    }
  });
});

function mapUsers(linux: Draft["linux"], map: NonNullable<Draft["linux"]["uidMappings"]>): void {
  linux.namespaces?.push({ type: "user" });
  linux.uidMappings = map;
  linux.gidMappings = map;
}

function join(linux: Draft["linux"], type: "network", path: string): void {
  const found = linux.namespaces?.find((namespace) => namespace.type === type);
  if (found !== undefined) found.path = path;
}

function mount(
  mounts: Draft["mounts"],
  destination: string,
  type: string,
  source: string,
  options: string[],
): void {
  mounts.push({ destination, type, source, options });
}

Deno.test("on a host without cgroups who disabled them is not told to", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("echo inside", (config) => {
    const at = config.mounts.findIndex(({ type }) => type === "cgroup");
    if (at >= 0) config.mounts.splice(at, 1);
  });
  const call = (...options: string[]) => {
    const words = [...hull.words(options), "run", "-b", bundle.folder, "hull-no-cgroups"];
    const script = 'umount -R /sys/fs/cgroup || exit 99; exec "$@"';
    const { code, stdout, stderr } = new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", script, "sh", ...words],
      stdin: "null",
    }).outputSync();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  };
  const { code, stderr } = call();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "use hull --cgroup-manager disabled");
  assertEquals(call("--cgroup-manager", "disabled"), { code: 0, stdout: "inside\n", stderr: "" });
});

/** A bundle whose createRuntime hook runs a script with the bundle's folder as $1, and fails. */
function makeFailing(id: string, script: string): Bundle {
  const bundle = makeBundle("true", (config) => {
    config.linux.cgroupsPath = `/${id}`;
  });
  const { config, folder } = bundle;
  const hooks = {
    createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", `${script}; exit 1`, "sh", folder] }],
  };
  Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ ...config, hooks }));
  return bundle;
}

testWhere(
  LONG_LIVED,
  "an undoing that fails is told behind the fault that it follows",
  async () => {
    await leavesNothing("hull-undo", async () => {
      await using hull = new Hull();
      const id = "hull-undo-1";
      // One of its cgroups can't be removed: it is a place of a mount.
      const cgroup = isV1 ? `/sys/fs/cgroup/pids/${id}` : `/sys/fs/cgroup/${id}`;
      using bundle = makeFailing(id, `mount --bind ${cgroup} ${cgroup}`);
      try {
        const { code, stderr } = await hull.call([...CGROUPFS, "run", "-b", bundle.folder, id]);
        assertEquals(code, 1);
        const [first, then] = [
          stderr.indexOf("createRuntime"),
          stderr.indexOf("to undo it failed"),
        ];
        assertEquals([first >= 0, then > first], [true, true], stderr);
        assertStringIncludes(stderr, "cannot remove the cgroup");
      } finally {
        run("umount", cgroup);
      }
      // What could not be undone can be found, and removed.
      assertEquals(await hull.must("list", "-q"), `${id}\n`);
      await hull.must("delete", "--force", id);
    });
  },
);

Deno.test("what a hook of a start that fails has left in the cgroups ends with it", async () => {
  await leavesNothing("hull-stray", async () => {
    await using hull = new Hull();
    const id = "hull-stray-1";
    const script = "exec >/dev/null 2>&1 </dev/null; sleep 600 & echo $! >$1/pid; " +
      `for each in /sys/fs/cgroup/${id} /sys/fs/cgroup/*/${id}; do ` +
      "[ ! -d $each ] || echo $! >$each/cgroup.procs; done";
    using bundle = makeFailing(id, script);
    const { code, stderr } = await hull.call([...CGROUPFS, "run", "-b", bundle.folder, id]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "createRuntime");
    assertEquals(stderr.includes("to undo it failed"), false, stderr);
    assertEquals(await hull.must("list", "-q"), "");
  });
});

Deno.test("with too few open files a start leaves nothing, wherever they run out", async () => {
  await leavesNothing("hull-few-fds", async () => {
    await using hull = new Hull();
    for (let limit = 16; limit <= 60; limit += 2) {
      const words = hull.words(["run", "--builtin", "hull-few-fds", "--", "true"]);
      const script = `ulimit -n ${limit}; exec "$@"`;
      const { success } = await new Deno.Command("sh", {
        args: ["-c", script, "sh", ...words],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      assertEquals([...Deno.readDirSync(hull.root)], [], `${limit} fds, ${success}`);
    }
  });
});
