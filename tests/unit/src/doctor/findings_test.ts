import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { EACCES, EINVAL, ENOSYS, EPERM, SyscallError } from "../../../../ffi/c/errno.ts";
import { clockFindings, limitFindings } from "../../../../src/doctor/bounds.ts";
import { cgroupFindings, type CgroupQuestions } from "../../../../src/doctor/cgroups.ts";
import type { Finding } from "../../../../src/doctor/finding.ts";
import type { Host } from "../../../../src/doctor/host.ts";
import { idFindings } from "../../../../src/doctor/ids.ts";
import { callFindings, kernelFindings, NEEDED_CALLS } from "../../../../src/doctor/kernel.ts";
import { memoryFindings } from "../../../../src/doctor/memory_files.ts";
import { namespaceFindings } from "../../../../src/doctor/namespaces.ts";
import { networkFindings } from "../../../../src/doctor/networks.ts";
import { lsmFindings, seccompFindings } from "../../../../src/doctor/security.ts";
import { ContainerError } from "../../../../src/errors.ts";

const PAGE = Deno.readTextFileSync(new URL("../../../../docs/kernels.md", import.meta.url));
const TYPES = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"];

/** A host on which all is well, but for what is said. */
function host(files: Record<string, string> = {}, more: Partial<Host> = {}): Host {
  return {
    release: "6.12.0",
    arch: "x86_64",
    read: (path) => files[path],
    uid: 0,
    isAdmin: true,
    isInUserNamespace: false,
    isOrdinaryUser: false,
    attempt: () => EINVAL,
    softLimit: () => 65536,
    now: () => Date.UTC(2026, 0),
    ...more,
  };
}

const USER = { uid: 1000, isAdmin: false, isOrdinaryUser: true };

function levels(findings: readonly Finding[]): string[] {
  return findings.map(({ level }) => level);
}

/** The one finding. */
function only([first, ...more]: readonly Finding[]): Finding {
  assertEquals(more, []);
  return first as Finding;
}

Deno.test("the calls that are tried are those which docs/kernels.md says that each start needs", () => {
  const [, part = ""] = /## What each start needs([^]*?)\n## /.exec(PAGE) ?? [];
  const named = [...part.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  assertEquals(named, Object.keys(NEEDED_CALLS));
});

Deno.test("on this kernel no call does anything when it is tried, and none is missing", async () => {
  const { thisHost } = await import("../../../../src/doctor/host.ts");
  const real = thisHost();
  const done: string[] = [];
  const attempt: Host["attempt"] = (trial) => {
    const errno = real.attempt(trial);
    if (errno === 0) done.push(trial.syscall);
    return errno;
  };
  assertEquals(levels(callFindings({ ...real, attempt })), ["ok"]);
  assertEquals(done, []);
});

Deno.test("a call that is missing or forbidden is a problem with its name", () => {
  const without = (name: string, errno: number, more: Partial<Host> = {}) =>
    only(callFindings(host({}, {
      attempt: ({ syscall }) => syscall === name ? errno : EINVAL,
      ...more,
    })));
  assertEquals(without("clone3", EINVAL).level, "ok");
  const missing = without("clone3", ENOSYS);
  assertEquals([missing.level, missing.message], ["problem", "missing: clone3"]);
  assertMatch(missing.remedy ?? "", /Linux 5\.12/);
  const forbidden = without("fsopen", EPERM);
  assertEquals(forbidden.level, "problem");
  assertStringIncludes(forbidden.message, "forbidden by a filter around hull: fsopen");
  // without the right the kernel itself says so
  assertEquals(without("fsopen", EPERM, USER).level, "ok");
  assertEquals(without("clone3", EPERM, USER).level, "problem");
});

Deno.test("an old kernel is a warning, since its calls decide", () => {
  const level = (release: string) => only(kernelFindings(host({}, { release }))).level;
  assertEquals(["6.1.0-13-amd64", "5.12.0", "5.11.9", "4.18.0-553.el8"].map(level), [
    "ok",
    "ok",
    "warning",
    "warning",
  ]);
});

Deno.test("each rule that keeps users from namespaces is told to those whom it concerns", () => {
  const sysctls = {
    "kernel/unprivileged_userns_clone": ["0", "sysctl -w kernel.unprivileged_userns_clone=1"],
    "kernel/apparmor_restrict_unprivileged_userns": ["1", "userns=0, or a profile"],
    "user/max_user_namespaces": ["0", "sysctl -w user.max_user_namespaces=15000"],
  };
  for (const [name, [value, remedy]] of Object.entries(sysctls)) {
    const files = { [`/proc/sys/${name}`]: `${value}\n` };
    const found = only(namespaceFindings(TYPES, host(files, USER)));
    assertEquals(found.level, "problem");
    assertStringIncludes(found.remedy ?? "", remedy as string);
    const root = only(namespaceFindings(TYPES, host(files)));
    assertEquals(root.level, name.startsWith("kernel") ? "ok" : "warning");
  }
  const pids = host({ "/proc/sys/user/max_pid_namespaces": "0\n" });
  assertEquals(only(namespaceFindings(TYPES, pids)).level, "problem");
});

Deno.test("a kernel without a kind of namespace is told", () => {
  const without = (type: string, more: Partial<Host> = {}) =>
    only(namespaceFindings(TYPES.filter((each) => each !== type), host({}, more)));
  assertEquals(without("time").level, "warning");
  assertEquals(without("user").level, "warning");
  assertEquals(without("user", USER).level, "problem");
  assertEquals(without("pid").message, "this kernel has no pid namespaces");
  assertEquals(without("pid").level, "problem");
});

const V2 = {
  version: 2,
  inUserNamespace: false,
  hierarchies: [{ controllers: [""], mountPoint: "/cg", ownFolder: "/cg/a/own" }],
} as const;

function questions(more: Partial<CgroupQuestions>): CgroupQuestions {
  return {
    detect: () => V2,
    places: () => ({ "": "/cg/a/hull" }),
    systemd: () => Promise.resolve(undefined),
    ...more,
  };
}

Deno.test("cgroups: the controllers are those of the folder where a container's would be", async () => {
  const files = { "/cg/a/cgroup.controllers": "cpuset cpu io memory pids\n" };
  const [controllers, driver] = await cgroupFindings(host(files), questions({}));
  assertEquals(controllers?.message, "cgroup v2 with cpuset, cpu, io, memory, pids");
  assertEquals(driver?.message, "driver cgroupfs (the default) makes them below /cg/a");
  const few = await cgroupFindings(
    host({ "/cg/a/cgroup.controllers": "memory pids\n" }, USER),
    questions({}),
  );
  assertEquals(levels(few), ["warning", "ok"]);
  assertStringIncludes(few[0]?.message ?? "", "cpu can't be limited");
  assertStringIncludes(few[0]?.remedy ?? "", "Delegate=");
});

Deno.test("cgroups: which driver fits is told by who may make them, and whether systemd answers", async () => {
  const files = { "/cg/a/own/cgroup.controllers": "cpu memory pids\n" };
  const driver = async (more: Partial<CgroupQuestions>, who: Partial<Host> = {}) =>
    (await cgroupFindings(host(files, who), questions(more)))[1] as Finding;
  const answers = { systemd: () => Promise.resolve(257) };
  const none = { places: () => ({}) };
  assertStringIncludes((await driver(answers)).message, "systemd 257 makes them with");
  const systemd = await driver({ ...answers, ...none }, USER);
  assertEquals(systemd.level, "warning");
  assertStringIncludes(systemd.message, "driver systemd fits");
  const readOnly = await driver(none);
  assertEquals(readOnly.level, "problem");
  assertStringIncludes(readOnly.remedy ?? "", "--cgroup-manager disabled");
  const nothing = await driver(none, USER);
  assertEquals(nothing.level, "warning");
  assertStringIncludes(nothing.message, "no cgroups are delegated to this user");
});

Deno.test("cgroups: a host without any has one finding, the library's own error", async () => {
  const detect = () => {
    throw new ContainerError("Unsupported", "none is mounted", {
      step: "cgroups",
      hint: "mount it",
    });
  };
  const found = only(await cgroupFindings(host(), questions({ detect })));
  assertEquals(found, {
    area: "cgroups",
    level: "problem",
    message: "none is mounted",
    remedy: "mount it",
  });
  const detectBroken = () => {
    throw new TypeError("a fault of hull's");
  };
  await assertRejects(() => cgroupFindings(host(), questions({ detect: detectBroken })), TypeError);
});

Deno.test("cgroups v1: the controllers are those of all hierarchies", async () => {
  const hierarchies = [["cpu", "cpuacct"], ["memory"], ["name=systemd"], [""]]
    .map((controllers) => ({ controllers, mountPoint: "/cg", ownFolder: "/cg" }));
  const detect = () => ({ version: 1, inUserNamespace: false, hierarchies } as const);
  const [controllers] = await cgroupFindings(host(), questions({ detect }));
  assertStringIncludes(controllers?.message ?? "", "cgroup v1 with cpu, cpuacct, memory: pids");
  assertEquals(controllers?.level, "warning");
});

Deno.test("a user's lack of ids is told with the remedy", () => {
  const given = [{ start: 100_000, size: 65_536 }];
  const lack = "newuidmap is missing: install the package uidmap or shadow-utils";
  const who = (lacks: string | undefined) => () => ({
    uids: { own: 1000, given: lacks === undefined ? given : [], lack: lacks },
    gids: { own: 1000, given, lack: undefined },
  });
  const fine = only(idFindings(host({}, USER), who(undefined)));
  assertEquals(fine.message, "user 1000, with 65536 uids and 65536 gids beside it");
  const found = only(idFindings(host({}, USER), who(lack)));
  assertEquals(found.level, "warning");
  assertEquals(found.remedy, "install the package uidmap or shadow-utils");
  assertEquals(only(idFindings(host(), who(lack))).level, "ok");
});

Deno.test("a filter needs the kernel and libseccomp", () => {
  const all = { library: "2.5.4", actions: ["SCMP_ACT_ERRNO", "SCMP_ACT_NOTIFY"], flags: [] };
  assertEquals(only(seccompFindings(all)).level, "ok");
  assertEquals(only(seccompFindings({ ...all, library: undefined })).level, "problem");
  assertEquals(only(seccompFindings({ ...all, actions: [] })).level, "problem");
  assertEquals(only(seccompFindings({ ...all, actions: ["SCMP_ACT_ERRNO"] })).level, "warning");
});

Deno.test("which security modules are on is told, and none is no fault", () => {
  assertMatch(only(lsmFindings({ apparmor: true, selinux: false })).message, /^AppArmor can/);
  const none = only(lsmFindings({ apparmor: false, selinux: false }));
  assertEquals(none.level, "ok");
  assertStringIncludes(none.message, "is refused");
});

Deno.test("the networks: nft for root, pasta or slirp4netns for users", async () => {
  const absent = () => {
    throw new ContainerError("Unsupported", "it is not here", { hint: "install it" });
  };
  const programs = {
    nft: () => "/usr/sbin/nft",
    pasta: absent,
    slirp4netns: () => "/usr/bin/slirp4netns",
    refusal: () => Promise.resolve(undefined),
  };
  const find = async (more: Partial<typeof programs>, who: Partial<Host> = {}) =>
    only(await networkFindings(host({}, who), { ...programs, ...more } as typeof programs));
  assertEquals((await find({})).level, "ok");
  const without = await find({ nft: absent });
  assertEquals([without.level, without.remedy], ["warning", "install it"]);
  const refusal = () => Promise.resolve("Error: Could not process rule");
  const refused = await networkFindings(host(), { ...programs, refusal });
  assertStringIncludes(only(refused).message, "can set no rules: Error: Could not");
  assertStringIncludes((await find({}, USER)).message, "/usr/bin/slirp4netns, for a user's");
  assertEquals((await find({ slirp4netns: absent }, USER)).level, "warning");
});

Deno.test("a host that forbids programs in memory is a problem with the sysctl", () => {
  const files = host({ "/proc/sys/vm/memfd_noexec": "2\n" });
  const found = only(memoryFindings(files, () => {
    throw new SyscallError("memfd_create", EACCES);
  }));
  assertEquals(found.level, "problem");
  assertStringIncludes(found.message, "vm.memfd_noexec is 2");
  assertStringIncludes(found.remedy ?? "", "sysctl -w vm.memfd_noexec=1");
  assertEquals(only(memoryFindings(files)).level, "ok");
});

Deno.test("limits that few containers meet are warnings", () => {
  const low = (name: string, value: number) => (asked: string) => asked === name ? value : 65536;
  const files = only(limitFindings(host({}, { softLimit: low("RLIMIT_NOFILE", 256) })));
  assertEquals([files.level, files.remedy], ["warning", "ulimit -n 1024"]);
  const few = { softLimit: low("RLIMIT_NPROC", 64) };
  assertEquals(only(limitFindings(host({}, few))).level, "ok"); // root's processes are not counted
  assertEquals(only(limitFindings(host({}, { ...few, ...USER }))).level, "warning");
  const pids = only(limitFindings(host({ "/proc/sys/kernel/pid_max": "2048\n" })));
  assertEquals(pids.level, "warning");
});

Deno.test("a clock that nobody has set is a warning", () => {
  const file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  assertEquals(only(clockFindings(host({}, { now: () => 1000 }))).level, "warning");
  assertStringIncludes(only(clockFindings(host({ [file]: "tsc\n" }))).message, "from tsc");
  assertStringIncludes(only(clockFindings(host({ [file]: "hpet\n" }))).message, "a system call");
});
