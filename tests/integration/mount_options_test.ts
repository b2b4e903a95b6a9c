import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MOUNT_OPTIONS, MOUNT_RECURSIVE_OPTIONS } from "../../src/config/mount_options.ts";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { until } from "../fixtures/until.ts";

/** The mounts below /m in a container's mountinfo, without what differs from run to run. */
function mountsOf(mountinfo: string): Record<string, string> {
  const mounts: Record<string, string> = {};
  for (const line of mountinfo.trimEnd().split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , , place = "", options = "", ...tags] = before.split(" ");
    if (!place.startsWith("/m/")) continue;
    // runc makes a read-only tmpfs's mount read-only, hull the tmpfs as well; and where runc was
    // first it left a folder, whose mode a second tmpfs takes.
    const system = after.replace(/^(tmpfs tmpfs) r[ow]/, "$1").replace(",mode=755", "");
    const seen = [options, ...tags.map((tag) => tag.replace(/:\d+/, "")), "-", system];
    mounts[place] = `${mounts[place] ?? ""}${seen.join(" ")}\n`;
  }
  return mounts;
}

/** Runs the mounts with hull and with runc; gives what each shows. */
async function both(
  mounts: Draft["mounts"],
  change: (config: Draft) => void = () => {},
): Promise<readonly [ours: Record<string, string>, theirs: Record<string, string>]> {
  await using hull = new Hull();
  using state = scratchFolder();
  using bundle = makeBundle("cat /proc/self/mountinfo", (config) => {
    config.root.readonly = false;
    config.mounts.push(...mounts);
    change(config);
  });
  const id = `hull-mnt-opt-${crypto.randomUUID().slice(0, 8)}`;
  const command = `exec runc --root ${state.path} run -b ${bundle.folder} ${id} </dev/null`;
  const theirs = mountsOf(run("sh", "-c", command));
  const ours = mountsOf(await hull.must("run", "-b", bundle.folder, id));
  return [ours, theirs];
}

/** Options that name a whole tree, a way of mounting or nothing that a mount shows alone. */
const APART = new Set(["bind", "rbind", "remount", "idmap", "ridmap", "tmpcopyup"]);
/** What runc 1.1 hands to the file system as data, or a tmpfs of this kernel refuses. */
const REFUSED = new Set(["mand", "acl", "noacl", "defaults"]);
const SINGLE = MOUNT_OPTIONS.filter((option) => !APART.has(option) && !REFUSED.has(option));

Deno.test("each option of a new file system shows the same as with runc", async () => {
  // runc 1.1 passes over what is said of a whole tree unless it is a bind's; hull does not.
  const options = SINGLE.filter((option) => !MOUNT_RECURSIVE_OPTIONS.includes(option));
  const [ours, theirs] = await both(options.map((option) => ({
    destination: `/m/${option}`,
    type: "tmpfs",
    source: "tmpfs",
    options: ["size=64k", option],
  })));
  assertEquals(Object.keys(theirs).length, options.length);
  assertEquals(ours, theirs);
});

Deno.test("each option of a bind shows the same as with runc", async () => {
  const options = SINGLE.filter((option) =>
    // runc 1.1 asks the kernel to clear a part of the access times' field, which is EINVAL.
    !/^r(norelatime|nostrictatime|atime)$/.test(option) &&
    // These are the file system's own: with mount(2) a bind that is remounted ignores them.
    !["sync", "async", "dirsync", "lazytime", "nolazytime", "silent", "loud"].includes(option)
  );
  const [ours, theirs] = await both(options.map((option) => ({
    destination: `/m/${option}`,
    type: "bind",
    source: "/usr/share/doc",
    options: ["rbind", option],
  })));
  assertEquals(ours, theirs);
});

Deno.test("options together, over what is there, data with commas: the same as with runc", async () => {
  const bind = (place: string, ...options: string[]) => (
    { destination: place, type: "bind", source: "/usr/share/doc", options }
  );
  const tmpfs = (place: string, ...options: string[]) => (
    { destination: place, type: "tmpfs", source: "tmpfs", options }
  );
  const [ours, theirs] = await both([
    tmpfs("/m/a", "mode=1700", "size=128k,nr_inodes=99", "noexec", "ro"),
    bind("/m/b", "rbind", "ro", "nosuid", "nodev", "noexec", "noatime", "rslave"),
    bind("/m/b", "bind", "rw"),
    tmpfs("/m/b"),
    bind("/m/c", "rbind", "rro", "rnosuid", "rnodev"),
    bind("/m/d", "bind", "private"),
    { ...bind("/m/d", "bind", "remount", "ro", "noexec") },
    tmpfs("/m/e", "rshared"),
    tmpfs("/m/f", "runbindable"),
    tmpfs("/m/g", "nosuid", "suid", "ro", "rw"),
  ]);
  assertEquals(ours, theirs);
});

Deno.test("what is said of a whole tree is true of its top as well, as with runc", async () => {
  const bind = (name: string, ...options: string[]) => (
    { destination: `/m/${name}`, type: "bind", source: "/usr/share/doc", options }
  );
  const [ours, theirs] = await both([
    bind("a", "rbind", "rro", "rw"),
    bind("b", "rbind", "rw", "rro"),
    bind("c", "bind", "nosuid", "rsuid", "nodev"),
    bind("d", "bind", "rdev", "nodev", "rnoexec", "exec"),
    bind("e", "rbind", "rnoatime", "relatime"),
  ]);
  assertEquals(ours, theirs);
});

for (
  const propagation of ["private", "rprivate", "slave", "rslave", "shared"] as const
) {
  Deno.test(`rootfsPropagation ${propagation} is the same as with runc`, async () => {
    // On the mount of the bundle, which runc makes private. Of one that it leaves shared, a bind is
    // the host's peer with runc, also where no option asks for it, and never with hull.
    using source = scratchFolder();
    const [ours, theirs] = await both(
      [{ destination: "/m/a", type: "bind", source: source.path, options: ["rbind"] }],
      (config) => {
        config.linux.rootfsPropagation = propagation;
      },
    );
    assertEquals(ours, theirs);
  });
}

for (const propagation of ["unbindable", "runbindable"] as const) {
  for (const init of ["direct", "reexec"]) {
    Deno.test(`${init}: paths are read-only in a root that is ${propagation}`, async () => {
      await using hull = new Hull();
      const script = "grep -c ' / [^ ]* unbindable' /proc/self/mountinfo; touch /run/x";
      using bundle = makeBundle(script, (config) => {
        config.root.readonly = false;
        Object.assign(config.linux, { rootfsPropagation: propagation, readonlyPaths: ["/run"] });
      });
      Deno.mkdirSync(`${bundle.folder}/rootfs/run`, { recursive: true });
      const words = ["run", "--init", init, "-b", bundle.folder, `hull-mnt-${init}`];
      const { stdout, stderr } = await hull.call(words);
      assertStringIncludes(stderr, "Read-only file system");
      assertEquals(Number(stdout) > 0 || `${stdout}${stderr}`, true);
    });
  }
}

Deno.test("rootfsPropagation rshared makes the mounts below shared as well", async () => {
  // runc 1.1 leaves those without an option of their own private.
  const [ours] = await both(
    [{ destination: "/m/a", type: "bind", source: "/usr/share/doc", options: ["rbind"] }],
    (config) => {
      config.linux.rootfsPropagation = "rshared";
    },
  );
  assertStringIncludes(ours["/m/a"] ?? "", " shared ");
});

Deno.test("a file system of the container's own is no peer of a mount of the host's, also where all is shared", async () => {
  const [ours] = await both(
    [{ destination: "/m/a", type: "tmpfs", source: "tmpfs", options: ["rshared"] }],
    (config) => {
      config.linux.rootfsPropagation = "rshared";
    },
  );
  assertStringIncludes(ours["/m/a"] ?? "", " tmpfs ");
});

Deno.test("a relative destination is taken from / with a warning", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("grep -c ' /m/rel ' /proc/self/mountinfo", (config) => {
    config.root.readonly = false;
    config.mounts.push({ destination: "m/rel", type: "tmpfs", source: "tmpfs", options: [] });
  });
  const { code, stdout } = await hull.call(["run", "-b", bundle.folder, "hull-mnt-rel"]);
  assertEquals([code, stdout], [0, "1\n"]);
});

Deno.test("without a network of its own, a user namespace sees the host's /sys, all read-only", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("grep ' /sys' /proc/self/mountinfo | cut -d' ' -f 6", (config) => {
    const namespaces = config.linux.namespaces ?? [];
    config.linux.namespaces = namespaces.filter(({ type }) => type !== "network");
    config.linux.namespaces.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
  Deno.chmodSync(bundle.folder, 0o755);
  run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
  const said = await hull.must("run", "-b", bundle.folder, "hull-mnt-sys");
  for (const options of said.trimEnd().split("\n")) assert(options.startsWith("ro"), said);
});

Deno.test("a mount that a user namespace may not make says which namespace is missing", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("true", (config) => {
    config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
    config.linux.namespaces.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
  Deno.chmodSync(bundle.folder, 0o755);
  const said = await hull.refuse("run", "-b", bundle.folder, "hull-mnt-proc");
  assertStringIncludes(said, "EPERM");
  assertStringIncludes(said, "only with a pid namespace that belongs to it");
});

Deno.test("a shared volume spreads both ways if the root is shared, as with runc; else not", async () => {
  using scratch = scratchFolder();
  const volume = `${scratch.path}/volume`;
  Deno.mkdirSync(volume);
  run("mount", "-t", "tmpfs", "none", volume);
  try {
    run("mount", "--make-shared", volume);
    for (const sub of ["out", "in"]) Deno.mkdirSync(`${volume}/${sub}`);
    for (
      const [propagation, spreads] of [["shared", true], ["rshared", true], [
        "slave",
        false,
      ]] as const
    ) {
      const script = "mount -t tmpfs none /data/out && echo hello > /data/out/file; sleep 600";
      using bundle = makeBundle(script, (config) => {
        config.linux.rootfsPropagation = propagation;
        for (const set of ["bounding", "effective", "permitted"] as const) {
          config.process.capabilities![set] = ["CAP_SYS_ADMIN"];
        }
        config.mounts.push({
          destination: "/data",
          type: "bind",
          source: volume,
          options: ["rbind", "rshared"],
        });
      });
      await using hull = new Hull();
      const id = `hull-mnt-peer-${propagation}`;
      await hull.detach("run", "-d", "-b", bundle.folder, id);
      const { pid } = JSON.parse(await hull.must("state", id));
      const inside = () => Deno.readTextFileSync(`/proc/${pid}/mountinfo`);
      await until(() => inside().includes(" /data/out "));
      const onHost = Deno.readTextFileSync("/proc/self/mountinfo").includes(` ${volume}/out `);
      assertEquals(onHost, spreads, propagation);
      run("mount", "-t", "tmpfs", "none", `${volume}/in`);
      assertEquals(inside().includes(" /data/in "), true, `${propagation}: from the host`);
      run("umount", `${volume}/in`);
      if (onHost) run("umount", `${volume}/out`);
      await hull.must("delete", "--force", id);
    }
  } finally {
    run("umount", "-R", volume);
  }
});
