import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** A folder of the host that no container may change, and a check that none did. */
function decoy(): { readonly path: string; check(): void } & Disposable {
  const scratch = scratchFolder();
  Deno.writeTextFileSync(`${scratch.path}/ptmx`, "decoy");
  Deno.writeTextFileSync(`${scratch.path}/file`, "decoy");
  const list = () => run("sh", "-c", `cd ${scratch.path} && stat -c '%n %a %u %i' . * && cat *`);
  const before = list();
  return {
    path: scratch.path,
    check: () => assertEquals(list(), before, "the decoy was changed"),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

/** Puts a link at a place of the rootfs. */
function link(rootfs: string, place: string, target: string): void {
  run("rm", "-rf", `${rootfs}/${place}`);
  Deno.symlinkSync(target, `${rootfs}/${place}`);
}

function withoutMounts(config: Draft, ...places: string[]): void {
  config.mounts = config.mounts.filter(({ destination }) =>
    !places.some((place) => destination === place || destination.startsWith(`${place}/`))
  );
}

Deno.test("CVE-2019-5736: the host's binary can't be written, and running /proc/self/exe is harmless", async () => {
  await leavesNothing("hull-cve-exe", async () => {
    await using hull = new Hull();
    const before = run("sha256sum", Deno.execPath());
    using first = makeBundle("", (config) => {
      config.process.args = ["/proc/self/exe"];
    });
    assert((await hull.call(["run", "-b", first.folder, "hull-cve-exe"])).code !== 0);
    using second = makeBundle("");
    Deno.writeTextFileSync(`${second.folder}/rootfs/bin/me`, "#!/proc/self/exe\n");
    Deno.chmodSync(`${second.folder}/rootfs/bin/me`, 0o755);
    await hull.call(["run", "-b", second.folder, "hull-cve-exe", "--", "/bin/me"]);
    assertEquals(run("sha256sum", Deno.execPath()), before);
  });
});

Deno.test("CVE-2019-5736: while init is hull's own binary, a neighbour can't open it to write", async () => {
  await leavesNothing("hull-cve-seal", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 60");
    await hull.detach("create", "-b", bundle.folder, "hull-cve-seal");
    const { pid } = JSON.parse(await hull.must("state", "hull-cve-seal"));
    const attempt = ["-t", String(pid), "-m", "-p", "sh", "-c", `: >> /proc/1/exe`];
    const { success, stderr } = await new Deno.Command("nsenter", { args: attempt }).output();
    assertEquals(success, false);
    assertMatch(new TextDecoder().decode(stderr), /Read-only file system|Text file busy/);
  });
});

for (const place of ["proc", "sys"]) {
  for (const way of ["absolute", "relative"]) {
    Deno.test(`CVE-2019-19921: /${place} as a link (${way}) stops the start`, async () => {
      await leavesNothing("hull-cve-link", async () => {
        await using hull = new Hull();
        using host = decoy();
        using bundle = makeBundle("exit 0");
        const target = way === "absolute" ? "/tmp" : "tmp";
        link(`${bundle.folder}/rootfs`, place, target);
        const said = await hull.refuse("run", "-b", bundle.folder, "hull-cve-link");
        assertStringIncludes(said, "ELOOP");
        host.check();
      });
    });
  }
}

Deno.test("CVE-2019-18837: a mount's place that leads out of the rootfs stays inside", async () => {
  await leavesNothing("hull-cve-dest", async () => {
    await using hull = new Hull();
    using host = decoy();
    using bundle = makeBundle("grep -c ' /inside' /proc/self/mountinfo; exit 0", (config) => {
      config.root.readonly = false;
      config.mounts.push({ destination: "/lead", type: "tmpfs", source: "tmpfs", options: [] });
    });
    link(`${bundle.folder}/rootfs`, "lead", `../../../../../..${host.path}`);
    const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-cve-dest"]);
    assertEquals([code, stderr], [0, ""]);
    host.check();
    assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(host.path));
  });
});

Deno.test("CVE-2021-30465, CVE-2024-45310: a place that is swapped for a link all the time", async () => {
  await leavesNothing("hull-cve-race", async () => {
    await using hull = new Hull();
    using host = decoy();
    using bundle = makeBundle("exit 0", (config) => {
      config.root.readonly = false;
      config.mounts.push(
        { destination: "/race/deep/er", type: "tmpfs", source: "tmpfs", options: [] },
        { destination: "/race", type: "bind", source: "/usr", options: ["bind"] },
      );
    });
    const rootfs = `${bundle.folder}/rootfs`;
    Deno.mkdirSync(`${rootfs}/race`);
    Deno.symlinkSync(host.path, `${rootfs}/other`);
    const script =
      `i=0; while [ $i -lt 100000 ]; do mv -T ${rootfs}/race ${rootfs}/x 2>/dev/null; ` +
      `mv -T ${rootfs}/other ${rootfs}/race 2>/dev/null; mv -T ${rootfs}/race ${rootfs}/other ` +
      `2>/dev/null; mv -T ${rootfs}/x ${rootfs}/race 2>/dev/null; i=$((i+1)); done`;
    const racer = new Deno.Command("sh", { args: ["-c", script], stdin: "null" }).spawn();
    try {
      for (let round = 0; round < 20; round++) {
        const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-cve-race"]);
        assert(code === 0 || stderr.startsWith("hull: "), stderr);
        host.check();
      }
    } finally {
      racer.kill("SIGKILL");
      await racer.status;
    }
    assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(host.path));
  });
});

Deno.test("CVE-2024-21626: no folder of the host through an fd, as cwd or as the program", async () => {
  await leavesNothing("hull-cve-fd", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("ls /proc/self/fd | tr '\\n' ' '; pwd");
    const shown = await hull.call(["run", "-b", bundle.folder, "hull-cve-fd"]);
    assertEquals(shown.stdout, "0 1 2 3 /\n"); // 3 is the list's own
    for (const number of [3, 5, 7, 8, 9, 12, 20]) {
      using cwd = makeBundle("pwd", (config) => {
        config.process.cwd = `/proc/self/fd/${number}`;
      });
      const said = await hull.refuse("run", "-b", cwd.folder, "hull-cve-fd");
      assertStringIncludes(said, "/process/cwd");
      const program = ["--", `/proc/self/fd/${number}`];
      const { code } = await hull.call(["run", "-b", bundle.folder, "hull-cve-fd", ...program]);
      assertEquals(code, 1);
    }
  });
});

Deno.test("CVE-2025-31133: a rootfs whose /dev/null leads elsewhere does not unmask anything", async () => {
  await leavesNothing("hull-cve-null", async () => {
    await using hull = new Hull();
    using bundle = makeBundle(
      "cat /proc/secret 2>&1; echo x > /proc/keys; cat /secret",
      (config) => {
        withoutMounts(config, "/dev");
        config.root.readonly = false;
      },
    );
    const rootfs = `${bundle.folder}/rootfs`;
    Deno.writeTextFileSync(`${rootfs}/secret`, "untouched");
    link(rootfs, "dev/null", "/secret");
    const { stdout, stderr, code } = await hull.call(["run", "-b", bundle.folder, "hull-cve-null"]);
    if (code === 1) assert(stderr.startsWith("hull: "), stderr);
    else assertStringIncludes(stdout, "untouched");
    assertEquals(Deno.readTextFileSync(`${rootfs}/secret`), "untouched");
  });
});

Deno.test("CVE-2025-52881: a sysctl reaches the kernel, not what the rootfs has at /proc", async () => {
  await leavesNothing("hull-cve-proc", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", (config) => {
      config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "77" };
      config.linux.maskedPaths = [];
      config.linux.readonlyPaths = [];
      withoutMounts(config, "/proc");
      config.root.readonly = false;
    });
    const fake = `${bundle.folder}/rootfs/proc/sys/net/ipv4`;
    Deno.mkdirSync(fake, { recursive: true });
    Deno.writeTextFileSync(`${fake}/ip_unprivileged_port_start`, "fake");
    const { stdout, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-cve-proc"]);
    assertEquals([stdout, stderr], ["fake", ""]);
  });
});

Deno.test("CVE-2026-41579: /dev as a link to a folder: nothing is made or removed there", async () => {
  for (const way of ["absolute", "relative"]) {
    await leavesNothing("hull-cve-dev", async () => {
      await using hull = new Hull();
      using host = decoy();
      using bundle = makeBundle("exit 0", (config) => {
        withoutMounts(config, "/dev");
        config.root.readonly = false;
      });
      link(
        `${bundle.folder}/rootfs`,
        "dev",
        way === "absolute" ? host.path : `../../../../..${host.path}`,
      );
      await hull.call(["run", "-b", bundle.folder, "hull-cve-dev"]);
      host.check();
    });
  }
});

Deno.test("CVE-2026-88264: /dev/console and /dev/null as links, without a mount at /dev", async () => {
  for (const terminal of [false, true]) {
    await leavesNothing("hull-cve-console", async () => {
      await using hull = new Hull();
      using host = decoy();
      using bundle = makeBundle("exit 0", (config) => {
        config.process.terminal = terminal;
        config.process.user = { uid: 1000, gid: 1000 };
        config.mounts = config.mounts.filter(({ destination }) => destination !== "/dev");
        config.root.readonly = false;
      });
      const rootfs = `${bundle.folder}/rootfs`;
      for (const name of ["console", "null"]) {
        link(rootfs, `dev/${name}`, `../../../../../..${host.path}/file`);
      }
      await hull.call(["run", "-b", bundle.folder, "hull-cve-console"]);
      host.check();
      assertEquals(Deno.lstatSync("/dev/null").uid, 0);
    });
  }
});
