/**
 * What a host refuses an ordinary user: each reason in one line, with what to do, and nothing left.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Draft } from "../fixtures/bundle.ts";
import { DECOY, OrdinaryUser, UID } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

function script(text: string, change: (config: Draft) => void = () => {}) {
  return (config: Draft) => {
    config.process.args = ["sh", "-c", text];
    config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
    config.linux.uidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
    change(config);
  };
}

testWhere(DECOY, "a host without user namespaces for users says so", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("b", script("true"));
  // In a namespace of its own, so that the host's limit stays as it is: it counts for those below.
  const limited = ["sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh"];
  const through = ["unshare", "-Ur", ...limited];
  const said = await user.refuse(["run", "-b", folder, "x"], { through });
  assertStringIncludes(said, "sysctl -w user.max_user_namespaces=15000");
});

testWhere(DECOY, "limits and a cgroup's path are refused where no cgroup can be made", async () => {
  await using user = new OrdinaryUser();
  const limited = user.bundle(
    "limited",
    script("true", (config) => {
      config.linux.resources = { ...config.linux.resources, pids: { limit: 5 } };
    }),
  );
  const named = user.bundle(
    "named",
    script("true", (config) => {
      config.linux.cgroupsPath = "/hull-test-of-a-user/x";
    }),
  );
  const first = await user.refuse(["run", "-b", limited, "x"]);
  assertMatch(first, /which pids needs .*\/linux\/resources\/pids.*systemd-run --user --scope/);
  const second = await user.refuse(["run", "-b", named, "x"]);
  assertMatch(second, /can't make the cgroup .*\/linux\/cgroupsPath.*systemd-run --user --scope/);
});

testWhere(DECOY, "a rootfs where nothing can be executed is told by its mount", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("b", script("true"));
  const before = `mount --bind ${folder} ${folder}; mount -o remount,bind,noexec ${folder}`;
  const said = await user.refuse(["run", "-b", folder, "x"], { before });
  assertMatch(said, new RegExp(`EACCES.*mount -o remount,exec ${folder},`));
});

testWhere(DECOY, "a flag that the host's mount has locked is told by its option", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("true", ({ mounts }) => {
      mounts.push({
        destination: "/data",
        source: user.session,
        options: ["bind", "suid", "dev", "exec"],
      });
    }),
  );
  const before = `mount --bind ${user.session} ${user.session}; ` +
    `mount -o remount,bind,nosuid,nodev,noexec ${user.session}`;
  const said = await user.refuse(["run", "-b", folder, "x"], { before });
  assertMatch(said, /mount_setattr.*EPERM.*\/mounts\/7.*take out suid, dev, exec/);
});

testWhere(DECOY, "a rootfs that the container's ids can't reach is told", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("b", script("true"));
  const closed = await user.refuse(["run", "-b", folder, "x"], {
    before: `chown 0:0 ${folder}/rootfs; chmod 700 ${folder}/rootfs`,
  });
  assertMatch(closed, /EACCES.*give its folders and files to ids that are mapped/);
});

testWhere(DECOY, "an id map tool without its right is told", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("true", (config) => {
      config.linux.uidMappings = [
        { containerID: 0, hostID: UID, size: 1 },
        { containerID: 1, hostID: 300_000, size: 10 },
      ];
    }),
  );
  const tool = `${user.folder}/tool`;
  const before = (mode: string) =>
    `cp /usr/bin/newuidmap ${tool} || cp /bin/true ${tool}; chmod ${mode} ${tool}; ` +
    `touch /usr/bin/newuidmap; mount --bind ${tool} /usr/bin/newuidmap`;
  try {
    Deno.statSync("/usr/bin/newuidmap");
  } catch {
    return console.log("left out: newuidmap is not installed (package uidmap)");
  }
  const bare = await user.refuse(["run", "-b", folder, "x"], { before: before("755") });
  assertMatch(bare, /newuidmap.*setuid bit.*chmod u\+s/);
  const others = await user.refuse(["run", "-b", folder, "x"], { before: before("4777") });
  assertMatch(others, /newuidmap.*missing.*install it/);
});

testWhere(DECOY, "nothing of root's or of another user's is touched", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("b", script("true"));
  const before =
    "mount -t tmpfs -o mode=755 none /run; mkdir -m 700 /run/hull; mkdir /run/hull/x; " +
    `mkdir -m 700 /run/others; chown 1001:1001 /run/others`;
  for (const root of ["/run/hull", "/run/others"]) {
    for (const args of [["run", "-b", folder, "x"], ["delete", "--force", "x"]]) {
      const { code, stderr } = await user.call(["--root", root, ...args], { before });
      assertEquals({ code, lines: stderr.trimEnd().split("\n").length }, { code: 1, lines: 1 });
      assertMatch(stderr, /EACCES|Permission denied|belongs to user 1001/);
    }
  }
});
