/**
 * Ordinary users as hosts have them: with odd entries in /etc/subuid, another group, some of root's
 * rights in a user namespace, or a session that can't be used.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { Draft } from "../fixtures/bundle.ts";
import { DECOY, OrdinaryUser, TOOLS, UID } from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

function script(text: string, change: (config: Draft) => void = () => {}) {
  return (config: Draft) => {
    config.process.args = ["sh", "-c", text];
    change(config);
  };
}

/** Both files of ranges, as a shell writes them. */
function ranges({ folder }: OrdinaryUser, lines: string): string {
  const file = `${folder}/ranges`;
  const binds = ["uid", "gid"].map((kind) => `mount --bind ${file} /etc/sub${kind}`);
  return `{ ${lines}; } >${file}; chmod 644 ${file}; ${binds.join("; ")}`;
}

const MAP = "tr -s ' ' </proc/self/uid_map; cmp /proc/self/gid_map /proc/self/uid_map";

testWhere(
  DECOY ?? TOOLS,
  "ranges of ids that overlap, or hold the user's own, are mapped as far as they are new",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script(MAP));
    for (
      const [entries, map] of [
        ["echo dev:300000:10; echo 1000:300000:30; echo dev:299990:15", [
          " 1 300000 10",
          " 11 300010 20",
          " 31 299990 10",
        ]],
        ["echo dev:990:20", [" 1 990 10", " 11 1001 9"]],
        [`echo dev:${UID}:1`, []],
      ] as const
    ) {
      const { code, stdout, stderr } = await user.call(["run", "-b", folder, "x"], {
        before: ranges(user, entries),
      });
      const printed = stdout.trimEnd().split("\n");
      assertEquals({ code, printed }, { code: 0, printed: [` 0 ${UID} 1`, ...map] }, stderr);
      const lacks = stderr.includes("/etc/subuid has no entry");
      assertEquals(lacks, map.length === 0, stderr);
    }
  },
);

testWhere(
  DECOY ?? TOOLS,
  "of more ranges than the kernel takes as many are mapped as it takes",
  async () => {
    await using user = new OrdinaryUser();
    const count = "wc -l </proc/self/uid_map; tail -n 1 /proc/self/uid_map | tr -s ' '";
    const folder = user.bundle(
      "b",
      script(count, ({ process }) => void (process.user = { uid: 700, gid: 700 })),
    );
    const said = [];
    for (const [first, width] of [[20_000, 1], [3_000_000_000, 9]] as const) {
      const entries = `for k in $(seq 400); do echo dev:$((${first} + k * 10)):${width}; done`;
      const args = ["run", "-b", folder, "x"];
      said.push(await user.must(args, { before: ranges(user, entries) }));
    }
    const [byLines = "", byBytes = ""] = said;
    assertEquals(byLines, `339\n 700 ${UID} 1\n`);
    assertMatch(byBytes, /^\d+\n \d+ 3\d+ \d\n$/);
  },
);

testWhere(
  DECOY ?? TOOLS,
  "in another group than that of /etc/passwd the user is told that the tools need it",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script("true"));
    assertMatch(
      await user.refuse(["run", "-b", folder, "x"], { group: 100 }),
      /newuidmap works for the user's group of \/etc\/passwd alone, 1000, not for 100: leave newgrp/,
    );
  },
);

testWhere(
  DECOY,
  "the root of a user namespace without CAP_SYS_ADMIN is told what lacks, and may nest another",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script("id -u"));
    const nested = user.bundle(
      "nested",
      script("id -u", ({ linux }) => {
        linux.namespaces = [...linux.namespaces ?? [], { type: "user" }];
        linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
      }),
    );
    const through = ["unshare", "-Ur", "setpriv", "--bounding-set=-sys_admin"];
    assertMatch(
      await user.refuse(["run", "-b", folder, "x"], { through }),
      /clone3: EPERM .*hull has not CAP_SYS_ADMIN in its user namespace: .*"type": "user"/,
    );
    assertEquals(await user.must(["run", "-b", nested, "x"], { through }), "0\n");
  },
);

testWhere(
  DECOY,
  "who has root's rights in a user namespace without its root gets a container below it",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script(`id -u; ${MAP}`));
    const through = ["unshare", "-U", "--map-current-user", "--keep-caps"];
    const { code, stdout, stderr } = await user.call(["run", "-b", folder, "x"], { through });
    assertEquals({ code, stdout }, { code: 0, stdout: `0\n 0 ${UID} 1\n` }, stderr);
    assertMatch(stderr, /^hull: warning: .*maps this user's own id only/);
  },
);

testWhere(DECOY, "a folder of the session that can't be used is told with its remedy", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("b", script("true"));
  const { session } = user;
  const small = (option: string) =>
    `mount -t tmpfs -o ${option},mode=700,uid=${UID},gid=${UID} none ${session}`;
  const bound = `mount --bind ${session} ${session}; mount -o remount,bind,ro ${session}`;
  const cases: readonly (readonly [string, RegExp, (readonly string[])?])[] = [
    ["true", /XDG_RUNTIME_DIR must be an absolute path, not run; or .*--root/, [
      "env",
      "XDG_RUNTIME_DIR=run",
    ]],
    [
      bound,
      /[Rr]ead-only file system.*name a folder on a file system that can be written to with --root/,
    ],
    [small("size=4k"), /ENOSPC.*its file system is full, see df and df -i/],
    [small("nr_inodes=2"), /ENOSPC.*its file system is full, see df and df -i/],
    ["umount -l /proc", /no proc file system is mounted at \/proc; mount -t proc proc \/proc$/],
  ];
  for (const [before, said, through = []] of cases) {
    assertMatch(await user.refuse(["run", "-b", folder, "x"], { before, through }), said);
  }
});

testWhere(
  DECOY,
  "a root folder that a group may write to is taken only if the group is the user's alone",
  async () => {
    await using user = new OrdinaryUser();
    const folder = user.bundle("b", script("true"));
    const root = `${user.home}/root`;
    const args = ["--root", root, "run", "-b", folder, "x"];
    const before = (group: number, mode: string) =>
      `mkdir -p ${root}; chown ${UID}:${group} ${root}; chmod ${mode} ${root}`;
    assertEquals(await user.must(args, { before: before(UID, "775") }), "");
    for (const mode of ["775", "1775"]) {
      assertMatch(
        await user.refuse(args, { before: before(100, mode), group: 100 }),
        new RegExp(`can be written to by group 100; chmod g-w ${root}, if it is yours`),
      );
    }
  },
);
