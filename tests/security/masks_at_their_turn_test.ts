/**
 * Masked and read-only paths where the mounts before them change what is there: a link of the image, a
 * filled tmpfs, a `..`, a remount. What counts is what the container would find.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { DETACHED_TREES, testWhere } from "../fixtures/test_where.ts";

const ID = "hull-turn";
const SECRET = "decoy-secret";

interface Case {
  readonly what: string;
  /** The path that is masked, and printed by the container. */
  readonly path: string;
  /** A path that is read-only, and written to. */
  readonly readonly?: string;
  readonly prepare?: (rootfs: string) => void;
  readonly change: (config: Draft, volume: string) => void;
}

const bind = (destination: string, source: string) => ({
  destination,
  type: "bind",
  source,
  options: ["rbind"],
});

const CASES: readonly Case[] = [
  {
    what: "below a mount behind a link of the image",
    path: "/var/run/vol/secret",
    readonly: "/var/run/vol/sub",
    prepare: (rootfs) => {
      Deno.mkdirSync(`${rootfs}/var`);
      Deno.mkdirSync(`${rootfs}/run`);
      Deno.symlinkSync("/run", `${rootfs}/var/run`);
    },
    change: (config, volume) => void config.mounts.push(bind("/var/run/vol", volume)),
  },
  {
    what: "below a mount, by a link inside it",
    path: "/data/link",
    readonly: "/data/sub",
    change: (config, volume) => void config.mounts.push(bind("/data", volume)),
  },
  {
    what: "beside a /dev of which nothing can be bound",
    path: "/data/link",
    change: (config, volume) => {
      config.mounts.push(bind("/data", volume));
      config.mounts.find(({ destination }) => destination === "/dev")?.options?.push("unbindable");
    },
  },
  {
    what: "in a tmpfs that is filled with what the image has",
    path: "/data/secret",
    readonly: "/data/sub",
    prepare: (rootfs) => {
      Deno.writeTextFileSync(`${rootfs}/data/secret`, SECRET);
      Deno.mkdirSync(`${rootfs}/data/sub`);
    },
    change: (config) =>
      void config.mounts.push({
        destination: "/data",
        type: "tmpfs",
        source: "tmpfs",
        options: ["tmpcopyup"],
      }),
  },
  {
    what: "by a path with ..",
    path: "/tmp/../data/sub/../secret",
    readonly: "/tmp/../data/sub",
    change: (config, volume) => void config.mounts.push(bind("/data", volume)),
  },
  {
    what: "a folder by facts that is a file by then",
    path: "/data/sub",
    prepare: (rootfs) => Deno.mkdirSync(`${rootfs}/data/sub`),
    change: (config, volume) =>
      void config.mounts.push({
        destination: "/data",
        type: "overlay",
        source: "overlay",
        options: [`lowerdir=${volume}/upper:${volume}/sub`],
      }),
  },
];

for (const kind of ["direct", "reexec"]) {
  for (const { what, path, readonly, prepare = () => {}, change } of CASES) {
    Deno.test(`${kind}: what is masked ${what} can't be read`, async () => {
      using volume = scratchFolder();
      Deno.chmodSync(volume.path, 0o755);
      for (const name of ["sub", "upper"]) Deno.mkdirSync(`${volume.path}/${name}`);
      Deno.writeTextFileSync(`${volume.path}/secret`, SECRET);
      Deno.symlinkSync("secret", `${volume.path}/link`);
      Deno.writeTextFileSync(`${volume.path}/upper/sub`, SECRET);
      const script = `test -e ${path} && echo there; cat ${path}; ` +
        `${readonly === undefined ? "" : `touch ${readonly}/x`}`;
      const { stdout, stderr } = await ended(kind, script, (config) => {
        change(config, volume.path);
        config.linux.maskedPaths?.push(path);
        if (readonly !== undefined) config.linux.readonlyPaths?.push(readonly);
      }, prepare);
      assertEquals(stdout, "there\n");
      if (readonly !== undefined) assertStringIncludes(stderr, "Read-only file system");
    });
  }

  const PROC: Readonly<Record<string, (config: Draft, volume: string) => void>> = {
    "mounted at a path with ..": (config) => {
      for (const mount of config.mounts) {
        if (mount.destination === "/proc") mount.destination = "/tmp/../proc";
      }
    },
    "remounted": (config) =>
      void config.mounts.push({
        destination: "/proc",
        options: ["remount", "bind", "nosuid", "noexec"],
      }),
    "covered by a bind of the host's": (config) => void config.mounts.push(bind("/proc", "/proc")),
    "remounted in the host's mount namespace": (config) => {
      const { linux } = config;
      linux.namespaces = linux.namespaces?.filter(({ type }) => type !== "mount");
      config.mounts.push({
        destination: "/proc",
        options: ["remount", "bind", "nosuid", "noexec"],
      });
    },
    "read-only as a whole": (config) => config.linux.readonlyPaths?.unshift("/proc", "/proc/."),
    "below a folder that is read-only": (config) => {
      moveProc(config);
      config.linux.readonlyPaths?.unshift("/mnt");
    },
    "read-only by a link": (config) => config.linux.readonlyPaths?.unshift("/to-proc"),
    "read-only by a link, named last": (config) =>
      void config.linux.readonlyPaths?.push("/to-proc", "/tmp/../proc", "/to-proc/."),
    "below a root that is read-only": (config) =>
      config.linux.readonlyPaths?.unshift("/", "/.", "/to-proc/..", "/sys/.."),
    "read-only by a link, in the host's mount namespace": (config) => {
      const { linux } = config;
      linux.namespaces = linux.namespaces?.filter(({ type }) => type !== "mount");
      linux.readonlyPaths?.unshift("/to-proc", "/to-mnt");
    },
    "below a folder that is read-only by a link": (config) => {
      moveProc(config);
      config.linux.readonlyPaths?.unshift("/to-mnt");
    },
    "covered with its folder by a bind at a link": (config, volume) => {
      moveProc(config);
      config.mounts.push(bind("/to-mnt", volume));
    },
    "mounted twice": (config) =>
      void config.mounts.push({ destination: "/proc", type: "proc", source: "proc" }),
  };
  for (const [how, change] of Object.entries(PROC)) {
    const missing = how.includes("the host's mount namespace") ? DETACHED_TREES : undefined;
    testWhere(missing, `${kind}: the masks of a /proc that is ${how} are in place`, async () => {
      const script = "stat -c '%F %t:%T' /proc/keys /proc/timer_list; ls -A /proc/acpi; " +
        "(: >/proc/sys/kernel/hostname) 2>&1 | sed 's/.*: //'";
      using volume = scratchFolder();
      Deno.chmodSync(volume.path, 0o755);
      for (const folder of ["acpi", "sys/kernel"]) {
        Deno.mkdirSync(`${volume.path}/proc/${folder}`, { recursive: true });
      }
      for (const file of ["keys", "timer_list", "acpi/secret", "sys/kernel/hostname"]) {
        Deno.writeTextFileSync(`${volume.path}/proc/${file}`, SECRET);
      }
      const changed = (config: Draft) => change(config, volume.path);
      const { stdout, stderr } = await ended(kind, script, changed, (rootfs) => {
        Deno.symlinkSync("/proc", `${rootfs}/to-proc`);
        Deno.symlinkSync("/mnt", `${rootfs}/to-mnt`);
      });
      const file = "character special file 1:3\n";
      assertEquals([stdout, stderr], [`${file}${file}Read-only file system\n`, ""]);
    });
  }

  for (const path of ["/", "/.", "/data/..", "/to-root"]) {
    Deno.test(`${kind}: a root that is read-only as ${path} can't be written to`, async () => {
      const { stdout, stderr } = await ended(
        kind,
        "touch /x || touch /data/x; echo $?",
        (config) => {
          config.root.readonly = false;
          config.linux.readonlyPaths?.push(path);
        },
        (rootfs) => Deno.symlinkSync("/", `${rootfs}/to-root`),
      );
      assertEquals(stdout, "1\n");
      assertStringIncludes(stderr, "/data/x: Read-only file system");
    });
  }

  Deno.test(`${kind}: paths that are missing, doubled or below a file are no error; folders share a cover`, async () => {
    const script = "grep -c ' /tmp/one ' /proc/self/mountinfo; cat /etc/masked; " +
      "grep -E ' /tmp/(one|two) ' /proc/self/mountinfo | cut -d' ' -f3 | sort -u | wc -l";
    const { code, stdout, stderr } = await ended(kind, script, (config) => {
      const odd = ["/no/such", "/etc/passwd/below", "/bin/busybox/x/y", "/tmp/../no"];
      config.linux.maskedPaths?.push(...odd, "/tmp/one", "/tmp/one", "/tmp/one/", "/tmp/two");
      config.linux.maskedPaths?.push("/etc/masked");
      config.linux.readonlyPaths?.push(...odd);
    }, (rootfs) => {
      Deno.mkdirSync(`${rootfs}/tmp/one`);
      Deno.mkdirSync(`${rootfs}/tmp/two`);
      Deno.writeTextFileSync(`${rootfs}/etc/masked`, SECRET);
    });
    assertEquals([code, stdout, stderr], [0, "1\n1\n", ""]);
  });
}

/** Looks at a second /proc, at /mnt/proc. */
function moveProc(config: Draft): void {
  for (const name of ["masked", "readonly"] as const) {
    const paths = config.linux[`${name}Paths`];
    paths?.push(...paths.map((path) => `/mnt${path}`));
  }
  config.mounts.push({ destination: "/mnt/proc", type: "proc", source: "proc" });
  const { process } = config;
  process.args = process.args?.map((word) => word.replaceAll("/proc", "/mnt/proc"));
}

async function ended(
  kind: string,
  script: string,
  change: (config: Draft) => void,
  prepare: (rootfs: string) => void = () => {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  let result = { code: -1, stdout: "", stderr: "" };
  await leavesNothing(ID, async () => {
    await using hull = new Hull();
    using bundle = makeBundle(script, change);
    prepare(`${bundle.folder}/rootfs`);
    result = await hull.call(["run", "--init", kind, "-b", bundle.folder, ID]);
  });
  return result;
}
