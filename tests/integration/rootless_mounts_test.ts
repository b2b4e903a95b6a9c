/**
 * Mounts and devices of an ordinary user's containers: what the kernel lets such a user mount, and
 * what stands for the rest.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { Draft } from "../fixtures/bundle.ts";
import { OrdinaryUser, TOOLS, UID } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

function script(text: string, change: (config: Draft) => void = () => {}) {
  return (config: Draft) => {
    config.process.args = ["sh", "-c", text];
    change(config);
  };
}

const without = (...types: string[]) => (config: Draft) => {
  config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => !types.includes(type)) ??
    [];
};

function mounting(destination: string, type: string, ...options: string[]) {
  return ({ mounts }: Draft) => void mounts.push({ destination, type, source: type, options });
}

/** What is asked for, what the script prints, and the script. */
const CASES: readonly (readonly [string, string, string, (config: Draft) => void])[] = [
  ["the host's processes", "/proc/1\n", "ls -d /proc/1", without("pid")],
  ["the host's message queues, or none", "ok\n", "echo ok", without("ipc")],
  ["the host's network", "lo\nread-only\n", NETWORK(), without("network")],
  [
    "each mask once beside the host's /sys",
    "/proc/acpi\n/proc/keys\n",
    "cut -d' ' -f5 /proc/self/mountinfo | grep -x '/proc/keys\\|/proc/acpi' | sort",
    without("network"),
  ],
  [
    "a tmpfs with what the image has there",
    "sh\n",
    "ls /bin | grep '^sh$'",
    mounting("/bin", "tmpfs", "tmpcopyup"),
  ],
  [
    "no group of terminals that is not mapped",
    "0\n",
    "mount | grep -c '^devpts.*gid=5' || true",
    ({ linux }) => {
      linux.namespaces = [...linux.namespaces ?? [], { type: "user" }];
      linux.uidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
      linux.gidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
    },
  ],
  [
    "a shared root",
    "ok\n",
    "echo ok",
    (config) => void (config.linux.rootfsPropagation = "rshared"),
  ],
  [
    "the devices of the host",
    "character special file\nfifo\n",
    "echo x >/dev/null; stat -c %F /dev/zero /dev/pipe",
    (config) => void (config.linux.devices = [{ path: "/dev/pipe", type: "p", fileMode: 0o600 }]),
  ],
];

function NETWORK(): string {
  return "ls /sys/class/net | grep '^lo$'; touch /sys/x 2>/dev/null || echo read-only";
}

for (const [what, printed, text, change] of CASES) {
  Deno.test(`a user's container has ${what}`, async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script(text, change));
    const { code, stdout, stderr } = await user.call(["run", "-b", folder, "x"]);
    assertEquals({ code, stdout }, { code: 0, stdout: printed }, stderr);
    assertEquals(user.left(), []);
  });
}

testWhere(TOOLS, "files of a new file system belong to ids of the container", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("stat -c %u:%g /data", mounting("/data", "tmpfs", "uid=5", "gid=6")),
  );
  assertEquals(await user.must(["run", "-b", folder, "x"]), "5:6\n");
});

Deno.test("what a user makes in the container is the user's own on the host", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("touch /data/file; id -u", (config) => {
      config.root.readonly = false;
    }),
  );
  assertEquals(await user.must(["run", "-b", folder, "x"]), "0\n");
  assertEquals(Deno.statSync(`${folder}/rootfs/data/file`).uid, UID);
});

Deno.test("an id-mapped mount is refused with the reason", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("true", ({ mounts }) => {
      mounts.push({ destination: "/data", source: user.home, options: ["bind", "idmap"] });
    }),
  );
  assertMatch(
    await user.refuse(["run", "-b", folder, "x"]),
    /EPERM.*\/mounts\/7.*made beforehand, id-mapped or shared with the host, needs root/,
  );
});
