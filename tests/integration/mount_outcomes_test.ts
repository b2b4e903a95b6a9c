/** What a mount is like once it is made: read-only, with its options, or refused in plain words. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { bind, ended, tmpfs, withoutMountNamespace } from "../fixtures/mount_runs.ts";
import { DETACHED_TREES, testWhere } from "../fixtures/test_where.ts";

for (const kind of ["direct", "reexec"]) {
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

  const refused = `${kind}: a remount where nothing is mounted is refused by the kernel's word`;
  for (const own of [true, false]) {
    const where = own ? "" : ", without a mount namespace";
    testWhere(own ? undefined : DETACHED_TREES, `${refused}${where}`, async () => {
      for (const options of [["remount"], ["remount", "bind", "ro"], ["remount", "size=1m"]]) {
        const { code, stderr } = await ended(kind, "true", (config) => {
          config.mounts.push({ destination: "/data", type: "none", options });
          if (!own) withoutMountNamespace(config);
        });
        assertEquals(code, 1);
        const words = "cannot remount what is mounted at /data: invalid argument";
        assertStringIncludes(stderr, words);
      }
    });
  }

  Deno.test(`${kind}: a later remount changes what it names alone`, async () => {
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
