import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-mnt-dev";

/** Runs a config; the rootfs can be changed before. */
async function ended(
  script: string,
  change: (config: Draft) => void,
  prepare: (rootfs: string) => void = () => {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  let result = { code: 0, stdout: "", stderr: "" };
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    using bundle = makeBundle(script, (config) => {
      config.root.readonly = false;
      change(config);
    });
    prepare(`${bundle.folder}/rootfs`);
    if (bundle.config.linux?.uidMappings !== undefined) {
      Deno.chmodSync(bundle.folder, 0o755);
      run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
    }
    result = await hull.call(["run", "-b", bundle.folder, ID]);
  });
  return result;
}

function withUser(config: Draft): void {
  config.linux.namespaces?.push({ type: "user" });
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.uidMappings = map;
  config.linux.gidMappings = map;
}

/** The image's own /dev, with no file system mounted there. */
function ownDev(config: Draft): void {
  config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
}

const LIST = "stat -c '%n %F %a %u %g %t:%T' ";

Deno.test("devices of each type have exactly the mode and owner asked for, whatever the umask", async () => {
  const { stdout, stderr } = await ended(
    `${LIST} /dev/one /dev/two /dev/deep/er/three /dev/pipe`,
    (config) => {
      config.process.user = { ...config.process.user, umask: 0o077 } as Draft["process"]["user"];
      config.linux.devices = [
        { path: "/dev/one", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 5, gid: 6 },
        { path: "/dev/two", type: "b", major: 7, minor: 300, fileMode: 0o20640 },
        { path: "/dev/deep/er/three", type: "u", major: 1, minor: 3 },
        { path: "/dev/pipe", type: "p", fileMode: 0o622, uid: 7 },
      ];
    },
  );
  assertEquals(stderr, "");
  assertEquals(
    stdout.replaceAll("character special file", "c").replaceAll("block special file", "b"),
    "/dev/one c 666 5 6 a:e5\n/dev/two b 640 0 0 7:12c\n/dev/deep/er/three c 666 0 0 1:3\n" +
      "/dev/pipe fifo 622 7 0 0:0\n",
  );
});

Deno.test("a rootfs that has the devices already starts again", async () => {
  const nodes = (rootfs: string) => {
    run("mknod", "-m", "600", `${rootfs}/dev/null`, "c", "1", "3");
    run("mkfifo", `${rootfs}/dev/pipe`);
  };
  const change = (config: Draft) => {
    ownDev(config);
    config.linux.devices = [{ path: "/dev/pipe", type: "p" }];
  };
  const { code, stdout, stderr } = await ended(`${LIST} /dev/null`, change, nodes);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, " 600 0 0 1:3");
});

Deno.test("another file in a device's place is an error that says so, and stays as it is", async () => {
  for (
    const [what, prepare] of [
      ["another device", (dev: string) => run("mknod", `${dev}/null`, "c", "1", "5")],
      ["a file", (dev: string) => Deno.writeTextFileSync(`${dev}/null`, "kept")],
      ["a link", (dev: string) => Deno.symlinkSync("/etc/passwd", `${dev}/null`)],
    ] as const
  ) {
    let dev = "";
    const { code, stderr } = await ended("true", ownDev, (rootfs) => {
      dev = `${rootfs}/dev`;
      prepare(dev);
    });
    assertEquals(code, 1, what);
    assertStringIncludes(
      stderr,
      "cannot make /dev/null, the c device 1:3: another file stands there",
    );
    assertStringIncludes(stderr, "[step devices]");
  }
});

for (const kind of ["direct", "reexec"] as const) {
  Deno.test(`${kind}: what stands on a volume keeps its owner, a device made there gets its own`, async () => {
    await leavesNothing(ID, async () => {
      await using hull = new Hull();
      using volume = scratchFolder();
      Deno.writeTextFileSync(`${volume.path}/file`, "");
      run("mknod", "-m", "600", `${volume.path}/old`, "c", "1", "3");
      const bundleWith = (...names: string[]) =>
        makeBundle(`${LIST} /data/*`, (config) => {
          const source = volume.path;
          config.mounts.push({ destination: "/data", type: "bind", source, options: ["bind"] });
          const device = {
            type: "c",
            major: 1,
            minor: 3,
            fileMode: 0o600,
            uid: 7,
            gid: 8,
          } as const;
          config.linux.devices = names.map((name) => ({ path: `/data/${name}`, ...device }));
        });
      using good = bundleWith("old", "new");
      const said = await hull.must("run", "--init", kind, "-b", good.folder, ID);
      const [file, made, old] = said.trimEnd().split("\n");
      assertEquals(file, "/data/file regular empty file 644 0 0 0:0");
      assertEquals(made, "/data/new character special file 600 7 8 1:3");
      assertEquals(old, "/data/old character special file 600 0 0 1:3");
      using bad = bundleWith("file");
      const refusal = await hull.refuse("run", "--init", kind, "-b", bad.folder, ID);
      assertStringIncludes(refusal, "something else stands there");
      assertEquals(Deno.statSync(`${volume.path}/file`).uid, 0);
    });
  });
}

Deno.test("in a user namespace the host's devices are bound, fifos are made", async () => {
  const { stdout, stderr } = await ended(
    `${LIST} /dev/null /dev/pipe; echo x > /dev/null`,
    (config) => {
      withUser(config);
      config.linux.devices = [{ path: "/dev/pipe", type: "p", fileMode: 0o600, uid: 3 }];
    },
  );
  assertEquals(stderr, "");
  assertMatch(stdout, /^\/dev\/null character special file 666 65534 65534 1:3\n/);
  assertStringIncludes(stdout, "/dev/pipe fifo 600 3 0 0:0\n");
});

Deno.test("in a user namespace a device that the host has not, or has another of, is told", async () => {
  for (
    const [path, major, minor, what] of [
      ["/dev/hull-mnt-none", 10, 229, "the host has none"],
      ["/dev/zero", 10, 229, "the host has another file there"],
    ] as const
  ) {
    const { code, stderr } = await ended("true", (config) => {
      withUser(config);
      config.linux.devices = [{ path, type: "c", major, minor }];
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, what);
    assertStringIncludes(stderr, "[config /linux/devices/0]");
  }
});

Deno.test("files are not masked with a /dev/null that the config makes another device", async () => {
  const { code, stderr } = await ended("cat /proc/keys", (config) => {
    config.linux.devices = [{ path: "/dev/null", type: "c", major: 1, minor: 5 }];
  });
  assertEquals(code, 1);
  assertStringIncludes(stderr, "is the null device: something else stands there");
  assertStringIncludes(stderr, "[config /linux/maskedPaths]");
});

Deno.test("masked and read-only paths: missing, doubled, through links, of a thread", async () => {
  const { code, stdout, stderr } = await ended(
    "ls /masked/way | wc -l; cat /link; ls -A /real | wc -l; " +
      "touch /fixed/x /proc/thread-self/attr/x 2>&1 | grep -c 'Read-only'; touch /free/x",
    (config) => {
      config.linux.maskedPaths = [
        "/none",
        "/none/at/all",
        "/link",
        "/link",
        "/real",
        "/masked/way",
      ];
      config.linux.readonlyPaths = ["/none", "/fixed", "/fixed", "/proc/thread-self/attr"];
    },
    (rootfs) => {
      for (const name of ["real", "masked/way/in", "target", "free"]) {
        Deno.mkdirSync(`${rootfs}/${name}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${rootfs}/real/file`, "secret");
      Deno.writeTextFileSync(`${rootfs}/secret`, "secret");
      Deno.symlinkSync("../secret", `${rootfs}/link`);
      Deno.symlinkSync("/target", `${rootfs}/fixed`);
    },
  );
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^0\n0\n[12]\n$/);
});

Deno.test("devices at one path: the same twice is one, two are an error", async () => {
  const device = { path: "/dev/fuse", type: "c", major: 10, minor: 229 } as const;
  const once = await ended("stat -c %t:%T /dev/fuse", (config) => {
    config.linux.devices = [device, device];
  });
  assertEquals([once.stdout, once.stderr], ["a:e5\n", ""]);
  const twice = await ended("true", (config) => {
    config.linux.devices = [device, { ...device, minor: 1 }];
  });
  assert(twice.stderr.includes("[config /linux/devices/1]"), twice.stderr);
});
