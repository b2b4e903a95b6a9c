/**
 * What the device rules of `linux.resources.devices` do, under runc and under hull: which devices
 * can be opened and made inside. On v2 no file shows them, only their effect. Needs root and runc.
 */

import { assertEquals } from "@std/assert";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { missingRunc } from "../fixtures/runc.ts";
import { testWhere } from "../fixtures/test_where.ts";

type Rules = NonNullable<NonNullable<Draft["linux"]["resources"]>["devices"]>;

/** For each device: can it be opened for reading, for writing, and made? */
const SCRIPT = `
for line in "null c 1 3" "mem c 1 1" "kmsg c 1 11" "full c 1 7" "loop b 7 0" "tty1 c 4 1"; do
  set -- $line
  mknod /tmp/made-$1 $2 $3 $4 2>/dev/null && made=m || made=-
  dd if=/tests/$1 of=/dev/null count=0 2>/tmp/error && reads=r || reads=-
  grep -q 'not permitted' /tmp/error || reads=r
  dd if=/dev/null of=/tests/$1 count=0 conv=notrunc 2>/tmp/error && writes=w || writes=-
  grep -q 'not permitted' /tmp/error || writes=w
  echo $1 $reads$writes$made
done`;

const DEVICES = [
  ["null", "c", 1, 3],
  ["mem", "c", 1, 1],
  ["kmsg", "c", 1, 11],
  ["full", "c", 1, 7],
  ["loop", "b", 7, 0],
  ["tty1", "c", 4, 1],
] as const;

const NONE = { allow: false, access: "rwm" } as const;

const CASES: readonly [string, Rules, Readonly<Record<string, string>>][] = [
  ["none of its own", [NONE], {
    null: "rwm",
    mem: "--m", // every node may be made
    kmsg: "--m",
    full: "rwm", // one of those that every container has
    loop: "--m",
    tty1: "--m",
  }],
  ["one to read, one to write, one for all", [
    NONE,
    { allow: true, type: "c", major: 1, minor: 1, access: "r" },
    { allow: true, type: "c", major: 1, minor: 11, access: "w" },
    { allow: true, type: "c", major: 4, access: "rw" },
    { allow: true, type: "b", major: 7, minor: 1, access: "rw" },
  ], { null: "rwm", mem: "r-m", kmsg: "-wm", full: "rwm", loop: "--m", tty1: "rwm" }],
  ["all but one", [
    { allow: true, access: "rwm" },
    { allow: false, type: "c", major: 1, minor: 11, access: "rw" },
    { allow: false, type: "b", major: 7, minor: 0, access: "w" },
  ], { null: "rwm", mem: "rwm", kmsg: "--m", full: "rwm", loop: "r-m", tty1: "rwm" }],
];

/** Nodes from outside, so that the rules alone decide. */
function change(rules: Rules): (config: Draft) => void {
  return (config) => {
    config.linux.resources = { devices: rules };
    config.mounts = config.mounts.filter(({ type }) => type !== "cgroup");
    config.mounts.push({ destination: "/tmp", type: "tmpfs", source: "tmpfs" });
    config.root.readonly = false;
    const names = config.process.capabilities ?? {};
    for (const set of ["bounding", "effective", "permitted"] as const) {
      names[set] = [...names[set] ?? [], "CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_SYSLOG"];
    }
  };
}

async function underRunc(folder: string, id: string): Promise<string> {
  const args = ["--root", `${folder}/runc-state`, "run", "--bundle", folder, id];
  const command = new Deno.Command("runc", { args, stdin: "null", stderr: "piped" });
  const { stdout, stderr } = await command.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

for (const [name, rules, wanted] of CASES) {
  testWhere(missingRunc(), `device rules, in effect: ${name}`, async () => {
    await leavesNothing("hull-devrules", async () => {
      await using hull = new Hull();
      using bundle = makeBundle(SCRIPT, change(rules));
      using _nodes = makeNodes(`${bundle.folder}/rootfs/tests`);
      const ours = await hull.must("run", "--bundle", bundle.folder, "hull-devrules-h");
      const theirs = await underRunc(bundle.folder, "hull-devrules-r");
      assertEquals(ours, theirs);
      const lines = Object.entries(wanted).map(([device, may]) => `${device} ${may}\n`);
      assertEquals(ours, lines.join(""));
    });
  });
}

/** Nodes in a file system of their own: that of temporary files may be one without devices. */
function makeNodes(folder: string): Disposable {
  Deno.mkdirSync(folder);
  run("mount", "-t", "tmpfs", "tmpfs", folder);
  for (const [name, type, major, minor] of DEVICES) {
    run("mknod", `${folder}/${name}`, type, String(major), String(minor));
  }
  return { [Symbol.dispose]: () => void run("umount", folder) };
}
