/**
 * Hosts on which a container's maker has not root's rights, though it may look so: a user
 * namespace, a delegated cgroup.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { type Draft, run } from "../fixtures/bundle.ts";
import { DECOY, OrdinaryUser, TOOLS } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

function script(text: string, change: (config: Draft) => void = () => {}) {
  return (config: Draft) => {
    config.process.args = ["sh", "-c", text];
    change(config);
  };
}

testWhere(
  DECOY,
  "the root of a user namespace runs a container in it, without another one",
  async () => {
    await using user = new OrdinaryUser();
    const text = "id -u; readlink /proc/self/ns/user; stat -c %F /dev/null; echo x >/dev/null";
    const folder = user.bundle("b", script(text));
    const inside = 'readlink /proc/self/ns/user; exec "$0" "$@"';
    for (const init of ["direct", "reexec"]) {
      const through = ["unshare", "-Ur", "sh", "-c", inside];
      const args = ["run", "--init", init, "-b", folder, "x"];
      const [outer, ...lines] = (await user.must(args, { through })).trimEnd().split("\n");
      assertEquals(lines, ["0", outer ?? "", "character special file"]);
    }
    assertEquals(user.left(), []);
  },
);

testWhere(
  DECOY,
  "the root of a user namespace may share the host's processes, and set parameters",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle(
      "b",
      script("ls -d /proc/1; cat /proc/sys/net/ipv4/ping_group_range", (config) => {
        config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ??
          [];
        config.linux.sysctl = { "net.ipv4.ping_group_range": "0 0" };
        config.linux.readonlyPaths = [];
      }),
    );
    const args = ["run", "-b", folder, "x"];
    for (const through of [["unshare", "-Ur"], []]) {
      assertEquals(await user.must(args, { through }), "/proc/1\n0\t0\n");
    }
  },
);

testWhere(
  DECOY ?? TOOLS,
  "in a user namespace with several ids a container may have one of its own, too",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle(
      "b",
      script("cat /proc/self/uid_map | tr -s ' '; stat -c %F /dev/null", (config) => {
        config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
        config.linux.uidMappings = [{ containerID: 0, hostID: 1, size: 100 }];
        config.linux.gidMappings = [{ containerID: 0, hostID: 1, size: 100 }];
        config.root.readonly = true;
      }),
    );
    const through = ["unshare", "-U", "--map-auto", "--map-root-user"];
    const said = await user.must(["run", "-b", folder, "x"], { through });
    assertEquals(said, " 0 1 100\ncharacter special file\n");
  },
);

testWhere(DECOY, "ids that a user namespace has not can't be mapped below it", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "b",
    script("true", (config) => {
      config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
      config.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 1 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    }),
  );
  const said = await user.refuse(["run", "-b", folder, "x"], { through: ["unshare", "-Ur"] });
  assertMatch(said, /uid_map\): EPERM.*\/linux\/uidMappings.*\/proc\/self\/uid_map/);
});

/** A part of the tree of cgroup v2 that is the user's, and the only one that there is. */
class Delegation implements Disposable {
  readonly #name = `hull-test-user-${crypto.randomUUID().slice(0, 8)}`;
  readonly #user: OrdinaryUser;

  constructor(user: OrdinaryUser) {
    this.#user = user;
  }

  /** The steps as root before the user comes, who is put into it. */
  get before(): string {
    return this.#before(true);
  }

  /** The same for a user who stays where the test is. */
  get outside(): string {
    return this.#before(false);
  }

  #before(isInside: boolean): string {
    const place = `${this.#user.folder}/nothing`;
    const top = `${place}/${this.#name}`;
    const files = ["", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"];
    return [
      `mount -t cgroup2 none ${place}`,
      `mkdir -p ${top}/own`,
      `chown 1000:1000 ${files.map((file) => `${top}${file} ${top}/own${file}`).join(" ")}`,
      ...(isInside ? [`echo $$ >${top}/own/cgroup.procs`] : []),
      "umount -R /sys/fs/cgroup",
      `mount --move ${place} /sys/fs/cgroup`,
    ].join("\n");
  }

  [Symbol.dispose](): void {
    const place = `${this.#user.folder}/nothing`;
    const remove = `find ${place}/${this.#name} -depth -type d -exec rmdir {} +`;
    run("unshare", "--mount", "sh", "-ec", `mount -t cgroup2 none ${place}\n${remove}`);
  }
}

testWhere(
  DECOY,
  "a container of a user is in a cgroup of its own where they are delegated",
  async () => {
    await using user = new OrdinaryUser();
    using delegation = new Delegation(user);
    const { before } = delegation;
    const folder = user.bundle(
      "b",
      script("sleep 1000", (config) => {
        config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "cgroup" }];
      }),
    );
    for (const init of ["direct", "reexec"]) {
      await user.detach(["run", "--init", init, "-d", "-b", folder, "w"], { before });
      const inside = [
        "exec",
        "w",
        "sh",
        "-c",
        "grep ^0:: /proc/self/cgroup; mkdir /sys/fs/cgroup/x",
      ];
      const { stdout } = await user.call(inside, { before });
      assertEquals(stdout, "0::/\n");
      await user.must(["pause", "w"], { before });
      assertMatch(await user.must(["state", "w"], { before }), /"status": "paused"/);
      await user.must(["resume", "w"], { before });
      await user.must(["kill", "--all", "w", "KILL"], { before });
      await user.must(["delete", "--force", "w"], { before });
      assertEquals(user.left(), []);
    }
  },
);

testWhere(
  DECOY,
  "who is outside of the delegated part is told how to get a process into it",
  async () => {
    await using user = new OrdinaryUser();
    using delegation = new Delegation(user);
    const { before, outside } = delegation;
    const folder = user.bundle("b", script("sleep 1000"));
    await user.detach(["run", "-d", "-b", folder, "w"], { before });
    const { code, stderr } = await user.call(["exec", "w", "true"], { before: outside });
    assertEquals(code, 255);
    assertMatch(stderr, /^hull: .*cgroup.procs\): EACCES .*systemd-run --user --scope hull ….*\n$/);
    await user.must(["delete", "--force", "w"], { before: outside });
  },
);

testWhere(
  DECOY,
  "without a cgroup namespace the host's tree is read-only for a user's container",
  async () => {
    await using user = new OrdinaryUser();
    using delegation = new Delegation(user);
    const text =
      "d=/sys/fs/cgroup$(grep ^0:: /proc/self/cgroup | cut -d: -f3); mkdir $d/x || echo no";
    const folder = user.bundle("b", script(text));
    const { code, stdout, stderr } = await user.call(["run", "-b", folder, "x"], {
      before: delegation.before,
    });
    assertEquals({ code, stdout }, { code: 0, stdout: "no\n" }, stderr);
    assertMatch(stderr, /Read-only file system/);
  },
);
