/**
 * The bundles that Podman makes for an ordinary user, run by hull and by crun: what the programs
 * print must be the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { DECOY, missing, OrdinaryUser, TOOLS } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** Each a run of the image: Podman's flags and the script. */
const RUNS: readonly (readonly [flags: string, script: string])[] = [
  ["--network none", "id; cat /proc/self/uid_map"],
  [
    "--network none --userns keep-id -v $HOME/volume:/data",
    "id; cat /proc/self/uid_map; touch /data/file; stat -c %u:%g /data/file",
  ],
  ["--network none --userns auto", "id -u; wc -l </proc/self/uid_map"],
  [
    "--network none --user 1000 --cap-drop all --read-only",
    "id; grep Cap /proc/self/status; touch /x 2>&1",
  ],
  ["--network none --pid host", "ls -d /proc/1"],
  ["--network host --uts host", "ls /sys/class/net; ls /dev | grep -v core"],
  [
    "--network none --tmpfs /t:size=1m --device /dev/zero:/dev/nought",
    "df /t | tail -n 1; ls -d /dev/nought",
  ],
];

const PODMAN = "podman --events-backend file --cgroup-manager cgroupfs";

testWhere(
  DECOY ?? TOOLS ?? missing("podman", "crun", "conmon"),
  "Podman's containers of an ordinary user are the same by hull and by crun",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("image", () => {});
    const runtime = `${user.home}/runtime`;
    const hull = user.hull.map((word) => `'${word}'`).join(" ");
    const text = `#!/bin/sh\nDENO_DIR=${user.home}/.deno exec ${hull} "$@"\n`;
    Deno.writeTextFileSync(runtime, text);
    Deno.chmodSync(runtime, 0o755);
    const all = (by: string) =>
      [
        `rm -rf volume; mkdir volume`,
        ...RUNS.map(([flags, script]) =>
          `${PODMAN} --runtime ${by} run --rm ${flags} image sh -c '${script}'; echo "code $?"`
        ),
        `${PODMAN} --runtime ${by} run -d --network none --name x image sleep 1000 >/dev/null`,
        `${PODMAN} --runtime ${by} exec x sh -c 'id; tty'`,
        `${PODMAN} --runtime ${by} exec -t x tty`,
        `${PODMAN} --runtime ${by} kill x; ${PODMAN} --runtime ${by} rm -f x`,
      ].join("\n");
    const script = [
      "export STORAGE_DRIVER=vfs",
      `tar -C ${folder}/rootfs -c . | podman import - image >/dev/null 2>&1`,
      `{\n${all(runtime)}\n} >hull.out 2>&1 </dev/null`,
      `{\n${all("/usr/bin/crun")}\n} >crun.out 2>&1 </dev/null`,
      "kill -9 $(cat $XDG_RUNTIME_DIR/libpod/tmp/pause.pid)", // it keeps this mount namespace
      "podman unshare rm -rf .local/share/containers",
      "kill -9 $(cat $XDG_RUNTIME_DIR/libpod/tmp/pause.pid); true",
    ].join("\n");
    // crun refuses a hybrid host
    const before = "umount /sys/fs/cgroup/unified 2>/dev/null || true";
    const { code, stderr } = await user.run(["bash", "-c", script], { before });
    assertEquals(code, 0, stderr);
    const said = (name: string) => Deno.readTextFileSync(`${user.home}/${name}.out`);
    assertEquals(said("hull"), said("crun"));
    assertEquals(said("crun").match(/^code 0$/gm)?.length, RUNS.length - 1, said("crun"));
    assertEquals(user.left(), []);
  },
);
