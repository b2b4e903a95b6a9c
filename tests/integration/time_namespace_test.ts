import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const DAY = 86_400;
const LOOK = "cat /proc/uptime; cat /proc/self/timens_offsets; " +
  "readlink -f /proc/self/ns/time | tail -1; cat /proc/self/ns/time 2>&1 | head -c 0; " +
  "ls -l /proc/self/ns/ | grep -o 'time.*'";

function withClocks(config: Draft): void {
  config.linux.namespaces?.push({ type: "time" });
  config.linux.timeOffsets = {
    monotonic: { secs: 2 * DAY, nanosecs: 5 },
    boottime: { secs: 7 * DAY },
  };
}

function withUser(config: Draft): void {
  config.linux.namespaces?.push({ type: "user" });
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.uidMappings = map;
  config.linux.gidMappings = map;
}

async function shown(change: (config: Draft) => void, id = "hull-mnt-time"): Promise<string> {
  let said = "";
  await leavesNothing(id, async () => {
    await using hull = new Hull();
    using bundle = makeBundle(LOOK, change);
    if (bundle.config.linux?.uidMappings !== undefined) {
      Deno.chmodSync(bundle.folder, 0o755);
      run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
    }
    said = await hull.must("run", "-b", bundle.folder, id);
  });
  return said;
}

function uptime(text: string): number {
  return Number(text.split(" ")[0]);
}

function checkClocks(text: string): void {
  const ahead = uptime(text) - uptime(Deno.readTextFileSync("/proc/uptime"));
  assert(Math.abs(ahead - 7 * DAY) < 60, `the clock is ${ahead} s ahead:\n${text}`);
  assertStringIncludes(
    text.replaceAll(/ +/g, " "),
    `monotonic ${2 * DAY} 5\nboottime ${7 * DAY} 0\n`,
  );
  checkEntered(text);
}

/** The namespace that the process is in is the one that its children get. */
function checkEntered(text: string): void {
  const [own, children] = [...text.matchAll(/time:\[(\d+)\]/g)].map(([, number]) => number);
  assertNotEquals(own, undefined, text);
  assertEquals(own, children, text);
  assertNotEquals(`time:[${own}]`, Deno.readLinkSync("/proc/self/ns/time"));
}

Deno.test("a new time namespace has the offsets, and its process is inside", async () => {
  checkClocks(await shown(withClocks));
});

Deno.test("offsets in a user namespace", async () => {
  checkClocks(
    await shown((config) => {
      withUser(config);
      withClocks(config);
    }),
  );
});

Deno.test("a time namespace without offsets is new, and its process inside", async () => {
  checkEntered(await shown((config) => void config.linux.namespaces?.push({ type: "time" })));
});

Deno.test("an offset that would make a clock negative is told with the field", async () => {
  await leavesNothing("hull-mnt-past", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("true", (config) => {
      config.linux.namespaces?.push({ type: "time" });
      config.linux.timeOffsets = { boottime: { secs: -10 * 365 * DAY } };
    });
    const said = await hull.refuse("run", "-b", bundle.folder, "hull-mnt-past");
    assertStringIncludes(said, "ERANGE");
    assertStringIncludes(said, "/linux/timeOffsets");
  });
});

/** Runs `test` while a container with clocks of its own sleeps. */
async function beside(
  id: string,
  change: (config: Draft) => void,
  test: (pid: number, hull: Hull) => Promise<void>,
): Promise<void> {
  await leavesNothing(id, async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600", change);
    if (bundle.config.linux?.uidMappings !== undefined) {
      Deno.chmodSync(bundle.folder, 0o755);
      run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
    }
    await hull.detach("run", "-d", "-b", bundle.folder, `${id}-1`);
    const { pid } = JSON.parse(await hull.must("state", `${id}-1`));
    await test(pid, hull);
    await hull.must("delete", "--force", `${id}-1`);
  });
}

Deno.test("a time namespace joined by path has the other container's clocks", async () => {
  await beside("hull-mnt-clock", withClocks, async (pid, hull) => {
    using bundle = makeBundle(LOOK, (config) => {
      config.linux.namespaces?.push({ type: "time", path: `/proc/${pid}/ns/time` });
    });
    checkClocks(await hull.must("run", "-b", bundle.folder, "hull-mnt-clock-2"));
  });
});

Deno.test("a time namespace joined together with a pid namespace", async () => {
  await beside("hull-mnt-both", withClocks, async (pid, hull) => {
    using bundle = makeBundle(LOOK, (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
      config.linux.namespaces.push(
        { type: "time", path: `/proc/${pid}/ns/time` },
        { type: "pid", path: `/proc/${pid}/ns/pid` },
      );
    });
    checkClocks(await hull.must("run", "-b", bundle.folder, "hull-mnt-both-2"));
  });
});

for (const type of ["pid", "user"] as const) {
  Deno.test(`new clocks beside a joined ${type} namespace`, async () => {
    await beside("hull-mnt-late", type === "user" ? withUser : () => {}, async (pid, hull) => {
      using bundle = makeBundle(LOOK, (config) => {
        withClocks(config);
        config.linux.namespaces = config.linux.namespaces?.filter((each) => each.type !== type) ??
          [];
        config.linux.namespaces.push({ type, path: `/proc/${pid}/ns/${type}` });
      });
      if (type === "user") {
        Deno.chmodSync(bundle.folder, 0o755);
        run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
      }
      checkClocks(await hull.must("run", "-b", bundle.folder, "hull-mnt-late-2"));
    });
  });
}

Deno.test("a new user namespace beside a joined pid namespace gets its maps", async () => {
  await beside("hull-mnt-maps", () => {}, async (pid, hull) => {
    using bundle = makeBundle(
      "id -u; cat /proc/self/uid_map; ls /proc | grep -c '^[0-9]'",
      (config) => {
        withUser(config);
        config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ??
          [];
        config.linux.namespaces.push({ type: "pid", path: `/proc/${pid}/ns/pid` });
        config.linux.maskedPaths = [];
        config.linux.readonlyPaths = [];
        config.mounts = config.mounts.map((mount) =>
          mount.type === "proc"
            ? { destination: "/proc", type: "bind", source: `/proc`, options: ["rbind"] }
            : mount
        );
      },
    );
    Deno.chmodSync(bundle.folder, 0o755);
    run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
    const said = await hull.must("run", "-b", bundle.folder, "hull-mnt-maps-2");
    assertStringIncludes(said.replaceAll(/ +/g, " "), "0\n 0 100000 65536\n");
  });
});

Deno.test("a path that is no time namespace is told with what stands there", async () => {
  await using hull = new Hull();
  for (
    const [path, what] of [
      ["/proc/self/ns/net", "it is a network namespace"],
      ["/etc/passwd", "it is none"],
      ["/hull-mnt-none", "no such file"],
    ] as const
  ) {
    using bundle = makeBundle("true", (config) => {
      config.linux.namespaces?.push({ type: "time", path });
    });
    const said = await hull.refuse("run", "-b", bundle.folder, "hull-mnt-wrong");
    assertStringIncludes(said, what);
    const last = (bundle.config.linux?.namespaces?.length ?? 0) - 1; // on v2 there is one more
    assertStringIncludes(said, `/linux/namespaces/${last}/path`);
  }
});
