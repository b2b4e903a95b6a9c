/** Where mounts are, and what they are made of, when those before them change what is there. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import {
  bind,
  ended,
  inUserNamespace,
  newId,
  own,
  tmpfs,
  withoutMountNamespace,
} from "../fixtures/mount_runs.ts";
import { DETACHED_TREES, testWhere } from "../fixtures/test_where.ts";

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

  Deno.test(`${kind}: everybody may write to a tmpfs whose place is made on a volume; another is as its place`, async () => {
    using volume = scratchFolder();
    Deno.chmodSync(volume.path, 0o755);
    for (const name of ["had", "real", "up"]) Deno.mkdirSync(`${volume.path}/${name}`);
    Deno.chmodSync(`${volume.path}/had`, 0o750);
    Deno.chmodSync(`${volume.path}/up`, 0o711);
    Deno.symlinkSync("real", `${volume.path}/lk`);
    const { stdout, stderr } = await ended(
      kind,
      "cd /data; stat -c '%a %n' new had lk/new named up",
      (config) => {
        config.mounts.push(
          bind("/data", volume.path),
          tmpfs("/data/lk/new"),
          tmpfs("/data/new"),
          tmpfs("/data/named", "mode=700"),
          tmpfs("/data/had"),
          tmpfs("/data/none/../up"),
        );
      },
    );
    assertEquals([stdout, stderr], ["1777 new\n750 had\n1777 lk/new\n700 named\n711 up\n", ""]);
    for (const made of ["new", "real/new"]) {
      assertEquals(Deno.statSync(`${volume.path}/${made}`).mode! & 0o7777, 0o755);
    }
  });

  Deno.test(`${kind}: a place behind links without an end is refused, and none is made elsewhere`, async () => {
    await using hull = new Hull();
    for (const mount of [tmpfs("/tmp/x"), bind("/tmp/x", "/usr"), tmpfs("/tmp")]) {
      using bundle = makeBundle("true", (config) => {
        config.root.readonly = false;
        config.mounts.push(mount);
      });
      const [link, data] = [`${bundle.folder}/rootfs/tmp`, `${bundle.folder}/rootfs/data`];
      Deno.removeSync(link, { recursive: true });
      Deno.symlinkSync("/tmp/../data", link);
      const args = ["run", "--init", kind, "-b", bundle.folder, "hull-places-endless"];
      const { code, stderr } = await hull.call(args);
      assertEquals([code, [...Deno.readDirSync(data)]], [1, []], stderr);
      assertStringIncludes(stderr, "ELOOP");
    }
  });

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

  const name = `${kind}: a source is a path of the host, also where a link of the rootfs leads on`;
  for (const own of [true, false]) {
    const where = own ? "" : ", without a mount namespace";
    testWhere(own ? undefined : DETACHED_TREES, `${name}${where}`, async () => {
      using volume = scratchFolder();
      Deno.chmodSync(volume.path, 0o755);
      Deno.writeTextFileSync(`${volume.path}/f`, "the host's\n");
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
    });
  }

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
