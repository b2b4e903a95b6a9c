/** What the differential soak must not pass over, however like a known difference it looks. */
import { assert, assertEquals } from "@std/assert";
import type { Part } from "../../../scripts/differential/case.ts";
import { mountsOf, wasThere } from "../../../scripts/differential/case_look.ts";
import { compare } from "../../../scripts/differential/compare.ts";
import { insideFacts } from "../../../scripts/differential/inside.ts";

/** One fact, as hull and the reference show it. */
interface Shown {
  readonly fact: string;
  readonly parts?: readonly Part[];
  readonly hull: string;
  readonly reference: string;
}

const exec: Part = { kind: "exec", at: "/terminal", value: false };
const tmpfs: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/data", type: "tmpfs", options: ["mode=1770"] },
};
const closed = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/../data", type: "tmpfs", options: ["mode=1770"] },
} as const;
const readOnly: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/../data", type: "tmpfs", options: ["ro"] },
};
const hierarchies = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/data", type: "cgroup", options: ["ro"] },
} as const;
const inside: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/data/./sub", type: "none", options: ["bind"] },
};
const device: Part = { kind: "push", at: "/linux/devices", value: { path: "/dev/null" } };
const lost: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/loop", type: "bind", source: "/s", options: ["bind"] },
};
const again: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/to-proc", type: "devpts", source: "devpts", options: ["remount"] },
};
const behind: Part = {
  kind: "push",
  at: "/mounts",
  value: { destination: "/data/sub/..", type: "tmpfs" },
};
const mapped: readonly Part[] = [
  { kind: "push", at: "/linux/namespaces", value: { type: "user" } },
  { kind: "set", at: "/linux/uidMappings", value: [] },
];

/** A hook without an environment of its own. */
function bare(point: string): Part {
  return { kind: "push", at: `/hooks/${point}`, value: { path: "/p" } };
}

/** What hooks wrote, as the host's tree shows it. */
function hooksFile(lines: string): string {
  return `file 100644 0:0 "${lines}"`;
}

/** What stands in the list, and something else of the same fact that does not. */
const PAIRS: readonly (readonly [name: string, known: Shown, fault: Partial<Shown>])[] = [
  ["a tmpfs's owner beside its mode", {
    parts: [tmpfs],
    fact: "inside place /data",
    hull: "folder 1770 0:0 fs=1021994 flags=1020 wx",
    reference: "folder 755 0:0 fs=1021994 flags=1020 wx",
  }, { hull: "folder 1770 5:5 fs=1021994 flags=1020 wx" }],
  ["the mode of a default device that is listed", {
    parts: [device],
    fact: "inside place /dev/null",
    hull: "char 666 0:0 fs=1021994 flags=1022 w- 1:3 open=yes",
    reference: "char 666 0:0 fs=1021994 flags=1022 w- 1:3 open=EPERM",
  }, { hull: "char 600 0:0 fs=1021994 flags=1022 w- 1:3 open=yes" }],
  ["the mode of a default device that is listed with special bits", {
    parts: [device],
    fact: "inside place /dev/null",
    hull: "char 4755 0:0 fs=1021994 flags=22 wx 1:3 open=yes",
    reference: "char 755 0:0 fs=1021994 flags=22 -(EPERM)x 1:3 open=EPERM",
  }, { hull: "char 4775 0:0 fs=1021994 flags=22 wx 1:3 open=yes" }],
  ["a device's owner in a user namespace", {
    parts: mapped,
    fact: "inside place /dev/zero",
    hull: "char 666 65534:65534 fs=1021994 flags=102a w- 1:5 open=yes",
    reference: "char 666 65534:65534 fs=1021994 flags=1022 w- 1:5 open=yes",
  }, { hull: "char 666 0:65534 fs=1021994 flags=102a w- 1:5 open=yes" }],
  ["a mask's flags in a user namespace", {
    parts: [...mapped, { kind: "push", at: "/linux/maskedPaths", value: "/data/file" }],
    fact: "inside place /data/file",
    hull: "char 666 65534:65534 fs=1021994 flags=102a w- 1:3 open=yes",
    reference: "char 666 65534:65534 fs=1021994 flags=1020 w- 1:3 open=yes",
  }, { fact: "inside place /data/other" }],
  ["a tmpfs over a read-only one", {
    parts: [readOnly, {
      kind: "push",
      at: "/mounts",
      value: { destination: "/up", type: "tmpfs" },
    }],
    fact: "inside place /data",
    hull: "folder 755 0:0 fs=1021994 flags=1020 wx",
    reference: "folder 755 0:0 fs=1021994 flags=1021 -(EROFS)x",
  }, { parts: [readOnly] }],
  ["a mount over a read-only one", {
    parts: [readOnly, {
      kind: "push",
      at: "/mounts",
      value: { destination: "/up", type: "tmpfs" },
    }],
    fact: "inside mount /data",
    hull: "/ rw,relatime  tmpfs tmpfs rw",
    reference: "/ ro,relatime  tmpfs tmpfs rw",
  }, {
    parts: [
      { kind: "push", at: "/mounts", value: { destination: "/up", type: "tmpfs" } },
      readOnly,
    ],
  }],
  ["a soft limit of open files that was raised", {
    parts: [{
      kind: "exec",
      at: "/rlimits",
      value: [{ type: "RLIMIT_NOFILE", hard: 16, soft: 8 }],
    }],
    fact: "inside limit.7",
    hull: "8 16",
    reference: "16 16",
  }, { hull: "4 16" }],
  ["limits of an exec that are not the container's", {
    parts: [exec],
    fact: "inside limit.7",
    hull: "1024 1024",
    reference: "4096 4096",
  }, { hull: "512 1024" }],
  ["an exec's umask that nobody named", {
    parts: [exec, { kind: "exec", at: "/user", value: { uid: 0, gid: 0, umask: 0o27 } }],
    fact: "inside umask",
    hull: "27",
    reference: "22",
  }, { hull: "77" }],
  ["an exec's rank that it did not name", {
    parts: [exec, { kind: "exec", at: "/oomScoreAdj", value: 100 }],
    fact: "inside oom",
    hull: "100",
    reference: "0",
  }, { hull: "50" }],
  ["a pipe's mode beside its special bits", {
    parts: [device],
    fact: "host ./host/folder/dev",
    hull: "special 14755 0:0 0",
    reference: "special 10755 0:0 0",
  }, { hull: "special 14775 0:0 0" }],
  ["a tmpfs's options beside its propagation", {
    parts: [{ kind: "set", at: "/linux/rootfsPropagation", value: "rshared" }],
    fact: "inside mount /run",
    hull: "/ rw,relatime shared tmpfs tmpfs rw,mode=755",
    reference: "/ rw,relatime  tmpfs tmpfs rw",
  }, { hull: "/ rw,nosuid,relatime shared tmpfs tmpfs rw,mode=755" }],
  ["queues that nobody owns", {
    parts: mapped,
    fact: "inside place /dev/mqueue",
    hull: "folder 1777 0:0 fs=19800202 flags=102e wx",
    reference: "folder 1777 0:65534 fs=19800202 flags=102e wx",
  }, { hull: "folder 1777 65534:65534 fs=19800202 flags=102e wx" }],
  ["a root that is read-only, and its mode", {
    parts: [{ kind: "push", at: "/linux/readonlyPaths", value: "/.." }],
    fact: "inside place /bin",
    hull: "folder 755 0:0 fs=ef53 flags=1021 -(EROFS)x",
    reference: "folder 755 0:0 fs=ef53 flags=1020 wx",
  }, { hull: "folder 700 0:0 fs=ef53 flags=1021 -(EROFS)x" }],
  ["a root that was to be read-only and is not", {
    parts: [{ kind: "push", at: "/linux/readonlyPaths", value: "/.." }],
    fact: "inside mount /",
    hull: "/rootfs ro,relatime  ext4 /dev/vda rw",
    reference: "/rootfs rw,relatime  ext4 /dev/vda rw",
  }, {
    hull: "/rootfs rw,relatime  ext4 /dev/vda rw",
    reference: "/rootfs ro,relatime  ext4 /dev/vda rw",
  }],
  ["other places than those behind a link", {
    parts: [behind, { kind: "entry", place: "data/sub", shape: { type: "link", target: "a/b" } }],
    fact: "inside mount /data/a",
    hull: "/ rw,relatime  tmpfs tmpfs rw",
    reference: "(nothing)",
  }, { fact: "inside mount /database" }],
  ["a way up that no link has changed", {
    parts: [behind, { kind: "entry", place: "data/sub", shape: { type: "link", target: "a/b" } }],
    fact: "inside mount /data",
    hull: "(nothing)",
    reference: "/ rw,relatime  tmpfs tmpfs rw",
  }, { parts: [behind] }],
  ["a closed folder where no mode was asked for", {
    parts: [{
      kind: "push",
      at: "/mounts",
      value: { destination: "/root", type: "tmpfs", options: ["mode=755"] },
    }],
    fact: "inside list /root",
    hull: "(nothing)",
    reference: "EACCES",
  }, { parts: [{ kind: "push", at: "/mounts", value: { destination: "/root", type: "tmpfs" } }] }],
  ["a tmpfs's mode at a place that is none", {
    parts: [tmpfs],
    fact: "inside place /data",
    hull: "folder 1770 0:0 fs=1021994 flags=1020 wx",
    reference: "folder 755 0:0 fs=1021994 flags=1020 wx",
  }, { fact: "inside place /data/sub" }],
  ["a mode that nobody asked for", {
    parts: [tmpfs],
    fact: "inside place /data",
    hull: "folder 1770 0:0 fs=1021994 flags=1020 wx",
    reference: "folder 755 0:0 fs=1021994 flags=1020 wx",
  }, { hull: "folder 1777 0:0 fs=1021994 flags=1020 wx" }],
  ["a folder that others may not list, with a mode that lets them", {
    parts: [closed],
    fact: "inside list /data",
    hull: "EACCES",
    reference: "(nothing)",
  }, { parts: [{ ...closed, value: { ...closed.value, options: ["mode=755"] } }] }],
  ["a folder that others may not list beside the tmpfs", {
    parts: [closed],
    fact: "inside list /data",
    hull: "EACCES",
    reference: "(nothing)",
  }, { fact: "inside list /data/sub" }],
  ["what lies in the state folder that is no cache of filters", {
    fact: "left state ~seccomp",
    hull: "there",
    reference: "(nothing)",
  }, { fact: "left state ~networks" }],
  ["a root that an exec sees read-only, and its mode", {
    parts: [exec, { kind: "push", at: "/linux/readonlyPaths", value: "/" }],
    fact: "inside place /bin",
    hull: "folder 755 0:0 fs=ef53 flags=1021 -(EROFS)x",
    reference: "folder 755 0:0 fs=ef53 flags=1020 wx",
  }, { hull: "folder 700 0:0 fs=ef53 flags=1021 -(EROFS)x" }],
  ["a place that no mask covers, in a root that is read-only by its path", {
    parts: [exec, { kind: "push", at: "/linux/readonlyPaths", value: "/" }],
    fact: "inside place /proc/keys",
    hull: "char 666 0:0 fs=1021994 flags=1022 w- 1:3 open=yes",
    reference: "file 444 0:0 fs=9fa0 flags=1020 --",
  }, { fact: "inside place /proc/uptime" }],
  ["variables of other hooks than createContainer's", {
    parts: [bare("createContainer")],
    fact: "host ./hooks",
    hull: hooksFile("createContainer.0\\tPATH=/bin\\ncreateContainer cwd\\tB\\n"),
    reference: hooksFile("createContainer.0\\tTERM=xterm\\ncreateContainer cwd\\tB\\n"),
  }, {
    parts: [bare("createContainer"), bare("poststop")],
    hull: hooksFile("poststop.0\\tPATH=/bin\\npoststop cwd\\tB\\n"),
    reference: hooksFile("poststop.0\\tTERM=xterm\\npoststop cwd\\tB\\n"),
  }],
  ["options of a devpts that a remount does not name", {
    parts: [again],
    fact: "inside mount /to-proc",
    hull: "/ rw,nosuid,noexec,relatime  devpts devpts rw,gid=5,mode=620,ptmxmode=666",
    reference: "/ rw,relatime  devpts devpts rw,mode=600,ptmxmode=000",
  }, {
    hull: "/ rw,nosuid,noexec,relatime  devpts devpts rw,mode=620,ptmxmode=666",
  }],
  ["a remount that reaches the host's file system", {
    parts: [again],
    fact: "changed mount /tmp/case",
    hull: "(nothing)",
    reference: "94 44 0:43 / /tmp/case rw - tmpfs none rw,sync",
  }, {
    hull: "94 44 0:43 / /tmp/case rw - tmpfs none rw,sync",
    reference: "(nothing)",
  }],
];

for (const [name, known, fault] of PAIRS) {
  Deno.test(`the soak tells of ${name}`, () => {
    assertEquals(remaining(known), []);
    assertEquals(remaining({ ...known, ...fault }), [fault.fact ?? known.fact]);
  });
}

Deno.test("the soak tells of what hull made before it refused alone", () => {
  const refused = {
    facts: new Map<string, string>(FAILED),
    words: "hull: cannot enter /proc/self/cwd with chdir: ELOOP [step exec]",
  };
  const made = ["host ./rootfs/work", "folder 40755 0:0"] as const;
  const left = (ours: readonly (readonly [string, string])[], theirs: typeof ours) =>
    compare("hull", [], { ...refused, facts: new Map([...FAILED, ...ours]) }, {
      facts: new Map([...RAN, ...theirs]),
      words: "",
    }).map(({ fact }) => fact);
  assertEquals(left([], [made]), []);
  assertEquals(left([made], []), [made[0]]);
});

Deno.test("the soak tells of what hull took away from the rootfs where both fail", () => {
  const failed = [["run error", "EINVAL"], ["run code", "1"]] as const;
  const left = (place: string) =>
    compare(
      "hull",
      [],
      { facts: new Map(failed), words: "" },
      { facts: new Map([...failed, [`host ./rootfs/${place}`, "folder 40755 0:0"]]), words: "" },
    ).length;
  assertEquals([left("made"), left("data/sub")], [0, 1]);
});

const FAILED = [["run error", "ENOENT"], ["run code", "1"]] as const;
const RAN = [["run error", "none: the program ran"], ["run code", "7"]] as const;

/** A case with a /dev below /data, and a masked path that is a link. */
function masked(path: string, target: string): readonly Part[] {
  return [
    { kind: "entry", place: "dev", shape: { type: "link", target: "data/sub" } },
    { kind: "entry", place: path.slice(1), shape: { type: "link", target } },
    { kind: "push", at: "/linux/maskedPaths", value: path },
  ];
}

/** Refusals that stand in the list, each with words that do not. */
const REFUSED: readonly (readonly [name: string, known: Words, fault: Words])[] = [
  ["a read-only tmpfs that a later mount hides", {
    parts: [{
      kind: "push",
      at: "/mounts",
      value: { destination: "/dev/x", type: "tmpfs", options: ["ro"] },
      index: 0,
    }],
    reference:
      "error during container init: mount /dev/x, flags: 0x1021: no such file or directory",
  }, {
    parts: [{
      kind: "push",
      at: "/mounts",
      value: { destination: "/dev/x", type: "tmpfs", options: ["ro"] },
    }],
    reference:
      "error during container init: mount /dev/x, flags: 0x1021: no such file or directory",
  }],
  ["of a private root without pivot_root", {
    parts: [{ kind: "flag", word: "--no-pivot" }],
    reference: "rootfsPropagation of [r]private is not safe without pivot_root",
  }, { reference: "rootfsPropagation of [r]private is not safe without pivot_root" }],
  ["of another item", {
    parts: [lost],
    hull:
      "cannot check that /loop does not lead into: something else stands there [config /mounts/6]",
    reference: "error during container init: mkdir /tmp/x: read-only file system",
  }, {
    parts: [lost],
    hull:
      "cannot check that /loop does not lead into: something else stands there [config /mounts/6]",
    reference: "an error of nothing that is known",
  }],
  ["of one item", {
    parts: [lost],
    hull: "cannot mount bind at /loop: too many: openat2(/loop): ELOOP [config /mounts/6]",
    reference: 'error mounting "/s" to rootfs at "/loop": mkdir /b/loop: permission denied',
  }, {
    parts: [lost],
    hull: "cannot mount bind at /loop: invalid: move_mount(/loop): EINVAL [config /mounts/6]",
    reference: 'error mounting "/s" to rootfs at "/loop": mkdir /b/loop: not a directory',
  }],
  ["a remount from nothing", {
    parts: [again],
    hull:
      "cannot remount /to-proc: invalid argument: fsconfig(/to-proc): EINVAL [config /mounts/6]",
    reference: 'error mounting "devpts" to rootfs at "/to-proc": statfs devpts: no such file or',
  }, {
    parts: [again],
    hull:
      "cannot remount /to-proc: invalid argument: fsconfig(/to-proc): EINVAL [config /mounts/6]",
    reference: 'error mounting "devpts" to rootfs at "/to-proc": mkdir /to-proc: not a directory',
  }],
  ["of one item, with a warning beside", {
    parts: [again],
    hull: "cannot remount what is at /to-proc: fspick(/to-proc): EINVAL [config /mounts/6]",
    reference: 'level=warning msg="lstat : no such file or directory"\n' +
      'error mounting "proc" to rootfs at "/to-proc": must be mounted on ordinary directory',
  }, {
    parts: [again],
    hull: "cannot remount what is at /to-proc: fspick(/to-proc): EINVAL [config /mounts/6]",
    reference: 'level=error msg="lstat : no such file or directory"\n' +
      'error mounting "proc" to rootfs at "/to-proc": must be mounted on ordinary directory',
  }],
  ["of a /dev below what is masked", {
    parts: masked("/up", "data"),
    reference: "unable to setup user: stat /dev/null: no such file or directory",
  }, {
    parts: masked("/up", "data/new"),
    reference: "unable to setup user: stat /dev/null: no such file or directory",
  }],
  ["a place that a direct start does not make", {
    parts: mapped,
    hull: "openat2(/data/gone): ENOENT [step mounts]; a direct start makes no such place here",
    reference: "mkdir /b/rootfs/data/nothing: permission denied",
  }, {
    parts: mapped,
    hull: "openat2(/data/gone): ENOENT [step mounts]",
    reference: "mkdir /b/rootfs/data/nothing: permission denied",
  }],
];

for (const [name, known, fault] of REFUSED) {
  Deno.test(`the soak tells of a refusal that is not ${name}`, () => {
    assertEquals([told(known), told(fault)], [false, true]);
  });
}

/** What the two said; a hull that said nothing ran the program. */
interface Words {
  readonly parts?: readonly Part[];
  readonly hull?: string;
  readonly reference: string;
}

function told({ parts = [], hull, reference }: Words): boolean {
  const ours = {
    facts: new Map<string, string>(hull === undefined ? RAN : FAILED),
    words: hull ?? "",
  };
  const theirs = {
    facts: new Map<string, string>([FAILED[1], ["run error", "ELOOP"]]),
    words: reference,
  };
  return compare("hull", parts, ours, theirs).length > 0;
}

Deno.test("the soak tells of what hull refuses to put at /proc but a tmpfs below a proc", () => {
  const words =
    "the config can't be used; /mounts/0/destination: takes only a mount of type proc, or a bind";
  const left = (type: string, index?: number) => {
    const value = { destination: "/proc", type, source: type };
    const part: Part = { kind: "push", at: "/mounts", value, ...(index === 0 ? { index } : {}) };
    const ours = { facts: new Map<string, string>(FAILED), words };
    return compare("hull", [part], ours, { facts: new Map<string, string>(RAN), words: "" }).length;
  };
  assertEquals(left("tmpfs", 0), 0);
  assert(left("proc", 0) > 0);
  assert(left("tmpfs") > 0);
});

Deno.test("the soak tells of a document's refusal whose value is none to be refused", () => {
  const left = (words: string, parts: readonly Part[]) =>
    compare("hull", parts, { facts: new Map(FAILED), words }, { facts: new Map(RAN), words: "" })
      .length;
  const at = (destination: string): Part => (
    { kind: "push", at: "/mounts", value: { destination, type: "tmpfs" }, index: 0 }
  );
  const inside = "the config can't be used; /mounts/0/destination: is inside /proc, where only";
  assertEquals(left(inside, [at("/data/../proc/self")]), 0);
  assert(left(inside, [at("/data/proc/self")]) > 0);
  const umask = (value: number): Part => (
    { kind: "set", at: "/process/user", value: { uid: 0, gid: 0, umask: value } }
  );
  const bits = "the config can't be used; /process/user/umask: must be an integer";
  assertEquals(left(bits, [umask(0o1022)]), 0);
  assert(left(bits, [umask(0o22)]) > 0);
  const relative = "the config can't be used; /process/cwd: must be an absolute path";
  assertEquals(left(relative, [{ kind: "set", at: "/process/cwd", value: "data" }]), 0);
  assert(left(relative, [{ kind: "set", at: "/process/cwd", value: "/data" }]) > 0);
});

Deno.test("the soak tells of hooks that did not run beside a startContainer hook's failure", () => {
  const left = (written: string) =>
    compare("hull", [], {
      facts: new Map(FAILED),
      words: "hull: the startContainer hook 0 failed: execve(/gone): ENOENT [step hooks]",
    }, {
      facts: new Map([...FAILED, ["host ./hooks", hooksFile(written)]]),
      words: "error running hook #0: fork/exec /gone: no such file or directory",
    }).length;
  const beside = "hook poststart\\t{}\\npoststart.0\\tA=1\\npoststart cwd\\tB\\n";
  assertEquals(left(beside), 0);
  assertEquals(left(`${beside}hook poststop\\t{}\\n`), 1);
});

Deno.test("the soak tells of what hooks wrote beside a poststart hook's failure, but for what runc killed", () => {
  const left = (ours: string, theirs: string) =>
    compare("hull", [], {
      facts: new Map([...FAILED, ["host ./rootfs/hooks", ours]]),
      words: "hull: the poststart hook 0 failed: execve(/gone): ENOENT [step hooks]",
    }, {
      facts: new Map([...FAILED, ["host ./rootfs/hooks", theirs]]),
      words: "error running hook #0: fork/exec /gone: no such file or directory",
    }).length;
  const written = hooksFile("hook startContainer\\t{}\\n");
  assertEquals(left(written, "(nothing)"), 0);
  assertEquals(left(written, hooksFile("other")), 1);
});

Deno.test("the soak tells of refusals of hull's alone that are not of their kind", () => {
  const left = (parts: readonly Part[], words: string) =>
    compare("hull", parts, { facts: new Map(FAILED), words }, {
      facts: new Map(RAN),
      words: "",
    }).length;
  const mounts = mountsOf([]).length;
  const words = `cannot mount none at /data/sub: mkdirat(/data/sub): EROFS [step mounts] [config ` +
    `/mounts/${mounts + 1}]`;
  assertEquals(left([hierarchies, inside], words), 0);
  assertEquals(left([tmpfs, inside], words), 2);
  const elsewhere = { ...inside, value: { destination: "/tmp/sub", type: "none" } };
  assertEquals(left([hierarchies, elsewhere], words), 2);
  const copied = { destination: "/var/run", type: "tmpfs", options: ["tmpcopyup"] };
  const copy: Part = { kind: "push", at: "/mounts", value: copied };
  const cant = "a direct start can't mount tmpfs at /var/run [config /mounts/6]; leave out --init";
  assertEquals(left([...mapped, copy], cant), 0);
  assertEquals(left([copy], cant), 2);
  assertEquals(left(mapped, cant), 2);
});

Deno.test("the soak tells of what hull made until both failed but an overlay's own folder", () => {
  const left = (fact: string, words: string) =>
    compare("hull", [], { facts: new Map([...FAILED, [fact, "folder 40000 0:0"]]), words: "" }, {
      facts: new Map(FAILED),
      words,
    }).length;
  const overlay = 'error mounting "overlay" to rootfs at "/x": statfs overlay: no such file';
  assertEquals(left("host ./host/work/work", overlay), 0);
  assertEquals(left("host ./host/work/other", overlay), 1);
  assertEquals(left("host ./host/work/work", 'error mounting "tmpfs" to rootfs'), 1);
});

Deno.test("the soak tells of what runc alone refuses where fds are few", () => {
  const left = (words: string) =>
    compare("hull", [], { facts: new Map(RAN), words: "" }, { facts: new Map(FAILED), words })
      .length;
  assertEquals(left("disassembling: error creating scratch pipe: pipe2: too many open files"), 0);
  assertEquals(left("unable to init seccomp: too many open files"), 2);
});

Deno.test("a process's number is no difference, whose it is is one", () => {
  const line = (number: string) =>
    `mount\t${
      ["3 2 0:4", `/${number}/status`, `/proc/${number}/status`].join(" ")
    } ro - proc proc rw`;
  const seen = (own: string, number: string) =>
    [
      ...insideFacts(
        ["mount\t1 0 0:1 / / rw - ext4 r rw", "mount\t2 1 0:4 / /proc rw - proc proc rw"]
          .concat(line(number), `number\t${own}`).join("\n"),
      ).keys(),
    ].slice(2);
  assertEquals(seen("601", "601"), ["mount /proc/own/status"]);
  assertEquals(seen("612", "612"), ["mount /proc/own/status"]);
  assertEquals(seen("612", "600"), ["mount /proc/other/status"]);
  assertEquals(seen("1", "1"), ["mount /proc/1/status"]);
});

Deno.test("the soak tells of hooks that did not run before another refusal", () => {
  const left = (said: string, theirs: string) =>
    compare("hull", [], { facts: new Map(FAILED), words: said }, {
      facts: new Map([...FAILED, ["host ./hooks", "file"]]),
      words: theirs,
    }).length;
  const refusal = "cannot make /dev/null: mknodat(/dev/null): EEXIST [step devices]";
  const late = "error reopening /dev/null inside container: open /dev/null: is a directory";
  assertEquals(left(refusal, late), 0);
  const gone = 'unable to start: exec: "/bin/probe": stat /bin/probe: no such file or directory';
  assertEquals(left(refusal, gone), 0);
  assertEquals(left("cannot set [step masks]", late), 1);
  assertEquals(left(refusal, "error mounting"), 1);
});

Deno.test("what a case has taken away was not there before", () => {
  const gone: Part = { kind: "entry", place: "data", shape: { type: "missing" } };
  const there = (parts: readonly Part[]) =>
    ["rootfs/data", "rootfs/data/sub", "rootfs/bin", "host/file", "host/data"].filter((place) =>
      wasThere(parts, place)
    );
  assertEquals(there([]), ["rootfs/data", "rootfs/data/sub", "rootfs/bin", "host/file"]);
  assertEquals(there([gone]), ["rootfs/bin", "host/file"]);
});

Deno.test("the soak tells of variables that are lost, not of their order", () => {
  const seen = (...env: string[]) => ({
    facts: new Map(env.map((entry, k) => [`inside env.${k}`, entry])),
    words: "",
  });
  const left = (ours: string[], theirs: string[]) =>
    compare("hull", [], seen(...ours), seen(...theirs)).length;
  assertEquals(left(["A=2", "B=1"], ["B=1", "A=2"]), 0);
  assertEquals(left(["A=1", "B=1"], ["B=1", "A=2"]), 2);
  assertEquals(left(["A=2"], ["A=2", "B=1"]), 1);
});

Deno.test("the soak tells of limits that an update has not set", () => {
  const parts: Part[] = [{ kind: "update", at: "/memory", value: { limit: 1 << 26 } }];
  const seen = (fact: string, value: string, words = "") => ({
    facts: new Map([["state status", "running"], ["update code", "0"], [fact, value]]),
    words,
  });
  const left = (fact: string) => compare("hull", parts, seen(fact, "1"), seen(fact, "2")).length;
  assertEquals(left("updated memory.limit_in_bytes"), 1);
  assertEquals(left("updated memory.oom_control"), 1);
  assertEquals(left("cgroup pids.max"), 1);
  assertEquals(left("state status"), 1);
});

/** The facts that the list does not cover. */
function remaining({ parts = [], fact, hull, reference }: Shown): string[] {
  const seen = (value: string) => ({ facts: new Map([[fact, value]]), words: "" });
  return compare("hull", parts, seen(hull), seen(reference)).map((each) => each.fact);
}
