import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { Racer } from "../fixtures/race.ts";

const WRAPPER = fromFileUrl(new URL("../fixtures/without_calls.ts", import.meta.url));
const [DENO, ...WORDS] = FROM_SOURCES;
const ENOSYS = 38;
const EPERM = 1;

/** hull under a filter that has no openat2. */
class FilteredHull extends Hull {
  readonly #errno: number;

  constructor(errno = ENOSYS) {
    super();
    this.#errno = errno;
  }

  override command(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    const words = [...WORDS, WRAPPER, `openat2=${this.#errno}`, ...HULL];
    return new Deno.Command(DENO, { ...options, args: [...words, "--root", this.root, ...args] });
  }
}

function link(rootfs: string, place: string, target: string): void {
  run("rm", "-rf", `${rootfs}/${place}`);
  Deno.symlinkSync(target, `${rootfs}/${place}`);
}

/** Runs a config with openat2 and without, and compares what it prints. */
async function same(
  script: string,
  change: (config: Draft) => void,
  prepare: (rootfs: string) => void = () => {},
): Promise<string> {
  const said: string[] = [];
  for (const make of [() => new Hull(), () => new FilteredHull()]) {
    await leavesNothing("hull-mnt-walk", async () => {
      await using hull = make();
      using bundle = makeBundle(script, change);
      prepare(`${bundle.folder}/rootfs`);
      if (bundle.config.linux?.uidMappings !== undefined) {
        Deno.chmodSync(bundle.folder, 0o755);
        run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
      }
      const { code, stdout, stderr } = await hull.call([
        "run",
        "-b",
        bundle.folder,
        "hull-mnt-walk",
      ]);
      assertEquals([code, stderr], [0, ""]);
      said.push(stdout);
    });
  }
  assertEquals(said[1], said[0]);
  return said[1] as string;
}

const LOOK = "awk '{print $4, $5, $6}' /proc/self/mountinfo | sed 's,hull-test-[0-9a-f]*,X,'; " +
  "ls -ln /dev | awk '{print $1, $3, $4, $5, $6, $NF}' | grep -v ^total; pwd; id -u; " +
  "ls /proc/acpi; wc -c < /proc/keys";

Deno.test("the filter that the tests use is really there", () => {
  const code = `import { hasOpenat2 } from ${
    JSON.stringify(new URL("../../src/security/safe_path.ts", import.meta.url).href)
  }; console.log(hasOpenat2());`;
  for (const errno of [ENOSYS, EPERM]) {
    const args = [...WORDS, WRAPPER, `openat2=${errno}`, DENO, "eval", code];
    assertEquals(run(DENO, ...args).trim(), "false");
  }
  assertEquals(run(DENO, "eval", code).trim(), "true");
});

Deno.test("without openat2: the config of runc spec", async () => {
  await same(LOOK, () => {});
});

Deno.test("without openat2: a filter that answers EPERM", async () => {
  await using hull = new FilteredHull(EPERM);
  using bundle = makeBundle("echo inside");
  const { stdout, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-eperm"]);
  assertEquals([stdout, stderr], ["inside\n", ""]);
});

Deno.test("without openat2: a user namespace", async () => {
  await same(LOOK, (config) => {
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
});

Deno.test("without openat2: links in the image, missing places, sysctls, nested devices", async () => {
  const said = await same(
    `${LOOK}; ls -ln /dev/deep | tail -1; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ` +
      "ls /links/down /new/place /copy; cat /new/file",
    (config) => {
      config.root.readonly = false;
      config.process.cwd = "/absolute/made/here";
      config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "88" };
      config.linux.devices = [
        { path: "/dev/deep/er/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, uid: 3 },
      ];
      config.linux.maskedPaths?.push("/lib/secret", "/proc/keys", "/none");
      config.linux.readonlyPaths?.push("/lib");
      config.mounts.push(
        { destination: "/links/down", type: "tmpfs", source: "tmpfs", options: [] },
        {
          destination: "/new/place",
          type: "bind",
          source: "/usr/share/doc/base-files",
          options: ["bind", "ro"],
        },
        { destination: "/new/file", type: "bind", source: "/etc/hostname", options: ["bind"] },
        { destination: "/copy", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro"] },
        { destination: "/new/place", type: "bind", options: ["bind", "remount", "ro", "noexec"] },
      );
    },
    (rootfs) => {
      Deno.mkdirSync(`${rootfs}/real/down`, { recursive: true });
      Deno.mkdirSync(`${rootfs}/copy`);
      Deno.writeTextFileSync(`${rootfs}/copy/kept`, "");
      Deno.mkdirSync(`${rootfs}/usr/lib/secret`, { recursive: true });
      Deno.symlinkSync("/usr/lib", `${rootfs}/lib`);
      Deno.symlinkSync("../../../../real", `${rootfs}/links`);
      Deno.symlinkSync("/real", `${rootfs}/absolute`);
    },
  );
  assertStringIncludes(said, "/real/down");
  assertStringIncludes(said, "/real/made/here");
  assertMatch(said, /\n88\n/);
});

Deno.test("without openat2: a program by PATH and as a path through links", async () => {
  await using hull = new FilteredHull();
  using bundle = makeBundle("id -u");
  const rootfs = `${bundle.folder}/rootfs`;
  Deno.symlinkSync("/bin", `${rootfs}/programs`);
  const base = ["run", "-b", bundle.folder];
  for (const program of ["echo", "/programs/echo"]) {
    const { stdout, stderr } = await hull.call([...base, "hull-mnt-program", "--", program, "yes"]);
    assertEquals([stdout, stderr], ["yes\n", ""]);
  }
  assertStringIncludes(
    (await hull.call([...base, "hull-mnt-program", "--", "/programs/none"])).stderr,
    "/process/args/0",
  );
});

Deno.test("without openat2: a program by a path that goes up, and never above the root", async () => {
  await using hull = new FilteredHull();
  using bundle = makeBundle("", (config) => {
    config.process.cwd = "/tmp";
  });
  for (const program of ["../bin/echo", "../../../bin/echo", "./../tmp/../bin/./echo"]) {
    const args = ["run", "-b", bundle.folder, "hull-mnt-up", "--", program, "yes"];
    const { stdout, stderr } = await hull.call(args);
    assertEquals([stdout, stderr], ["yes\n", ""], program);
  }
});

Deno.test("without openat2: no link leads out of the rootfs", async (t) => {
  using outside = scratchFolder();
  Deno.writeTextFileSync(`${outside.path}/file`, "decoy");
  const list = () => run("sh", "-c", `cd ${outside.path} && stat -c '%n %a %u %i' . * && cat *`);
  const before = list();
  const cases: Record<string, (config: Draft, rootfs: string) => void> = {
    "/proc as a link": (_, rootfs) => link(rootfs, "proc", "/tmp"),
    "/sys as a link": (_, rootfs) => link(rootfs, "sys", "tmp"),
    "a place as a link": (config, rootfs) => {
      config.mounts.push({ destination: "/lead", type: "tmpfs", source: "tmpfs", options: [] });
      link(rootfs, "lead", `../../../../../..${outside.path}`);
    },
    "a place below a link": (config, rootfs) => {
      config.mounts.push({ destination: "/lead/a", type: "tmpfs", source: "tmpfs", options: [] });
      link(rootfs, "lead", outside.path);
    },
    "/dev as a link": (config, rootfs) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
      link(rootfs, "dev", `../../../../..${outside.path}`);
    },
    "/dev/null as a link": (config, rootfs) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith("/dev"));
      link(rootfs, "dev/null", `../../../../../..${outside.path}/file`);
    },
    "a cwd through an fd": (config) => {
      config.process.cwd = "/proc/self/fd/7";
    },
    "a program through an fd": (config) => {
      config.process.args = ["/proc/self/fd/7"];
    },
  };
  for (const [name, change] of Object.entries(cases)) {
    await t.step(name, async () => {
      await leavesNothing("hull-mnt-lead", async () => {
        await using hull = new FilteredHull();
        using bundle = makeBundle("exit 0");
        const config = structuredClone(bundle.config) as Draft;
        config.root.readonly = false;
        change(config, `${bundle.folder}/rootfs`);
        Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(config));
        const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-lead"]);
        assert(code === 0 || stderr.startsWith("hull: "), stderr);
        assertEquals(code === 0, name.startsWith("a place"), stderr);
      });
      assertEquals(list(), before, "the decoy was changed");
      assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(outside.path));
    });
  }
});

Deno.test("without openat2: a place that is swapped for a link all the time", async () => {
  await leavesNothing("hull-mnt-race", async () => {
    await using hull = new FilteredHull();
    using outside = scratchFolder();
    using bundle = makeBundle("exit 0", (config) => {
      config.root.readonly = false;
      config.mounts.push(
        { destination: "/race/deep/er", type: "tmpfs", source: "tmpfs", options: [] },
      );
    });
    const rootfs = `${bundle.folder}/rootfs`;
    Deno.mkdirSync(`${rootfs}/race`);
    Deno.symlinkSync(outside.path, `${rootfs}/other`);
    await using _racer = await Racer.start(`${rootfs}/race`, `${rootfs}/other`);
    for (let round = 0; round < 15; round++) {
      const { code, stderr } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-race"]);
      assert(code === 0 || stderr.startsWith("hull: "), stderr);
      assertEquals([...Deno.readDirSync(outside.path)], []);
    }
    assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(outside.path));
  });
});
