import { assertEquals, assertNotEquals } from "@std/assert";
import { type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { differences, LOOK } from "../fixtures/container_look.ts";

Deno.test("the config of runc spec shows the same with hull as with runc", async () => {
  await compare(() => {});
});

Deno.test("limits, sysctls, users and mounts are the same with hull as with runc", async () => {
  await compare((config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [4, 20], umask: 0o027 };
    config.process.noNewPrivileges = false;
    config.process.oomScoreAdj = 100;
    config.process.rlimits = [
      { type: "RLIMIT_NOFILE", soft: 512, hard: 1024 },
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
    ];
    config.process.capabilities = {
      bounding: ["CAP_CHOWN", "CAP_KILL"],
      permitted: ["CAP_KILL"],
      effective: ["CAP_KILL"],
      inheritable: ["CAP_KILL"],
      ambient: ["CAP_KILL"],
    };
    config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "99" };
    config.linux.resources = {
      ...config.linux.resources,
      memory: { limit: 64 << 20, reservation: 32 << 20 },
      cpu: { shares: 512, quota: 50_000, period: 100_000 },
      pids: { limit: 33 },
    };
    config.linux.devices = [
      { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o640, uid: 5, gid: 6 },
    ];
    config.mounts.push(
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1770"] },
      { destination: "/data", type: "bind", source: "/usr/share", options: ["rbind", "ro"] },
      {
        destination: "/root",
        type: "tmpfs",
        source: "tmpfs",
        options: ["noexec", "noatime", "mode=755"],
      },
    );
    config.root.readonly = false;
  });
});

Deno.test("a user namespace looks the same with hull as with runc", async () => {
  await compare((config) => {
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
});

async function compare(change: (config: Draft) => void): Promise<void> {
  await using hull = new Hull();
  using state = scratchFolder();
  using bundle = makeBundle(LOOK, (config) => {
    change(config);
    const { maskedPaths = [], readonlyPaths = [] } = config.linux;
    config.process.env = [
      "PATH=/bin",
      `MASKED=${maskedPaths.join(" ")}`,
      `READONLY=${readonlyPaths.join(" ")}`,
    ];
  });
  const rootfs = `${bundle.folder}/rootfs`;
  if (bundle.config.linux?.uidMappings !== undefined) {
    Deno.chmodSync(bundle.folder, 0o755);
    run("chown", "-R", "100000:100000", rootfs);
  }
  const id = `hull-side-${crypto.randomUUID().slice(0, 8)}`;
  const theirs = run(
    "sh",
    "-c",
    `exec runc --root ${state.path} run -b ${bundle.folder} ${id} </dev/null`,
  );
  const ours = await hull.call(["run", "-b", bundle.folder, id]);
  assertEquals([ours.code, ours.stderr], [0, ""]);
  assertNotEquals(ours.stdout, "");
  assertEquals(differences(ours.stdout, theirs), {});
}
