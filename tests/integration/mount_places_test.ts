/** Where mounts are, and what they are made of, when those before them change what is there. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";

const bind = (destination: string, source: string, ...options: string[]) => ({
  destination,
  type: "bind",
  source,
  options: ["rbind", ...options],
});
const tmpfs = (destination: string, ...options: string[]) => ({
  destination,
  type: "tmpfs",
  source: "tmpfs",
  options,
});

async function ended(
  kind: string,
  script: string,
  change: (config: Draft) => void,
  prepare: (rootfs: string) => void = () => {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using hull = new Hull();
  using bundle = makeBundle(script, (config) => {
    config.root.readonly = false;
    change(config);
  });
  prepare(`${bundle.folder}/rootfs`);
  const id = `hull-places-${crypto.randomUUID().slice(0, 8)}`;
  return await hull.call(["run", "--init", kind, "-b", bundle.folder, id]);
}

function newId(): string {
  return `hull-places-${crypto.randomUUID().slice(0, 8)}`;
}

function inUserNamespace({ linux }: Draft): void {
  linux.namespaces?.push({ type: "user" });
  linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  linux.gidMappings = linux.uidMappings;
}

function withoutMountNamespace({ linux }: Draft): void {
  linux.namespaces = linux.namespaces?.filter(({ type }) => type !== "mount");
}

for (const kind of ["direct", "reexec"]) {
  Deno.test(`${kind}: a file below an earlier mount is found behind links, and made where it is missing`, async () => {
    using volume = scratchFolder();
    using other = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    Deno.writeTextFileSync(`${other.path}/file`, "bound\n");
    Deno.mkdirSync(`${volume.path}/real`);
    Deno.symlinkSync("real", `${volume.path}/lk`);
    Deno.symlinkSync("/data/gone/deep", `${volume.path}/dangling`);
    const { stdout, stderr } = await ended(
      kind,
      "cat /data/real/one /data/gone/deep /data/new/er/two; readlink /data/lk",
      (config) => {
        const source = `${other.path}/file`;
        config.mounts.push(
          bind("/data", volume.path),
          bind("/data/lk/one", source),
          bind("/data/dangling", source),
          bind("/data/new/er/two", source),
        );
      },
    );
    assertEquals([stdout, stderr], ["bound\nbound\nbound\nreal\n", ""]);
    assertEquals(Deno.statSync(`${volume.path}/new/er`).mode! & 0o7777, 0o755);
    assertEquals(Deno.statSync(`${volume.path}/new/er/two`).isFile, true);
  });

  for (const options of [["ro"], ["ro", "mode=700"], ["ro", "tmpcopyup"]]) {
    Deno.test(`${kind}: a tmpfs with ${options} is read-only when all in it is made`, async () => {
      using volume = scratchFolder();
      Deno.writeTextFileSync(`${volume.path}/file`, "bound\n");
      const { stdout, stderr } = await ended(
        kind,
        "pwd; cat /run/x/file; stat -c %F /run/null; touch /run/x/new; touch /run/new; " +
          "grep -o ' /run/* r[ow]' /proc/self/mountinfo",
        (config) => {
          config.mounts.push(tmpfs("/var/run", ...options), bind("/run/x", volume.path));
          config.linux.devices = [{ path: "/run/null", type: "c", major: 1, minor: 3 }];
          config.process.cwd = "/run/work/er";
        },
        (rootfs) => {
          Deno.mkdirSync(`${rootfs}/run`);
          Deno.mkdirSync(`${rootfs}/var`);
          Deno.symlinkSync("/run", `${rootfs}/var/run`);
        },
      );
      const seen = ["/run/work/er", "bound", "character special file", " /run ro"];
      assertEquals(stdout.trimEnd().split("\n"), seen, stderr);
      assertStringIncludes(stderr, "/run/new: Read-only file system");
      assertEquals(Deno.statSync(`${volume.path}/new`).isFile, true);
    });
  }

  Deno.test(`${kind}: a folder that the container's root may not enter can be covered`, async () => {
    using volume = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    Deno.mkdirSync(`${volume.path}/closed`);
    Deno.chmodSync(`${volume.path}/closed`, 0o750);
    const { stdout, stderr } = await ended(
      kind,
      "grep -o ' /data/closed rw' /proc/self/mountinfo",
      (config) => {
        inUserNamespace(config);
        config.mounts.push(bind("/data", volume.path), tmpfs("/data/closed", "mode=755"));
      },
      own,
    );
    assertEquals([stdout, stderr], [" /data/closed rw\n", ""]);
  });

  Deno.test(`${kind}: a volume behind a link of the image, and a file in it by its other name`, async () => {
    using volume = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    const { stdout, stderr } = await ended(
      kind,
      "cat /run/x /var/run/x",
      (config) =>
        void config.mounts.push(
          bind("/var/run", volume.path),
          bind("/run/x", "/etc/hostname"),
        ),
      (rootfs) => {
        Deno.mkdirSync(`${rootfs}/run`);
        Deno.mkdirSync(`${rootfs}/var`);
        Deno.symlinkSync("/run", `${rootfs}/var/run`);
      },
    );
    assertEquals([stdout, stderr], [Deno.readTextFileSync("/etc/hostname").repeat(2), ""]);
    assertEquals(Deno.statSync(`${volume.path}/x`).isFile, true);
  });

  Deno.test(`${kind}: a .. goes up from where the links lead; what is missing before it is not made`, async () => {
    const { stdout, stderr } = await ended(
      kind,
      "grep -o ' /[^ ]*/at[0-9] ' /proc/self/mountinfo; ls -d /nope /gone 2>&-; stat -c %a /data/at4",
      (config) =>
        void config.mounts.push(
          tmpfs("/nope/../data/at1"),
          tmpfs("/lk/../at2"),
          tmpfs("/gone/x/../../data/at3"),
          tmpfs("/data/at4/sub/.."),
        ),
      (rootfs) => {
        Deno.mkdirSync(`${rootfs}/deep/er`, { recursive: true });
        Deno.mkdirSync(`${rootfs}/data/at4/sub`, { recursive: true });
        Deno.chmodSync(`${rootfs}/data/at4/sub`, 0o700);
        Deno.symlinkSync("/deep/er", `${rootfs}/lk`);
      },
    );
    assertEquals(stderr, "");
    assertEquals(stdout, " /data/at1 \n /deep/at2 \n /data/at3 \n /data/at4 \n755\n");
  });

  Deno.test(`${kind}: a source that an earlier mount provides inside the rootfs is found`, async () => {
    using volume = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    Deno.mkdirSync(`${volume.path}/sub`);
    Deno.writeTextFileSync(`${volume.path}/sub/f`, "from the volume\n");
    for (const user of [false, true]) {
      let rootfs = "";
      await using hull = new Hull();
      using bundle = makeBundle("cat /folder/f /tmp/file", (config) => {
        config.root.readonly = false;
        if (!user) return;
        config.linux.namespaces?.push({ type: "user" });
        const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
        config.linux.uidMappings = map;
        config.linux.gidMappings = map;
      });
      rootfs = `${bundle.folder}/rootfs`;
      const config = JSON.parse(JSON.stringify(bundle.config)) as Draft;
      config.mounts.push(
        bind("/data", volume.path),
        bind("/folder", `${rootfs}/data/sub`),
        bind("/tmp/file", `${rootfs}/data/sub/f`),
      );
      Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(config));
      Deno.chmodSync(bundle.folder, 0o755);
      Deno.mkdirSync(`${rootfs}/folder`);
      Deno.writeTextFileSync(`${rootfs}/tmp/file`, "");
      if (user) run("chown", "-R", "-h", "100000:100000", rootfs);
      const id = `hull-places-${crypto.randomUUID().slice(0, 8)}`;
      const { stdout, stderr } = await hull.call(["run", "--init", kind, "-b", bundle.folder, id]);
      assertEquals([stdout, stderr], ["from the volume\n".repeat(2), ""], `user: ${user}`);
    }
  });

  Deno.test(`${kind}: a source is a path of the host, also where a link of the rootfs leads on`, async () => {
    using volume = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    Deno.writeTextFileSync(`${volume.path}/f`, "the host's\n");
    for (const own of [true, false]) {
      await using hull = new Hull();
      using bundle = makeBundle("cat /tmp/out/f /tmp/in/f", (config) => {
        config.root.readonly = false;
        if (!own) withoutMountNamespace(config);
      });
      const rootfs = `${bundle.folder}/rootfs`;
      Deno.symlinkSync(volume.path, `${rootfs}/out`);
      Deno.symlinkSync("data", `${rootfs}/in`);
      Deno.writeTextFileSync(`${rootfs}/data/f`, "the image's\n");
      const { mounts } = bundle.config;
      const config = {
        ...bundle.config,
        mounts: [...mounts ?? [], bind("/tmp/out", `${rootfs}/out`)],
      };
      config.mounts.push(bind("/tmp/in", `${rootfs}/in`));
      const save = () =>
        Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(config));
      save();
      const start = () => hull.call(["run", "--init", kind, "-b", bundle.folder, newId()]);
      const { stdout, stderr } = await start();
      assertEquals([stdout, stderr], ["the host's\nthe image's\n", ""], `own: ${own}`);
      config.mounts.push(bind("/tmp/gone", `${rootfs}/gone`));
      Deno.symlinkSync("/etc/passwd/no/such", `${rootfs}/gone`);
      save();
      assertStringIncludes(
        (await start()).stderr,
        "open the source inside the rootfs: not a directory",
      );
    }
  });

  Deno.test(`${kind}: a mount at / becomes the root`, async () => {
    using other = scratchFolder();
    Deno.chmodSync(other.path, 0o755);
    const { stdout, stderr } = await ended(
      kind,
      "cat /which; ls /proc/self/fd | wc -l",
      (config) => {
        config.mounts.unshift(bind("/.", other.path));
      },
      (rootfs) => {
        run("cp", "-a", `${rootfs}/.`, other.path);
        Deno.writeTextFileSync(`${other.path}/which`, "new\n");
        Deno.writeTextFileSync(`${rootfs}/which`, "old\n");
      },
    );
    assertEquals([stdout, stderr], ["new\n4\n", ""]);
  });

  for (const root of ["/", "/..", "/data/.."]) {
    Deno.test(`${kind}: what an earlier mount had made is made again over a mount that hides it, at ${root}`, async () => {
      const at = root === "/data/.." ? "/data" : root;
      const { code, stderr } = await ended(kind, "true", (config) => {
        config.process.args = [`${at}/kept/busybox`.replace(/\/+\.*\/*/, "/"), "true"];
        config.mounts.splice(0, config.mounts.length);
        config.linux = { ...config.linux, maskedPaths: [], readonlyPaths: [] };
        const sub = `${at}/sub/deep`;
        config.mounts.push(tmpfs(sub), tmpfs(at), tmpfs(sub));
        config.mounts.push(bind(`${at}/kept/busybox`, "/bin/busybox"));
      });
      assertEquals([code, stderr], [0, ""]);
    });
  }

  Deno.test(`${kind}: a remount where nothing is mounted is refused by the kernel's word`, async () => {
    for (const options of [["remount"], ["remount", "bind", "ro"], ["remount", "size=1m"]]) {
      for (const change of [() => {}, withoutMountNamespace]) {
        const { code, stderr } = await ended(kind, "true", (config) => {
          config.mounts.push({ destination: "/data", type: "none", options });
          change(config);
        });
        assertEquals(code, 1);
        const words = "cannot remount what is mounted at /data: invalid argument";
        assertStringIncludes(stderr, words);
      }
    }
    const { code, stdout } = await ended(
      kind,
      "grep -c ' /data ro' /proc/self/mountinfo",
      (config) => {
        config.mounts.push(tmpfs("/data"));
        config.mounts.push({ destination: "/data", options: ["remount", "bind", "ro"] });
        config.mounts.push({ destination: "/data", options: ["remount"] });
      },
    );
    assertEquals([code, stdout], [0, "1\n"]);
  });

  Deno.test(`${kind}: a type that the kernel has not is told with the mount, wherever it is`, async () => {
    for (const destination of ["/data", "/lk/x"]) {
      const { stderr } = await ended(kind, "true", (config) => {
        config.mounts.push({ destination, type: "nosuchfs", source: "x" });
      }, (rootfs) => Deno.symlinkSync("/data", `${rootfs}/lk`));
      assertStringIncludes(
        stderr,
        `cannot mount nosuchfs at ${destination}: no such device: fsopen`,
      );
      assertStringIncludes(stderr, "this kernel does not know the type of file system");
    }
  });

  Deno.test(`${kind}: no mount but a proc's leads into /proc by a link`, async () => {
    for (const destination of ["/pl", "/pl/sys", "/data/pl/sys"]) {
      using volume = scratchFolder();
      Deno.symlinkSync("/proc", `${volume.path}/pl`);
      const { code, stderr } = await ended(kind, "true", (config) => {
        config.mounts.push(bind("/data", volume.path), tmpfs(destination));
      }, (rootfs) => Deno.symlinkSync("/proc", `${rootfs}/pl`));
      assertEquals(code, 1, destination);
      assertStringIncludes(stderr, "proc file system");
    }
  });

  Deno.test(`${kind}: a read-only tmpfs is read-only also where it is filled, new, or has a mode to take`, async () => {
    const { stdout } = await ended(
      kind,
      "for d in /new /data /data/x; do touch $d/y && echo $d writable; done; stat -c %a /data/x",
      (config) =>
        void config.mounts.push(
          tmpfs("/new", "ro", "tmpcopyup"),
          tmpfs("/data", "ro", "tmpcopyup"),
          tmpfs("/data/x", "ro"),
        ),
      (rootfs) => {
        Deno.mkdirSync(`${rootfs}/data/x`);
        Deno.chmodSync(`${rootfs}/data/x`, 0o751);
      },
    );
    assertEquals(stdout, "751\n");
  });

  Deno.test(`${kind}: a terminal on a read-only /dev, and a device path with a slash at its end`, async () => {
    await using hull = new Hull();
    using bundle = makeBundle("test -t 0 && touch /dev/new; stat -c %t:%T /dev/x", (config) => {
      config.process.terminal = true;
      config.linux.devices = [{ path: "/dev/x/", type: "c", major: 1, minor: 3 }];
      const dev = config.mounts.find(({ destination }) => destination === "/dev");
      dev?.options?.push("ro");
    });
    const id = `hull-places-${crypto.randomUUID().slice(0, 8)}`;
    const { stdout } = await hull.call(["run", "--init", kind, "-b", bundle.folder, id]);
    assertStringIncludes(stdout, "Read-only file system");
    assertStringIncludes(stdout, "1:3");
  });

  Deno.test(`${kind}: a bind keeps what is not named, and loses what is`, async () => {
    using volume = scratchFolder();
    run("mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec,noatime", "tmpfs", volume.path);
    try {
      const { stdout } = await ended(
        kind,
        "grep -o ' /m/. [^ ]*' /proc/self/mountinfo",
        (config) =>
          void config.mounts.push(
            bind("/m/a", volume.path),
            bind("/m/b", volume.path, "ro"),
            bind("/m/c", volume.path, "suid", "dev", "exec", "atime"),
            bind("/m/d", volume.path, "noatime", "relatime"),
            bind("/m/e", volume.path, "relatime", "nosymfollow", "symfollow"),
          ),
      );
      assertEquals(stdout.trim().split("\n").map((line) => line.trim()), [
        "/m/a rw,nosuid,nodev,noexec,noatime",
        "/m/b ro,nosuid,nodev,noexec,noatime",
        "/m/c rw,relatime",
        "/m/d rw,nosuid,nodev,noexec,noatime",
        "/m/e rw,nosuid,nodev,noexec,relatime",
      ]);
    } finally {
      run("umount", volume.path);
    }
  });

  Deno.test(`${kind}: a folder onto a file, and a file onto a folder, is not a directory`, async () => {
    for (const [destination, source] of [["/etc/passwd", "/usr"], ["/etc", "/etc/hostname"]]) {
      const { code, stderr } = await ended(kind, "true", (config) => {
        config.mounts.push(bind(destination as string, source as string));
      });
      assertEquals(code, 1);
      assertStringIncludes(stderr, "not a directory");
    }
    using volume = scratchFolder();
    Deno.writeTextFileSync(`${volume.path}/file`, "");
    for (const mount of [tmpfs("/data/file"), bind("/data/file", volume.path)]) {
      const { stderr } = await ended(kind, "true", (config) => {
        config.mounts.push(bind("/data", volume.path), mount);
      });
      assertStringIncludes(stderr, "at /data/file: not a directory");
    }
  });

  Deno.test(`${kind}: an option that a file system refuses is told in the kernel's words`, async () => {
    const { code, stderr } = await ended(kind, "true", (config) => {
      config.mounts.push(tmpfs("/data", "size=much"));
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Bad value for 'size'");
    assertStringIncludes(stderr, "fsconfig(/data): EINVAL");
  });
}

Deno.test("a place that a direct start can't make in a user namespace is made by the other one", async () => {
  using volume = scratchFolder();
  Deno.chmodSync(volume.path, 0o755);
  Deno.symlinkSync("nothing", `${volume.path}/gone`);
  Deno.chownSync(volume.path, 100_000, 100_000);
  const change = (config: Draft) => {
    inUserNamespace(config);
    config.mounts.push(bind("/data", volume.path), tmpfs("/data/gone"));
  };
  const script = "grep -o ' /data/nothing rw' /proc/self/mountinfo";
  const { code, stderr } = await ended("direct", script, change, own);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "openat2(/data/gone): ENOENT [step mounts] [config /mounts/");
  assertStringIncludes(stderr, "let hull choose how to start");
  const { stdout } = await ended("auto", script, change, own);
  assertEquals(stdout, " /data/nothing rw\n");
});

function own(rootfs: string): void {
  Deno.chmodSync(`${rootfs}/..`, 0o755);
  run("chown", "-R", "-h", "100000:100000", rootfs);
}
