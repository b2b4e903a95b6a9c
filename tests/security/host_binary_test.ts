/** CVE-2019-5736: the host's binary, which is Deno's, can't be written from inside. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { leanBundle, own, Stage, withUserNamespace } from "../fixtures/attempt.ts";
import { type Draft, run, scratchFolder } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { Process, Trace } from "../../mod.ts";

const INIT = fromFileUrl(new URL("../../init/init.ts", import.meta.url));
const LOADER = fromFileUrl(new URL("../fixtures/loader.c", import.meta.url));
const missing = hasCompiler() ? undefined : "a C compiler";

function hasCompiler(): boolean {
  try {
    return new Deno.Command("gcc", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

Deno.test("CVE-2019-5736: no link of /proc to a running program is an entrypoint", async () => {
  const before = run("sha256sum", Deno.execPath());
  await leavesNothing("hull-sec-entry", async () => {
    using stage = new Stage();
    for (const path of ["/proc/self/exe", "/proc/1/exe", "/proc/thread-self/exe", "/bin/link"]) {
      for (const way of ["run", "create"] as const) {
        using bundle = leanBundle("", (config) => {
          config.process.args = [path, "eval", "1"];
        });
        Deno.symlinkSync("/proc/self/exe", `${bundle.folder}/rootfs/bin/link`);
        const { error } = await stage.attempt("hull-sec-entry", bundle, { way });
        assertEquals([error?.errno, error?.pointer], ["ELOOP", "/process/args/0"], path);
      }
    }
  });
  assertEquals(run("sha256sum", Deno.execPath()), before);
});

/** A copy of Deno for init to be, so that an attack that succeeds does no harm. */
class DecoyBinary implements Disposable {
  readonly #scratch = scratchFolder();
  readonly path = `${this.#scratch.path}/deno`;
  readonly #before: string;

  constructor() {
    Deno.chmodSync(this.#scratch.path, 0o755);
    Deno.copyFileSync(Deno.execPath(), this.path);
    Deno.chmodSync(this.path, 0o777); // no right is missing, whoever writes
    this.#before = this.#look();
  }

  get command(): readonly string[] {
    return [this.path, "run", "-q", "-A", "--no-config", "--no-lock", "--no-remote", INIT];
  }

  check(what: string): void {
    assertEquals(this.#look(), this.#before, `the binary was written: ${what}`);
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }

  #look(): string {
    const { size, mtime, ino } = Deno.statSync(this.path);
    return `${size} ${mtime?.toISOString()} ${ino}`;
  }
}

/** Has the kernel start the host's binary inside, with the attacker's loader, who then writes. */
function arm(rootfs: string, loader: string): void {
  Deno.writeTextFileSync(`${rootfs}/bin/me`, "#!/proc/self/exe\n");
  Deno.chmodSync(`${rootfs}/bin/me`, 0o755);
  const interpreter = Deno.build.arch === "aarch64"
    ? "/lib/ld-linux-aarch64.so.1"
    : "/lib64/ld-linux-x86-64.so.2";
  Deno.mkdirSync(`${rootfs}${interpreter}`.replace(/\/[^/]*$/, ""));
  Deno.copyFileSync(loader, `${rootfs}${interpreter}`);
  Deno.chmodSync(`${rootfs}${interpreter}`, 0o755);
  // While any process still runs the binary it is "text file busy".
  Deno.writeTextFileSync(
    `${rootfs}/attack`,
    "echo attacking; i=0; while [ $i -lt 20 ]; do " +
      "true >> /proc/self/fd/9 && echo evil >> /proc/self/fd/9; " +
      "/bin/sleep 0.02; i=$((i+1)); done 2>&1",
  );
}

const WAYS: Readonly<Record<string, (config: Draft, neighbour: number) => void>> = {
  "plain": () => {},
  "with a user namespace": withUserNamespace,
  "with shared propagation": (config) => config.linux.rootfsPropagation = "rshared",
  "in a joined pid namespace": (config, neighbour) => {
    const pid = config.linux.namespaces?.find(({ type }) => type === "pid");
    if (pid !== undefined) pid.path = `/proc/${neighbour}/ns/pid`;
  },
};

for (const [way, change] of Object.entries(WAYS)) {
  testWhere(missing, `CVE-2019-5736: #!/proc/self/exe and a hostile loader, ${way}`, async () => {
    const id = "hull-sec-loader";
    await leavesNothing(id, async () => {
      using binary = new DecoyBinary();
      using scratch = scratchFolder();
      const loader = `${scratch.path}/loader`;
      run("gcc", "-O1", "-shared", "-fPIC", "-nostdlib", "-Wl,-e,_start", "-o", loader, LOADER);
      using stage = new Stage(binary.command, new Trace());
      using quiet = leanBundle("sleep 600");
      await using neighbour = await stage.factory.create(`${id}-n`, quiet.config, {
        bundle: quiet.folder,
      });
      const sleeper = new Process({ stdin: "null" });
      await neighbour.run(sleeper);
      using bundle = leanBundle("", (config) => {
        config.process.args = ["/bin/me"];
        change(config, sleeper.pid);
      });
      arm(`${bundle.folder}/rootfs`, loader);
      own(bundle, change === withUserNamespace);
      const { text, error } = await stage.attempt(id, bundle);
      assertEquals(error, undefined);
      binary.check(`${way}: ${text}`);
      assertMatch(text ?? "", /^attacking\n(.*Read-only file system\n|.*Text file busy\n)+$/);
      assertStringIncludes(text ?? "", "Read-only file system");
    });
  });
}

testWhere(
  missing,
  "CVE-2019-5736: #!/proc/self/exe is nothing of the host's, however init was started",
  async () => {
    const id = "hull-sec-direct";
    await leavesNothing(id, async () => {
      using scratch = scratchFolder();
      const loader = `${scratch.path}/loader`;
      run("gcc", "-O1", "-shared", "-fPIC", "-nostdlib", "-Wl,-e,_start", "-o", loader, LOADER);
      using binary = new DecoyBinary();
      for (
        const [command, isMapped] of [undefined, binary.command].flatMap((init) =>
          [false, true].map((mapped) => [init, mapped] as const)
        )
      ) {
        using stage = new Stage(command);
        using bundle = leanBundle("", (config) => {
          config.process.args = ["/bin/me"];
          if (isMapped) withUserNamespace(config);
        });
        arm(`${bundle.folder}/rootfs`, loader);
        own(bundle, isMapped);
        const { text, code, error } = await stage.attempt(id, bundle);
        // The interpreter is the program of the plan, which finds nothing of what it needs.
        binary.check(`${text}`);
        assertEquals([text ?? "", code === 0, error?.code ?? "InitFailed"], [
          "",
          false,
          "InitFailed",
        ]);
      }
    });
  },
);

Deno.test("CVE-2019-5736: the binary of a container that waits is a sealed file of its own", async () => {
  await leavesNothing("hull-sec-sealed", async () => {
    using stage = new Stage();
    using bundle = leanBundle("true");
    await using container = await stage.factory.create("hull-sec-sealed", bundle.config, {
      bundle: bundle.folder,
    });
    const init = new Process({ stdin: "null" });
    await container.start(init);
    const exe = `/proc/${init.pid}/exe`;
    assertEquals(Deno.readLinkSync(exe), "/memfd:hull-init (deleted)");
    const script =
      `exec 9<${exe}; true >> /proc/self/fd/9; echo held; read go; echo evil >> /proc/self/fd/9`;
    const holder = new Deno.Command("sh", {
      args: ["-c", script],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await container.release();
    await init.wait();
    const writer = holder.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    await reader.cancel();
    const said = await new Response(holder.stderr).text();
    assertEquals((await holder.status).success, false);
    assertMatch(said, /Text file busy[^]*echo: I\/O error/);
  });
});

Deno.test("CVE-2019-5736: who held init's binary can't write it when it is no longer busy", async () => {
  const id = "hull-sec-seal";
  await leavesNothing(id, async () => {
    using binary = new DecoyBinary();
    using stage = new Stage(binary.command, new Trace());
    using bundle = leanBundle("true");
    await using container = await stage.factory.create(id, bundle.config, {
      bundle: bundle.folder,
    });
    const init = new Process({ stdin: "null" });
    await container.start(init);
    const script = `exec 9</proc/${init.pid}/exe; echo held; read go; true >> /proc/self/fd/9`;
    const holder = new Deno.Command("sh", {
      args: ["-c", script],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await container.release();
    await init.wait();
    const writer = holder.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    await reader.cancel();
    const said = await new Response(holder.stderr).text();
    assertEquals((await holder.status).success, false);
    binary.check(said);
    assertStringIncludes(said, "Read-only file system");
  });
});

Deno.test("a rootfs on a shared mount, and shared propagation: no mount reaches the host", async () => {
  const id = "hull-sec-shared";
  await leavesNothing(id, async () => {
    using scratch = scratchFolder();
    run("mount", "-t", "tmpfs", "hull-test", scratch.path);
    try {
      run("mount", "--make-shared", scratch.path);
      using stage = new Stage();
      using bundle = leanBundle("echo started", (config) => {
        config.linux.rootfsPropagation = "rshared";
      });
      run("cp", "-a", `${bundle.folder}/rootfs`, scratch.path);
      const before = Deno.readTextFileSync("/proc/self/mountinfo");
      const outcome = await stage.attempt(id, { ...bundle, folder: scratch.path });
      assertEquals(Deno.readTextFileSync("/proc/self/mountinfo"), before);
      assertEquals([outcome.text, outcome.error], ["started\n", undefined]);
    } finally {
      run("umount", "-R", scratch.path);
    }
  });
});
