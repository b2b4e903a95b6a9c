/**
 * Hosts that refuse a container, each made so: one line that tells the remedy, the exit code, and
 * nothing left. In a machine of `scripts/test --host` the host itself is changed; elsewhere what can
 * be changed for a test alone: its mounts, and the limits of a user namespace.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { type Draft, scratchFolder } from "../fixtures/bundle.ts";
import { type Ended, HULL } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import {
  DECOY,
  missing,
  OrdinaryUser,
  TOOLS,
  UID,
  type UserCall,
} from "../fixtures/ordinary_user.ts";
import { isV1 } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { exists } from "../fixtures/exists.ts";

/** Whether this host is a machine that goes with the test. */
const IS_MACHINE = DECOY === undefined && exists("/machine/words");
const MACHINE = IS_MACHINE ? undefined : "a machine of scripts/test --host, which it may change";

/** A config with one id, which needs no tools. */
function single({ linux }: Draft): void {
  linux.namespaces = [...linux.namespaces ?? [], { type: "user" }];
  linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
}

function several(config: Draft): void {
  single(config);
  const { linux } = config;
  linux.uidMappings = [...linux.uidMappings ?? [], { containerID: 1, hostID: 300_000, size: 9 }];
}

/** Something of the host that refuses an ordinary user. */
interface UsersRefusal {
  /** What the host is like. */
  readonly host: string;
  readonly said: RegExp;
  readonly config?: (config: Draft, user: OrdinaryUser) => void;
  readonly call?: (user: OrdinaryUser) => UserCall;
  /** Words before and after `run`. */
  readonly words?: readonly [global: readonly string[], own: readonly string[]];
  readonly lack?: string | undefined;
  /** A setting of the whole host. */
  readonly sysctl?: readonly [name: string, value: string];
}

/** For a limit of /proc/sys/user: that of the host in a machine, else of a namespace around hull. */
function limitOf(kind: string): Pick<UsersRefusal, "sysctl" | "call"> {
  const setting = `/proc/sys/user/max_${kind}_namespaces`;
  if (IS_MACHINE) return { sysctl: [setting, "0"] };
  const script = `echo 0 >${setting} && exec "$@"`;
  return { call: () => ({ through: ["unshare", "-Ur", "sh", "-c", script, "sh"] }) };
}

const CGROUP = { type: "cgroup" } as const;

const bound = (path: string, options: string) =>
  `mount --bind ${path} ${path}; mount -o remount,bind,${options} ${path}`;

const USERS: readonly UsersRefusal[] = [
  {
    host: "no user may make user namespaces",
    sysctl: ["/proc/sys/kernel/unprivileged_userns_clone", "0"],
    lack: MACHINE,
    said: /clone3: EPERM .*sysctl -w kernel\.unprivileged_userns_clone=1$/,
  },
  ...["user", "cgroup", "pid", "net"].map((kind) => ({
    host: `there is no room for ${kind} namespaces`,
    ...limitOf(kind),
    config: (config: Draft) => {
      single(config);
      const own = IS_MACHINE ? UID : 0;
      const { linux } = config;
      linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: own, size: 1 }];
      linux.namespaces = [...linux.namespaces ?? [], ...(kind === "cgroup" ? [CGROUP] : [])];
    },
    said: new RegExp(`ENOSPC.*sysctl -w user\\.max_${kind}_namespaces=15000$`),
  })),
  {
    host: "newuidmap is missing",
    config: several,
    call: () => ({ lacks: { tools: true } }),
    said: /newuidmap.* missing .*install it \(package uidmap or shadow-utils\)/,
  },
  {
    host: "newuidmap has no setuid bit",
    config: several,
    lack: TOOLS,
    call: ({ folder }) => ({
      before: `cp /usr/bin/newuidmap ${folder}/tool; chmod 755 ${folder}/tool; ` +
        `mount --bind ${folder}/tool /usr/bin/newuidmap`,
    }),
    said: /newuidmap.*it has no setuid bit, so it needs file capabilities: chmod u\+s/,
  },
  {
    host: "/etc/subuid has no entry for the user",
    config: several,
    lack: TOOLS,
    call: () => ({ lacks: { subordinates: true } }),
    said: /newuidmap.*lie in what \/etc\/subuid gives you/,
  },
  {
    host: "no_new_privs keeps newuidmap from its right",
    config: several,
    lack: TOOLS,
    call: () => ({ through: ["setpriv", "--no-new-privs"] }),
    said: /newuidmap.*no_new_privs or a nosuid mount may keep it from working/,
  },
  {
    host: "the home is mounted noexec",
    config: single,
    call: ({ home }) => ({ before: bound(home, "noexec") }),
    said: /exec.*EACCES.*nothing on .*\/home can be executed: mount -o remount,exec/,
  },
  {
    host: "the home is mounted nodev",
    config: (config, { home }) => {
      single(config);
      config.mounts.push({ destination: "/data", source: home, options: ["bind", "dev"] });
    },
    call: ({ home }) => ({ before: bound(home, "nodev") }),
    said: /mount_setattr.*EPERM.*\/mounts\/\d.*take out dev/,
  },
  {
    host: "the ids of the container can't reach the rootfs",
    config: single,
    call: ({ home }) => ({ before: `chown 0:0 ${home}/b/rootfs; chmod 700 ${home}/b/rootfs` }),
    said: /EACCES.*the container's ids must reach .*\/rootfs: give its folders/,
  },
  {
    host: "no cgroup is delegated, and limits are asked for",
    config: (config) => {
      single(config);
      config.linux.resources = { ...config.linux.resources, pids: { limit: 5 } };
    },
    said:
      /can make no cgroup, which pids needs .*hull --systemd-cgroup .*systemd-run --user --scope/,
  },
  {
    host: "no cgroup is delegated, and one is named",
    config: (config) => {
      single(config);
      config.linux.cgroupsPath = "/hull-refused/x";
    },
    said: /can't make the cgroup .*\/linux\/cgroupsPath.*systemd-run --user --scope/,
  },
  {
    host: "the user's systemd is not there",
    config: single,
    words: [["--systemd-cgroup"], []],
    said: isV1
      ? /a user's systemd has no controllers of cgroup v1 .*boot the host with cgroup v2/
      : /cannot reach systemd.*session\/systemd\/private.*does systemd run here/,
  },
  {
    host: "nobody but root may open /dev/net/tun",
    lack: missing("pasta"),
    config: single,
    call: ({ folder }) => ({
      network: true,
      before: `mount --bind ${folder}/empty /dev/net/tun`,
    }),
    words: [[], ["--network", "pasta"]],
    said:
      /cannot connect .* by pasta: .*must be let open \/dev\/net\/tun: modprobe tun; chmod 0666/,
  },
  {
    host: "pasta is not installed",
    config: single,
    call: ({ folder }) => ({
      before: `for f in /usr/bin/pasta /usr/local/bin/pasta; do ` +
        `! [ -e $f ] || mount --bind ${folder}/empty $f; done`,
    }),
    words: [[], ["--network", "pasta"]],
    said: /pasta is not installed .*install the package passt .*or use --network host/,
  },
  {
    host: "the session's folder is read-only",
    config: single,
    call: ({ session }) => ({ before: bound(session, "ro") }),
    said: /[Rr]ead-only file system.*that can be written to with --root/,
  },
  {
    host: "proc is not mounted",
    call: () => ({ before: "umount -l /proc" }),
    said: /no proc file system is mounted at \/proc; mount -t proc proc \/proc$/,
  },
];

/** Sets something of the host for as long as it is held. */
function setting(sysctl: UsersRefusal["sysctl"]): Disposable {
  if (sysctl === undefined) return { [Symbol.dispose]: () => {} };
  const [path, value] = sysctl;
  const before = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, value);
  return { [Symbol.dispose]: () => Deno.writeTextFileSync(path, before) };
}

for (const { host, said, config = () => {}, call, words, lack, sysctl } of USERS) {
  testWhere(DECOY ?? lack, `a user is told that ${host}`, async () => {
    const id = `hull-refused-${crypto.randomUUID().slice(0, 8)}`;
    await leavesNothing(id, async () => {
      await using user = new OrdinaryUser();
      const folder = user.bundle("b", (draft) => {
        draft.process.args = ["true"];
        config(draft, user);
      });
      const [global, own] = words ?? [[], []];
      using _held = setting(sysctl);
      const line = await user.refuse([...global, "run", ...own, "-b", folder, id], call?.(user));
      assertMatch(line, said);
    });
  });
}

/** Calls hull as root in mounts of its own. */
async function callAsRoot(setUp: string, args: readonly string[]): Promise<Ended> {
  const script = `mount --make-rprivate /\n${setUp}\nexec "$@"`;
  const { code, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-euc", script, "sh", ...HULL, ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Something of the host that refuses root. */
interface RootsRefusal {
  readonly host: string;
  readonly said: RegExp;
  /** Steps of a shell; what is in `folder` may be mounted. */
  readonly setUp: (folder: string) => string;
  /** A socket where systemd's would be: what it answers. */
  readonly answers?: string;
  readonly words?: readonly string[];
}

const SYSTEMD = ["--systemd-cgroup"];
/** Without what the host has in /run: with a folder in systemd's place. */
const runOf = (folder: string) =>
  "mount -t tmpfs none /run; mkdir /run/systemd /run/dbus; " +
  `mount --bind ${folder} /run/systemd; ln -s ../systemd/private /run/dbus/system_bus_socket`;

const ROOTS: readonly RootsRefusal[] = [
  {
    host: "the cgroups can't be written to",
    setUp: () =>
      "awk '$5 ~ \"^/sys/fs/cgroup\" {print $5}' /proc/self/mountinfo | " +
      "while read -r place; do mount -o remount,bind,ro $place; done",
    said: /EROFS.*use hull --systemd-cgroup$/,
  },
  {
    host: "no cgroups are mounted",
    setUp: () => "umount -R /sys/fs/cgroup",
    said: /no cgroup file system is mounted .*mount cgroup2 .*--cgroup-manager disabled$/,
  },
  {
    host: "systemd is not there",
    setUp: runOf,
    words: SYSTEMD,
    said: /cannot reach systemd.*does systemd run here.*the cgroup driver is cgroupfs$/,
  },
  {
    host: "systemd accepts and never answers",
    setUp: runOf,
    answers: "",
    words: SYSTEMD,
    said:
      /systemd.*\bs\b.*see what `systemctl status` and `journalctl -b -t systemd` say; without it the cgroup driver is cgroupfs$/,
  },
  {
    host: "systemd lets nobody in",
    setUp: runOf,
    answers: "REJECTED EXTERNAL\r\n",
    words: SYSTEMD,
    said: /systemd does not let hull in: .*the user of id 0 must be the one/,
  },
];

/** Accepts what comes, and answers each the same. */
function listen(path: string, answers: string): Disposable {
  const listener = Deno.listen({ transport: "unix", path });
  using stack = new DisposableStack();
  const connections = stack.adopt([] as Deno.Conn[], (all) => all.forEach((each) => each.close()));
  stack.use(listener);
  const serve = async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await connection.write(new TextEncoder().encode(answers));
    }
  };
  void serve();
  return stack.move();
}

for (const { host, said, setUp, answers, words = [] } of ROOTS) {
  testWhere(DECOY, `root is told that ${host}`, async () => {
    const id = `hull-refused-${crypto.randomUUID().slice(0, 8)}`;
    await leavesNothing(id, async () => {
      using scratch = scratchFolder();
      const [folder, root] = [`${scratch.path}/run`, `${scratch.path}/root`];
      for (const each of [folder, root]) Deno.mkdirSync(each, { mode: 0o700 });
      using _systemd = answers === undefined ? undefined : listen(`${folder}/private`, answers);
      const args = [...words, "--root", root, "run", id, "--", "true"];
      const { code, stdout, stderr } = await callAsRoot(setUp(folder), args);
      const lines = stderr.trimEnd().split("\n").length;
      const left = [...Deno.readDirSync(root)].map(({ name }) => name)
        .filter((name) => !/^[~.]/.test(name)); // not caches
      assertEquals(
        { code, stdout, lines, left },
        { code: 125, stdout: "", lines: 1, left: [] },
        stderr,
      );
      assertMatch(stderr.trimEnd(), said);
    });
  });
}
