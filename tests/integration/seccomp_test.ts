import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Seccomp } from "../../src/config/types/seccomp.ts";
import { type Bundle, type Draft, makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { build, headerCalls, missingCompiler } from "../fixtures/c_programs.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { missingLibrary } from "../fixtures/filter_machine.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";

const LIBRARY = missingLibrary();
const COMPILER = LIBRARY ?? missingCompiler();
const USERS = [0, 1000];
const ENOSYS = -38;

/** A bundle with a profile and the test's programs in it. */
function bundle(
  args: readonly string[],
  seccomp: Seccomp | undefined,
  change: (config: Draft) => void = () => {},
): Bundle {
  return makeBundle("", (config) => {
    config.process.args = [...args];
    if (seccomp !== undefined) config.linux.seccomp = structuredClone(seccomp) as never;
    change(config);
  });
}

function withProgram(name: string, { folder }: Bundle, bare = false): void {
  build(name, `${folder}/rootfs/bin/${name}`, { bare });
}

const DENY_MKDIR: Seccomp = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
};

/** Exactly what tests/fixtures/programs/tiny.c needs. */
const TINY: Seccomp = {
  defaultAction: "SCMP_ACT_KILL_PROCESS",
  syscalls: [{ names: ["execve", "write", "exit_group"], action: "SCMP_ACT_ALLOW" }],
};

testWhere(LIBRARY, "a denied call gets the errno of the profile, all else goes on", async () => {
  await leavesNothing("hull-scmp-deny", async () => {
    await using hull = new Hull();
    const script = "mkdir /tmp/new; echo $?; touch /tmp/file && echo made";
    using made = bundle(["sh", "-c", script], DENY_MKDIR, (config) => {
      config.root.readonly = false;
    });
    const { code, stdout, stderr } = await hull.call(["run", "-b", made.folder, "hull-scmp-deny"]);
    assertEquals([code, stdout], [0, "1\nmade\n"]);
    assertStringIncludes(stderr, "Operation not supported"); // 95
  });
});

testWhere(
  COMPILER,
  "an argument decides, and calls newer than the profile are unknown",
  async () => {
    await using hull = new Hull();
    const calls = headerCalls();
    const [getpgid, lseek, getpid] = ["getpgid", "lseek", "getpid"].map((name) => calls.get(name));
    const newest = calls.get("openat2") as number;
    const unknown = [newest + 1, newest + 100, 100_000].map(String);
    using made = bundle(
      ["/bin/calls", `${getpgid}:0`, `${getpgid}:1`, `${lseek}:-1`, `${getpid}`, ...unknown],
      {
        defaultAction: "SCMP_ACT_ERRNO",
        defaultErrnoRet: 1,
        syscalls: [
          {
            names: [...calls.keys()].filter((name) => !DENIED.has(name)),
            action: "SCMP_ACT_ALLOW",
          },
          {
            names: ["getpgid"],
            action: "SCMP_ACT_ALLOW",
            args: [{ index: 0, value: 0, op: "SCMP_CMP_EQ" }],
          },
        ].map((rule) => ({
          ...rule,
          names: rule.names.filter((name) => (calls.get(name) ?? 0) <= newest),
        })) as Seccomp["syscalls"],
      },
    );
    withProgram("calls", made);
    const { stdout, stderr, code } = await hull.call(["run", "-b", made.folder, "hull-scmp-args"]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trim().split("\n").map(Number), [1, -1, -1, 1, ENOSYS, ENOSYS, ENOSYS]);
  },
);

const DENIED = new Set(["getpgid", "lseek"]);

for (const uid of USERS) {
  for (const noNewPrivileges of [true, false]) {
    const who = `user ${uid} ${noNewPrivileges ? "with" : "without"} noNewPrivileges`;
    testWhere(
      COMPILER,
      `a profile need allow nothing but the program's calls: ${who}`,
      async () => {
        await leavesNothing("hull-scmp-tiny", async () => {
          await using hull = new Hull();
          using made = bundle(["/bin/tiny"], TINY, (config) => {
            config.process.user = { uid, gid: uid };
            config.process.noNewPrivileges = noNewPrivileges;
          });
          withProgram("tiny", made, true);
          const call = ["run", "-b", made.folder, "hull-scmp-tiny"];
          assertEquals(await hull.call(call), { code: 7, stdout: "tiny\n", stderr: "" });
          const killed = await hull.call([...call, "--", "/bin/true"]);
          assertEquals(killed, { code: 128 + 31, stdout: "", stderr: "" });
        });
      },
    );

    testWhere(
      LIBRARY,
      `the capabilities are those without a profile and those of runc: ${who}`,
      async () => {
        await using hull = new Hull();
        using state = scratchFolder();
        const look = ["grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status"];
        const change = (config: Draft) => {
          config.process.user = { uid, gid: uid };
          config.process.noNewPrivileges = noNewPrivileges;
        };
        using filtered = bundle(look, DENY_MKDIR, change);
        using plain = bundle(look, undefined, change);
        const id = `hull-scmp-caps-${crypto.randomUUID().slice(0, 8)}`;
        const ours = await hull.must("run", "-b", filtered.folder, id);
        assertEquals(ours, await hull.must("run", "-b", plain.folder, id));
        assertEquals(ours, withRunc(state.path, filtered, id));
        assert(!ours.includes("CapPrm:\t0000000000200000")); // CAP_SYS_ADMIN
      },
    );
  }
}

testWhere(
  LIBRARY,
  "capabilities that the config leaves as they are, for another user",
  async () => {
    await using hull = new Hull();
    const look = ["grep", "-E", "^(Cap|Seccomp:)", "/proc/self/status"];
    using made = bundle(look, DENY_MKDIR, (config) => {
      delete (config.process as { capabilities?: unknown }).capabilities;
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.noNewPrivileges = false;
    });
    const text = await hull.must("run", "-b", made.folder, "hull-scmp-nocaps");
    for (const line of ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "Seccomp:\t2"]) {
      assertStringIncludes(text, line);
    }
  },
);

testWhere(LIBRARY, "in a user namespace a filter needs no noNewPrivileges", async () => {
  await using hull = new Hull();
  using made = bundle(["sh", "-c", "mkdir /tmp/a; grep Seccomp: /proc/self/status"], DENY_MKDIR, (
    config,
  ) => {
    config.process.noNewPrivileges = false;
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  });
  Deno.chmodSync(made.folder, 0o755);
  run("chown", "-R", "100000:100000", `${made.folder}/rootfs`);
  const { stdout, stderr } = await hull.call(["run", "-b", made.folder, "hull-scmp-user"]);
  assertEquals(stdout, "Seccomp:\t2\n");
  assertStringIncludes(stderr, "Operation not supported");
});

testWhere(LIBRARY, "KILL_PROCESS ends the program as SIGSYS does", async () => {
  await using hull = new Hull();
  using made = bundle(["mkdir", "/tmp/new"], {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS" }],
  });
  const { code, stdout } = await hull.call(["run", "-b", made.folder, "hull-scmp-kill"]);
  assertEquals([code, stdout], [159, ""]);
});

testWhere(
  LIBRARY,
  "a program that can't be executed: told if the filter lets init write, else ended",
  async () => {
    await leavesNothing("hull-scmp-bad", async () => {
      await using hull = new Hull();
      const attempt = async (...names: string[]) => {
        using made = bundle(["/bin/bad"], {
          defaultAction: "SCMP_ACT_ERRNO",
          syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
        });
        const path = `${made.folder}/rootfs/bin/bad`;
        Deno.writeTextFileSync(path, "no program");
        Deno.chmodSync(path, 0o755);
        return await hull.call(["run", "-b", made.folder, "hull-scmp-bad"]);
      };
      const told = await attempt("execve", "write", "exit_group");
      assertEquals(told.code, 1);
      assertStringIncludes(told.stderr, "ENOEXEC");
      assertEquals((await attempt("execve")).code, 128 + 11); // SIGSEGV, not JavaScript again
    });
  },
);

testWhere(
  LIBRARY,
  "a created container waits behind its filter, which the started one has",
  async () => {
    await leavesNothing("hull-scmp-create", async () => {
      await using hull = new Hull();
      using made = bundle(["sleep", "600"], DENY_MKDIR);
      await hull.detach("create", "-b", made.folder, "hull-scmp-create");
      const { pid } = JSON.parse(await hull.must("state", "hull-scmp-create")) as { pid: number };
      const filters = () =>
        /^Seccomp_filters:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
      assertEquals(filters(), "1");
      await hull.must("start", "hull-scmp-create");
      assertEquals(filters(), "1");
      await hull.must("delete", "--force", "hull-scmp-create");
    });
  },
);

testWhere(
  LIBRARY,
  "without CAP_SYS_ADMIN and noNewPrivileges it says so before anything is made",
  async () => {
    await leavesNothing("hull-scmp-right", async () => {
      await using hull = new Hull();
      using made = bundle(["true"], DENY_MKDIR, (config) => {
        config.process.noNewPrivileges = false;
      });
      const call = ["--root", hull.root, "--cgroup-manager", "disabled", "run", "-b", made.folder];
      const { code, stderr } = await new Deno.Command("setpriv", {
        args: [
          "--bounding-set",
          "-sys_admin",
          "--inh-caps",
          "-sys_admin",
          ...HULL,
          ...call,
          "hull-scmp-right",
        ],
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stderr);
      assertEquals(code, 1);
      for (const part of ["[step seccomp]", "/linux/seccomp", "EACCES", "noNewPrivileges"]) {
        assertStringIncludes(said, part);
      }
      assertEquals([...Deno.readDirSync(hull.root)], []);
    });
  },
);

testWhere(
  LIBRARY,
  "a compiled profile is kept beside the containers, and no list shows it",
  async () => {
    await using hull = new Hull();
    using made = bundle(["mkdir", "/tmp/new"], DENY_MKDIR);
    // A resident has filters in memory as well; with a variable of systemd's it leaves the command.
    const env = { LISTEN_NAMES: "cold" };
    const call = () => hull.call(["run", "-b", made.folder, "hull-scmp-cache"], { env });
    const first = await call();
    assertEquals(first.code, 1);
    const folder = `${hull.root}/~seccomp`;
    const [entry, ...more] = [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
    assert(entry !== undefined && more.length === 0);
    const { ino, size } = Deno.lstatSync(entry);
    assertEquals(await call(), first);
    assertEquals(Deno.lstatSync(entry).ino, ino);
    Deno.truncateSync(entry, size - 9);
    assertEquals(await call(), first);
    assertEquals(Deno.lstatSync(entry).size, size);
    assertEquals(await hull.must("list", "--quiet"), "");
    assertEquals((await hull.must("list")).trim().split("\n").length, 1);
  },
);

testWhere(
  COMPILER,
  "a profile of Docker's shape has the same effects with hull as with runc",
  async () => {
    await using hull = new Hull();
    using state = scratchFolder();
    const calls = headerCalls();
    const script = [
      "grep -E '^Seccomp' /proc/self/status",
      "unshare -m true; mount -t tmpfs none /tmp; ls / | wc -l; sh -c 'exit 5'; echo $?",
      `/bin/calls ${TRIED.map((name) => calls.get(name) ?? 0).join(" ")} ${
        calls.get("personality")
      }:8`,
      `/bin/calls ${calls.get("personality")}:2 ${calls.get("clone")}:0x10000000 100000`,
    ].join("; ");
    using made = bundle(
      ["sh", "-c", `(${script}) 2>&1`],
      dockerLike([...calls.keys()]),
      (config) => {
        config.process.noNewPrivileges = false;
        const all = [...config.process.capabilities?.bounding ?? [], "CAP_SYS_ADMIN"] as string[];
        config.process.capabilities = { bounding: all, effective: all, permitted: all };
      },
    );
    withProgram("calls", made);
    const id = `hull-scmp-docker-${crypto.randomUUID().slice(0, 8)}`;
    const ours = await hull.call(["run", "-b", made.folder, id]);
    assertEquals(ours.stdout, withRunc(state.path, made, id));
    assertStringIncludes(ours.stdout, "Seccomp:\t2\nSeccomp_filters:\t1\n");
    assertStringIncludes(ours.stdout, "Operation not permitted");
    assertStringIncludes(ours.stdout, "-38\n");
  },
);

/** Calls that container engines deny. */
const DENIED_BY_ENGINES = new Set(
  ("acct add_key bpf clock_adjtime clock_settime create_module delete_module finit_module " +
    "get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl " +
    "lookup_dcookie mbind mount move_pages nfsservctl open_by_handle_at perf_event_open pivot_root " +
    "process_vm_readv process_vm_writev ptrace query_module quotactl reboot request_key " +
    "set_mempolicy setns settimeofday swapon swapoff sysfs umount2 unshare uselib userfaultfd ustat " +
    "vm86 vm86old fsopen fsmount fsconfig fspick move_mount open_tree mount_setattr personality clone")
    .split(" "),
);

const TRIED = ["keyctl", "add_key", "bpf", "getuid", "setns", "ptrace", "fsopen", "reboot"];

function dockerLike(calls: readonly string[]): Seccomp {
  const equal = (value: number) => ({ index: 0, value, op: "SCMP_CMP_EQ" } as const);
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: Deno.build.arch === "aarch64"
      ? ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
      : ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    syscalls: [
      {
        names: [...calls.filter((name) => !DENIED_BY_ENGINES.has(name)), "socketcall", "no_such"],
        action: "SCMP_ACT_ALLOW",
      },
      ...[0, 8, 0x20000, 0xffffffff].map((value) => ({
        names: ["personality"],
        action: "SCMP_ACT_ALLOW" as const,
        args: [equal(value)],
      })),
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      },
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ].filter(({ names, action }) => names[0] !== "clone3" || action !== "SCMP_ACT_ALLOW")
      .map((rule) => ({
        ...rule,
        names: rule.action === "SCMP_ACT_ALLOW"
          ? rule.names.filter((name) => name !== "clone3")
          : rule.names,
      })) as Seccomp["syscalls"],
  };
}

function withRunc(state: string, { folder }: Bundle, id: string): string {
  return run("sh", "-c", `exec runc --root ${state} run -b ${folder} ${id} </dev/null`);
}
