import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";

type MountDraft = Draft["mounts"][number];

/** A folder on a tmpfs, with a file of user 5 and group 6; id-mapped tmpfs came with Linux 6.3. */
function volume(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "hull-test-" });
  Deno.chmodSync(path, 0o777);
  Deno.writeTextFileSync(`${path}/file`, "content");
  Deno.chownSync(`${path}/file`, 5, 6);
  Deno.mkdirSync(`${path}/below`);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
const missing = major > 6 || (major === 6 && minor >= 3)
  ? undefined
  : "id-mapped tmpfs (Linux 6.3)";
const range = (hostID: number, size = 65_536, containerID = 0) => [{ containerID, hostID, size }];

function inUserNamespace(config: Draft): void {
  config.linux.namespaces?.push({ type: "user" });
  config.linux.uidMappings = range(100_000);
  config.linux.gidMappings = range(100_000);
}

/** Runs a script with a mount at /data; gives what it printed. */
async function shown(
  script: string,
  mount: Partial<MountDraft> & { source: string },
  change: (config: Draft) => void = () => {},
  expected = 0,
): Promise<string> {
  let said = "";
  await leavesNothing("hull-mnt-map", async () => {
    await using hull = new Hull();
    using bundle = makeBundle(script, (config) => {
      config.mounts.push({ destination: "/data", type: "bind", ...mount });
      change(config);
    });
    if (bundle.config.linux?.namespaces?.some(({ type }) => type === "user")) {
      Deno.chmodSync(bundle.folder, 0o755);
      run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
    }
    const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-map"]);
    assertEquals(code, expected, stderr);
    said = stdout + stderr;
  });
  return said;
}

const OWNER = "stat -c '%u %g' /data/file; ";
const WRITE = "touch /data/new && stat -c '%u %g' /data/new; ";

/** The owner of what the container made, as the host sees it. */
function made(path: string): string {
  const { uid, gid } = Deno.statSync(`${path}/new`);
  return `${uid} ${gid}`;
}

testWhere(missing, "a mount with mappings of its own, without a user namespace", async () => {
  using files = volume();
  const said = await shown(OWNER, {
    source: files.path,
    options: ["bind"],
    uidMappings: [...range(0, 5), ...range(1005, 5, 5)],
    gidMappings: range(2000),
  });
  assertEquals(said, "1005 2006\n");
});

testWhere(
  missing,
  "mount namespaces that the host has bound to names are not passed on with the tree above them",
  async () => {
    using files = volume();
    run("mount", "-t", "tmpfs", "tmpfs", files.path);
    try {
      run("mount", "--make-private", files.path);
      Deno.writeTextFileSync(`${files.path}/pinned`, "");
      await bindMountNamespace(`${files.path}/pinned`);
      const cases: readonly [string, (config: Draft) => void][] = [
        ["rw", (config) => ids(config, "mount")],
        ["rshared", ({ linux }) => linux.rootfsPropagation = "rshared"],
        ["rshared", (config) => {
          config.linux.rootfsPropagation = "rshared";
          ids(config, "user");
        }],
      ];
      for (const [option, change] of cases) {
        const mount = { source: files.path, options: ["rbind", option] };
        const said = await shown("grep -c ' /data' /proc/self/mountinfo", mount, change);
        assertEquals(said, "1\n");
      }
    } finally {
      run("umount", "-R", files.path);
    }
  },
);

/**
 * Binds a new mount namespace to a file's name. The kernel binds only one whose number is greater
 * than that of the namespace in which it does so. On Linux 6.18 each CPU has numbers of its own to
 * give away: those that are made on the CPU that made this program's are greater.
 */
async function bindMountNamespace(name: string): Promise<void> {
  const failures: unknown[] = [];
  for (let cpu = 0; cpu < navigator.hardwareConcurrency; cpu++) {
    try {
      return await bindNamespaceMadeOn(cpu, name);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures);
}

async function bindNamespaceMadeOn(cpu: number, name: string): Promise<void> {
  const holder = new Deno.Command("taskset", {
    args: ["-c", `${cpu}`, "unshare", "--mount", "sh", "-c", "echo in; exec sleep 120"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  try {
    const reader = holder.stdout.getReader();
    await reader.read(); // it is in it now
    await reader.cancel();
    run("mount", "--bind", `/proc/${holder.pid}/ns/mnt`, name);
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
  }
}

/** Maps the owners of the last mount, or the container. */
function ids(config: Draft, kind: "mount" | "user"): void {
  if (kind === "user") return inUserNamespace(config);
  const mount = config.mounts.at(-1) as MountDraft;
  mount.uidMappings = range(1000);
  mount.gidMappings = range(1000);
}

testWhere(
  missing,
  "idmap takes the user namespace's mappings: the owners are as on the host",
  async () => {
    using files = volume();
    const mount = { source: files.path, options: ["bind", "idmap"] };
    assertEquals(await shown(OWNER + WRITE, mount, inUserNamespace), "5 6\n0 0\n");
    assertEquals(made(files.path), "0 0");
    assertEquals(
      await shown(OWNER, { ...mount, options: ["bind"] }, inUserNamespace),
      "65534 65534\n",
    );
  },
);

testWhere(missing, "mappings of its own in a user namespace, with other attributes", async () => {
  using files = volume();
  const said = await shown(
    `${OWNER}touch /data/new; grep ' /data ' /proc/self/mountinfo | cut -d' ' -f 6`,
    {
      source: files.path,
      options: ["rbind", "ro", "nosuid", "nodev"],
      uidMappings: range(100_040, 10),
      gidMappings: range(100_050, 10),
    },
    inUserNamespace,
  );
  assertMatch(said, /^45 56\n/);
  assertStringIncludes(said, "Read-only file system");
  assertStringIncludes(said, "ro,nosuid,nodev,relatime,idmapped");
});

testWhere(
  missing,
  "crun's form of the option gives the mappings, also relative to the container",
  async () => {
    using files = volume();
    const absolute = {
      source: files.path,
      options: ["bind", "idmap=uids=0-70-5#5-90-1;gids=0-80-10"],
    };
    assertEquals(await shown(OWNER, absolute), "90 86\n");
    const relative = { source: files.path, options: ["bind", "idmap=uids=@0-70-10;gids=@0-80-10"] };
    assertEquals(await shown(OWNER, relative, inUserNamespace), "75 86\n");
  },
);

testWhere(missing, "ridmap maps the mounts below too, idmap does not", async () => {
  using files = volume();
  run("mount", "-t", "tmpfs", "hull-mnt", `${files.path}/below`);
  try {
    Deno.writeTextFileSync(`${files.path}/below/file`, "");
    Deno.chownSync(`${files.path}/below/file`, 7, 7);
    for (const [option, owner] of [["idmap", "7"], ["ridmap", "1007"]]) {
      const said = await shown("stat -c '%u' /data/below/file", {
        source: files.path,
        options: ["rbind", option as string],
        uidMappings: range(1000),
        gidMappings: range(1000),
      });
      assertEquals(said, `${owner}\n`, option);
    }
  } finally {
    run("umount", `${files.path}/below`);
  }
});

testWhere(missing, "an id-mapped mount does not spread to the host", async () => {
  using files = volume();
  const before = run("cat", "/proc/self/mountinfo");
  const said = await shown("grep ' /data ' /proc/self/mountinfo", {
    source: files.path,
    options: ["bind"],
    uidMappings: range(0),
    gidMappings: range(0),
  });
  assert(!said.includes("shared:"), said);
  assertEquals(run("cat", "/proc/self/mountinfo"), before);
});

Deno.test("a file system that can't be id-mapped is told with the mount", async () => {
  const said = await shown(
    "true",
    {
      source: "/proc/sys",
      options: ["bind"],
      uidMappings: range(0),
      gidMappings: range(0),
    },
    () => {},
    1,
  );
  assertStringIncludes(said, "mount_setattr(/proc/sys): EINVAL");
  assertMatch(said, /\[config \/mounts\/\d\]/);
});

Deno.test("an option that can't be read is refused before anything is made", async () => {
  for (
    const option of [
      "idmap=uids=0-1;gids=0-0-1",
      "idmap=uids=0-0-1",
      "idmap=gids=@5-5-5;uids=0-0-1",
    ]
  ) {
    const said = await shown("true", { source: "/usr", options: ["bind", option] }, () => {}, 1);
    assertMatch(said, /\/mounts\/\d\/options\/1/, option);
  }
});

testWhere(missing, "hull plan shows how an id-mapped mount is made and taken", async () => {
  using files = volume();
  await using hull = new Hull();
  using bundle = makeBundle("true", (config) => {
    inUserNamespace(config);
    config.mounts.push({
      destination: "/data",
      type: "bind",
      source: files.path,
      options: ["bind", "idmap"],
    });
  });
  const text = await hull.must("plan", "-b", bundle.folder, "hull-mnt-plan");
  assertStringIncludes(text, "map the owners of its files");
  assertStringIncludes(text, "take the id-mapped copy of the source's mount");
});

for (const [option, inside] of [["bind", "/a"], ["bind", "/a/below"], ["rbind", ""]]) {
  testWhere(
    missing,
    `an id-mapped ${option} of ${inside || "/"} below an earlier mount`,
    async () => {
      await leavesNothing("hull-mnt-map", async () => {
        using files = volume();
        await using hull = new Hull();
        using bundle = makeBundle("stat /data/file");
        const file = `${bundle.folder}/config.json`;
        const config = JSON.parse(Deno.readTextFileSync(file)) as Draft;
        const mappings = { uidMappings: range(1000), gidMappings: range(1000) };
        const source = `${bundle.folder}/rootfs${inside}`;
        config.mounts.push(
          { destination: "/a", type: "bind", source: files.path, options: ["bind"] },
          { destination: "/data", type: "bind", source, options: [option as string], ...mappings },
        );
        Deno.writeTextFileSync(file, JSON.stringify(config));
        const early = await hull.call(["run", "-b", bundle.folder, "hull-mnt-map"]);
        if (inside !== "") assertStringIncludes(early.stderr, "before any mount of the config");
        Deno.mkdirSync(source, { recursive: true });
        const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-map"]);
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, "is provided by the mount at ");
        assertStringIncludes(stderr, `/mounts/${config.mounts.length - 1}/source`);
      });
    },
  );
}

for (const init of ["direct", "reexec"]) {
  Deno.test(`the root of a user namespace owns /dev/mqueue, ${init}`, async () => {
    await leavesNothing("hull-mnt-queue", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("stat -c '%u %g' /dev/mqueue", inUserNamespace);
      Deno.chmodSync(bundle.folder, 0o755);
      run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
      const args = ["run", "--init", init, "-b", bundle.folder, "hull-mnt-queue"];
      const { stdout, stderr } = await hull.call(args);
      assertEquals(stdout, "0 0\n", stderr);
    });
  });
}
