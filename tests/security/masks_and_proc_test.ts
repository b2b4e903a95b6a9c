/**
 * What hides the host's parts of /proc and /sys, and what hull writes there: CVE-2019-16884,
 * CVE-2023-25809, CVE-2025-31133, CVE-2025-52881.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ContainerError } from "../../mod.ts";
import { leanBundle, own, Stage, withoutMounts, withUserNamespace } from "../fixtures/attempt.ts";
import type { Draft } from "../fixtures/bundle.ts";
import { climb, makeDecoy, plant, plantTwin } from "../fixtures/decoy.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

Deno.test("CVE-2019-16884: nothing but a proc file system is mounted at /proc or inside it", async () => {
  using stage = new Stage();
  const places = ["/proc", "/proc/", "/./proc", "/x/../proc", "/proc/self", "/proc/self/attr"];
  for (const destination of [...places, "/proc/self/attr/exec", "/proc/1", "/proc/sys"]) {
    for (const type of ["tmpfs", "bind", "sysfs", undefined]) {
      const isFolder = !destination.replace(/\/$/, "").endsWith("proc");
      if (type !== "tmpfs" && type !== "sysfs" && !isFolder) continue; // a bind of a proc may be
      using bundle = leanBundle("true", (config) => {
        const options = type === undefined ? ["rbind"] : [];
        config.mounts.push({ destination, source: "/tmp", options, ...(type ? { type } : {}) });
      });
      const error = await assertRejects(
        () => stage.factory.create("hull-sec-over", bundle.config, { bundle: bundle.folder }),
        ContainerError,
        undefined,
        `${type} at ${destination}`,
      );
      const pointer = `/mounts/${bundle.config.mounts!.length - 1}/destination`;
      assertEquals([error.code, error.faults?.[0]?.pointer], ["ConfigInvalid", pointer]);
    }
  }
});

/** How a mask's /dev/null can be something else in an image. */
const NULLS: Readonly<Record<string, (rootfs: string, decoy: string) => void>> = {
  "an absolute link": (rootfs, decoy) => plant(rootfs, "/dev/null", `${decoy}/file`),
  "a relative link": (rootfs, decoy) => plant(rootfs, "/dev/null", climb(`${decoy}/file`)),
  "a link to what is masked": (rootfs) => plant(rootfs, "/dev/null", "/secret"),
  "a file": (rootfs) => Deno.writeTextFileSync(`${rootfs}/dev/null`, "not null\n"),
  "a folder": (rootfs) => Deno.mkdirSync(`${rootfs}/dev/null`),
};

for (const [what, plantNull] of Object.entries(NULLS)) {
  Deno.test(`CVE-2025-31133: ${what} at /dev/null unmasks nothing`, async () => {
    await leavesNothing("hull-sec-null", async () => {
      using decoy = makeDecoy();
      using stage = new Stage();
      for (const user of [false, true]) {
        for (const copied of [false, true]) {
          const script = "echo started; cat /proc/timer_list /proc/keys /secret; " +
            "for f in /proc/keys /secret; do { echo evil > $f; } 2>/dev/null; done; cat /proc/keys";
          using bundle = leanBundle(script, (config) => {
            if (user) withUserNamespace(config);
            if (copied) {
              const dev = config.mounts.find(({ destination }) => destination === "/dev");
              dev?.options?.push("tmpcopyup");
            } else withoutMounts(config, "/dev");
            config.linux.maskedPaths = ["/proc/timer_list", "/proc/keys", "/secret"];
          });
          const rootfs = `${bundle.folder}/rootfs`;
          Deno.writeTextFileSync(`${rootfs}/secret`, "secret\n");
          plantTwin(rootfs, `${decoy.path}/file`, "file"); // inside, too, the links lead somewhere
          plantNull(rootfs, decoy.path);
          own(bundle, user);
          const { text, error } = await stage.attempt("hull-sec-null", bundle);
          decoy.check();
          assertEquals(Deno.readTextFileSync(`${rootfs}/secret`), "secret\n");
          const name = `user namespace: ${user}, tmpcopyup: ${copied}: ${error?.message}`;
          if (text !== undefined) assertEquals(text, "started\n", name);
          else assertEquals([error?.step, error?.path], ["devices", "/dev/null"], name);
        }
      }
    });
  });
}

Deno.test("a mask of a file is made, or the start refused, however its path is written", async () => {
  await leavesNothing("hull-sec-written", async () => {
    using stage = new Stage();
    const lists = [["/secret/"], ["/secret//", "/secret"], ["/data/../secret/"]];
    const refused = [["/secret/."], ["/secret/./"], ["/secret/../secret"]];
    for (const maskedPaths of [...lists, ...refused]) {
      using bundle = leanBundle("echo started; cat /secret", (config) => {
        config.linux.maskedPaths = maskedPaths;
      });
      Deno.writeTextFileSync(`${bundle.folder}/rootfs/secret`, "secret\n");
      const { text, error } = await stage.attempt("hull-sec-written", bundle);
      if (refused.includes(maskedPaths)) {
        assertEquals([error?.errno, error?.path], ["ENOTDIR", maskedPaths[0]]);
      } else assertEquals(text, "started\n", error?.message);
    }
  });
});

Deno.test("CVE-2025-52881: a sysctl reaches the kernel, not what the rootfs has at /proc", async () => {
  await leavesNothing("hull-sec-sysctl", async () => {
    using decoy = makeDecoy();
    using stage = new Stage();
    const key = "net/ipv4/ip_unprivileged_port_start";
    for (const fake of ["file", "link"]) {
      using bundle = leanBundle(`cat /proc/sys/${key}; cat /real/sys/${key}`, (config) => {
        config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "77" };
        config.linux.maskedPaths = [];
        config.linux.readonlyPaths = [];
        withoutMounts(config, "/proc");
        config.mounts.push({ destination: "/real", type: "proc", source: "proc" });
      });
      const folder = `${bundle.folder}/rootfs/proc/sys/net/ipv4`;
      Deno.mkdirSync(folder, { recursive: true });
      if (fake === "file") Deno.writeTextFileSync(`${folder}/${key.split("/")[2]}`, "fake\n");
      else Deno.symlinkSync(`${decoy.path}/file`, `${folder}/${key.split("/")[2]}`);
      const { text, error } = await stage.attempt("hull-sec-sysctl", bundle);
      assertEquals(error, undefined);
      assertEquals(text, fake === "file" ? "fake\n77\n" : "77\n");
      decoy.check();
    }
  });
});

Deno.test("CVE-2025-52881: maps and scores are written to the kernel, whatever the rootfs has", async () => {
  await leavesNothing("hull-sec-maps", async () => {
    using decoy = makeDecoy();
    using stage = new Stage();
    using bundle = leanBundle(
      "cat /real/self/uid_map /real/self/gid_map /real/self/oom_score_adj",
      (config) => {
        withUserNamespace(config);
        config.process.oomScoreAdj = 500;
        config.linux.maskedPaths = [];
        config.linux.readonlyPaths = [];
        withoutMounts(config, "/proc");
        config.mounts.push({ destination: "/real", type: "proc", source: "proc" });
      },
    );
    const rootfs = `${bundle.folder}/rootfs`;
    for (const pid of ["self", "thread-self", "1"]) {
      Deno.mkdirSync(`${rootfs}/proc/${pid}`, { recursive: true });
      for (const name of ["uid_map", "gid_map", "setgroups", "oom_score_adj"]) {
        Deno.symlinkSync(`${decoy.path}/file`, `${rootfs}/proc/${pid}/${name}`);
      }
    }
    own(bundle);
    const { text = "", error } = await stage.attempt("hull-sec-maps", bundle);
    assertEquals(error, undefined);
    const map = "0 100000 65536";
    assertEquals(text.trim().split(/\s*\n\s*/).map((line) => line.replaceAll(/ +/g, " ")), [
      map,
      map,
      "500",
    ]);
    decoy.check();
  });
});

Deno.test("sysctls that are the host's are refused before anything is made", async () => {
  using stage = new Stage();
  for (const key of ["kernel.core_pattern", "kernel/core_pattern", "kernel.../core_pattern"]) {
    using bundle = leanBundle("true", (config) => {
      config.linux.sysctl = { [key]: "|/decoy" };
    });
    const error = await assertRejects(
      () => stage.factory.create("hull-sec-host", bundle.config, { bundle: bundle.folder }),
      ContainerError,
    );
    assertEquals(error.code, "ConfigInvalid", key);
  }
});

/** Cgroups without a namespace of their own, as a mount of type cgroup or a bind of /sys. */
const CGROUPS: Readonly<Record<string, (config: Draft) => void>> = {
  "a read-only cgroup mount": () => {},
  "a read-only cgroup mount in a user namespace": withUserNamespace,
  "a read-only bind of /sys in a user namespace": (config) => {
    withUserNamespace(config);
    withoutMounts(config, "/sys");
    const options = ["rbind", "rro", "nosuid", "noexec", "nodev"];
    config.mounts.push({ destination: "/sys", type: "none", source: "/sys", options });
  },
};

for (const [what, change] of Object.entries(CGROUPS)) {
  Deno.test(`CVE-2023-25809: ${what} lets root make no cgroup and enter none`, async () => {
    await leavesNothing("hull-sec-cgroup", async () => {
      using stage = new Stage();
      const script = "cd /sys/fs/cgroup; for d in . *; do " +
        "busybox mkdir $d/hull-sec-made 2>/dev/null && echo made in $d; " +
        "{ echo 0 > $d/cgroup.procs; } 2>/dev/null && echo entered $d; done; echo tried *; " +
        "cat /proc/self/mountinfo";
      using bundle = leanBundle(script, (config) => {
        config.linux.namespaces = (config.linux.namespaces ?? [])
          .filter(({ type }) => type !== "cgroup");
        change(config);
      });
      own(bundle, change !== CGROUPS["a read-only cgroup mount"]);
      const { text = "", error } = await stage.attempt("hull-sec-cgroup", bundle);
      assertEquals(error, undefined);
      assert(text.startsWith("tried "), text);
      // The owners of the host's cgroups keep a user namespace out, but not one that they are given to.
      const mounts = text.split("\n").map((line) => line.split(" "))
        .filter(([, , , , place = ""]) => place.startsWith("/sys/fs/cgroup"));
      assert(mounts.length > 0, text);
      for (const [, , , , place, options = ""] of mounts) assertMatch(options, /^ro\b/, place);
    });
  });
}
