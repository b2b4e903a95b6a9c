/**
 * What a process has where nobody says: no capability, no key and no group of who called hull, and
 * nothing of a passwd that is no file. Each in both ways of starting.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { leanBundle, own, withoutMounts } from "../fixtures/attempt.ts";
import { type Bundle, type Draft, scratchFolder } from "../fixtures/bundle.ts";
import { build, missingCompiler } from "../fixtures/c_programs.ts";
import { GivenHull, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";

const INITS = ["direct", "reexec"] as const;
const CAPS = "grep -E '^Cap(Prm|Bnd)' /proc/self/status";

/** What `CAPS` prints where both sets are these bits. */
function caps(bits: number): string {
  const text = bits.toString(16).padStart(16, "0");
  return `CapPrm:\t${text}\nCapBnd:\t${text}\n`;
}

/** A bundle with its config in a file, for the command line. */
function lean(script: string, change?: (config: Draft) => void): Bundle {
  const bundle = leanBundle(script, change);
  Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(bundle.config));
  return bundle;
}

/** A container whose program waits, while `use` asks it. */
async function running(
  hull: Hull,
  init: string,
  id: string,
  bundle: Bundle,
  use: () => Promise<void>,
): Promise<void> {
  await leavesNothing(id, async () => {
    await hull.detach("run", "-d", "--init", init, "-b", bundle.folder, id);
    try {
      await use();
    } finally {
      await hull.must("delete", "--force", id);
    }
  });
}

for (const init of INITS) {
  Deno.test(`${init}: a config that names no capabilities gives none`, async () => {
    await leavesNothing("hull-sec-nocaps", async () => {
      await using hull = new Hull();
      for (const uid of [0, 1000]) {
        using bundle = lean(CAPS, (config) => {
          delete config.process.capabilities;
          config.process.user = { uid, gid: uid };
        });
        const seen = await hull.must("run", "--init", init, "-b", bundle.folder, "hull-sec-nocaps");
        assertEquals(seen, caps(0));
      }
    });
  });

  Deno.test(`${init}: a whole process for exec is bounded as the container`, async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    const file = `${scratch.path}/process.json`;
    for (const has of [true, false]) {
      using bundle = lean("exec sleep 600", (config) => {
        config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 77, hard: 99 }];
        config.process.user = { uid: 0, gid: 0, umask: 0o77 };
        if (!has) delete config.process.capabilities;
      });
      await running(hull, init, "hull-sec-whole", bundle, async () => {
        const exec = (process: Record<string, unknown>) => {
          const args = ["sh", "-c", `${CAPS}; ulimit -n; umask`];
          Deno.writeTextFileSync(
            file,
            JSON.stringify({ args, cwd: "/", env: ["PATH=/bin"], ...process }),
          );
          return hull.must("exec", "-p", file, "hull-sec-whole");
        };
        assertEquals(await exec({}), caps(has ? 0x20000420 : 0) + "77\n0077\n");
        const others = {
          user: { uid: 0, gid: 0, umask: 0o27 },
          capabilities: { bounding: ["CAP_KILL"], permitted: ["CAP_KILL"] },
          rlimits: [{ type: "RLIMIT_NOFILE", soft: 55, hard: 66 }],
        };
        assertEquals(await exec(others), caps(0x20) + "55\n0027\n");
      });
    }
  });

  testWhere(
    missingCompiler(),
    `${init}: nobody in a container has its caller's keyring`,
    async () => {
      using scratch = scratchFolder();
      const program = `${scratch.path}/keyring`;
      build("keyring", program);
      await using hull = new GivenHull(program, "with");
      using bundle = lean("keyring > /first; exec sleep 600", (config) => {
        config.hooks = {
          startContainer: [{ path: "/bin/sh", args: ["sh", "-c", "/bin/keyring > /hook"] }],
        };
      });
      const rootfs = `${bundle.folder}/rootfs`;
      Deno.copyFileSync(program, `${rootfs}/bin/keyring`);
      await running(hull, init, "hull-sec-keys", bundle, async () => {
        const execed = await hull.must("exec", "hull-sec-keys", "keyring");
        const user = await hull.must("exec", "-u", "1000", "hull-sec-keys", "keyring");
        const [first, hook] = ["first", "hook"]
          .map((name) => Deno.readTextFileSync(`${rootfs}/${name}`));
        assert(/^_ses\.hull-sec-keys\.\S+ nothing\n$/.test(first ?? ""), first);
        assertEquals([hook, execed, user], [first, first, first]);
        // By a name that can be known before, another could have made it for this container.
        assertNotEquals(first, "_ses.hull-sec-keys nothing\n");
      });
      using kept = lean("keyring; exec sleep 600");
      Deno.copyFileSync(program, `${kept.folder}/rootfs/bin/keyring`);
      const asked = ["--init", init, "--no-new-keyring", "-b", kept.folder, "hull-sec-kept"];
      await hull.detach("run", "-d", ...asked);
      assertEquals(await hull.must("exec", "hull-sec-kept", "keyring"), "caller secret\n");
      await hull.must("delete", "--force", "hull-sec-kept");
    },
  );

  Deno.test(`${init}: in a user namespace a further process has the first one's keyring`, async () => {
    const id = "hull-sec-own-keys";
    await using hull = new Hull();
    using bundle = lean("cat /proc/keys > /first; exec sleep 600", (config) => {
      config.linux.namespaces?.push({ type: "user" });
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.uidMappings = map;
      config.linux.gidMappings = map;
      config.linux.maskedPaths = [];
    });
    own(bundle);
    const keyrings = (keys: string) =>
      keys.split("\n").filter((line) => line.includes(`_ses.${id}.`)).map((line) =>
        line.slice(0, 8)
      );
    await running(hull, init, id, bundle, async () => {
      for (const uid of ["0", "1000"]) {
        const execed = keyrings(await hull.must("exec", "-u", uid, id, "cat", "/proc/keys"));
        const first = keyrings(Deno.readTextFileSync(`${bundle.folder}/rootfs/first`));
        // those of earlier runs may not be collected yet
        assert(execed.length > 0);
        assertEquals(execed.filter((keyring) => !first.includes(keyring)), []);
      }
    });
  });

  Deno.test(`${init}: no group of the caller's is kept, whatever the gid map's size`, async () => {
    await using hull = new GivenHull("setpriv", "--groups", "4242,27");
    for (const size of [1, 100]) {
      using bundle = lean("grep ^Groups /proc/self/status; exec sleep 600", (config) => {
        config.linux.namespaces?.push({ type: "user" });
        const map = [{ containerID: 0, hostID: 100_000, size }];
        config.linux.uidMappings = map;
        config.linux.gidMappings = map;
        withoutMounts(config, "/dev/pts", "/dev/mqueue", "/sys");
      });
      own(bundle);
      await running(hull, init, "hull-sec-groups", bundle, async () => {
        const groups = async (...flags: string[]) => {
          const words = ["hull-sec-groups", "grep", "^Groups", "/proc/self/status"];
          return (await hull.must("exec", ...flags, ...words)).trim();
        };
        assertEquals(await groups(), "Groups:");
        assertEquals(await groups("-g", "0"), "Groups:\t0");
      });
      const [first = ""] = (bundle.config.process?.args ?? []).slice(2);
      const asked = structuredClone(bundle.config);
      Object.assign(asked.process ?? {}, {
        args: ["sh", "-c", first.replace("; exec sleep 600", "")],
        user: { uid: 0, gid: 0, additionalGids: [0] },
      });
      Deno.writeTextFileSync(`${bundle.folder}/config.json`, JSON.stringify(asked));
      const given = await hull.must("run", "--init", init, "-b", bundle.folder, "hull-sec-groups");
      assertEquals(given.trim(), "Groups:\t0");
    }
  });

  Deno.test(`${init}: a passwd that is no ordinary file is none`, async () => {
    await using hull = new Hull();
    const hostile: Record<string, (etc: string) => void> = {
      "a sparse file of a TiB": (etc) => sparse(`${etc}/passwd`, 2 ** 40),
      "a page of /proc": (etc) => Deno.symlinkSync("/proc/self/pagemap", `${etc}/passwd`),
      "a fifo": (etc) => void new Deno.Command("mkfifo", { args: [`${etc}/passwd`] }).outputSync(),
      "a device": (etc) =>
        void new Deno.Command("mknod", { args: [`${etc}/passwd`, "c", "1", "5"] }).outputSync(),
      "a circle of links": (etc) => Deno.symlinkSync("passwd", `${etc}/passwd`),
      "a folder": (etc) => Deno.mkdirSync(`${etc}/passwd`),
      "below a file": (etc) => {
        Deno.removeSync(etc);
        Deno.writeTextFileSync(etc, "");
      },
      "a home with a NUL": (etc) =>
        Deno.writeTextFileSync(`${etc}/passwd`, "daemon:x:0:0::/a\0b:/bin/sh\n"),
    };
    for (const [what, make] of Object.entries(hostile)) {
      using bundle = lean("exec sleep 600");
      Deno.removeSync(`${bundle.folder}/rootfs/etc/passwd`);
      make(`${bundle.folder}/rootfs/etc`);
      await running(hull, init, "hull-sec-passwd", bundle, async () => {
        const home = await hull.must("exec", "hull-sec-passwd", "sh", "-c", "echo $HOME");
        assertEquals(home, "/\n", what);
        const named = await hull.call(["exec", "-u", "root", "hull-sec-passwd", "true"]);
        assertEquals(named.code, 255, what);
        assert(named.stderr.includes("is not in the container's /etc/passwd"), named.stderr);
      });
    }
  });
}

function sparse(path: string, size: number): void {
  using file = Deno.openSync(path, { write: true, create: true });
  file.truncateSync(size);
}
