/**
 * Programs of a sandbox that turn its files against the program outside, which reads and writes
 * them with its own rights: links, swaps at each moment, fifos, devices, /proc, bombs. The like of
 * CVE-2018-15664 and CVE-2019-14271 (docker cp), CVE-2019-1002101 (kubectl cp).
 */
import { assert, assertEquals } from "@std/assert";
import { ContainerError } from "../../mod.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { refused, withSandbox } from "../fixtures/sandbox.ts";

Deno.test("links of a sandbox lead nowhere but into it", async () => {
  using decoy = scratchFolder();
  await withSandbox("hull-sb-links", async ({ fs, sh }) => {
    const secret = `${decoy.path}/secret`;
    Deno.writeTextFileSync(secret, "the host's");
    await sh`ln -s ${decoy.path} folder; ln -s ${secret} file; ln -s ../../../../../../..${secret} up`;
    for (const path of ["file", "up", "folder/secret", `..${"/..".repeat(9)}${secret}`, secret]) {
      const error = await refused("SystemError", () => fs.readTextFile(path));
      assertEquals(error.errno, "ENOENT", path);
    }
    await fs.writeTextFile("/tmp/own", "the sandbox's");
    await sh`mkdir -p ${`/tmp${decoy.path}`}; ln -s ${`/tmp${secret}`} inner`;
    await fs.writeTextFile("inner", "changed");
    await refused("SystemError", () => fs.writeTextFile("file", "changed"));
    await refused("SystemError", () => fs.mkdir("folder/new"));
    await fs.remove("folder", { recursive: true }); // the link itself
    await fs.remove("file");
    assertEquals(Deno.readTextFileSync(secret), "the host's");
    assertEquals([...Deno.readDirSync(decoy.path)].map(({ name }) => name), ["secret"]);
  });
});

Deno.test("folders that are swapped for links all the time lead nowhere else", async () => {
  using decoy = scratchFolder();
  await withSandbox("hull-sb-swaps", async (sandbox) => {
    const { fs, sh } = sandbox;
    Deno.writeTextFileSync(`${decoy.path}/f`, "the host's");
    Deno.mkdirSync(`${decoy.path}/deep`);
    await sh`mkdir -p real/deep; echo inside > real/f; ln -s ${decoy.path} lure`;
    // A link to the host's folder and a folder take turns at one place.
    const swapper = await sandbox.spawn("sh", {
      args: [
        "-c",
        "while :; do mv -T real swap; mv -T lure real; mv -T real lure; mv -T swap real; done",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const calls: readonly (() => Promise<unknown>)[] = [
      async () => assertEquals(await fs.readTextFile("real/f"), "inside\n"),
      () => fs.writeTextFile("real/g", "x"),
      () => fs.copyFile("real/f", "real/h"),
      () => fs.mkdir("real/deep/er", { recursive: true }),
      () => fs.symlink("/etc", "real/deep/link"),
      () => fs.chmod("real/deep", 0o700),
      () => fs.rename("real/g", "real/i"),
      () => fs.remove("real/deep", { recursive: true }),
      async () => {
        for await (const { path } of fs.walk("real")) assert(!path.includes("host"), path);
      },
    ];
    let done = 0;
    for (let k = 0; k < 60; k++) {
      for (const call of calls) {
        try {
          await call();
          done++;
        } catch (error) {
          if (!(error instanceof ContainerError && error.code === "SystemError")) throw error;
        }
      }
    }
    assert(done > 0, "no call came through");
    await swapper.kill("SIGKILL");
    await swapper.status;
    assertEquals([...Deno.readDirSync(decoy.path)].map(({ name }) => name).sort(), ["deep", "f"]);
    assertEquals(Deno.readTextFileSync(`${decoy.path}/f`), "the host's");
    assertEquals((Deno.statSync(`${decoy.path}/deep`).mode ?? 0) & 0o777, 0o755);
  });
});

Deno.test("fifos, sockets, devices and files of the kernel are not opened", async () => {
  await withSandbox("hull-sb-odd", async ({ fs, sh }) => {
    await sh`mkfifo fifo; ln -s /dev/zero zero; ln -s /proc/1/oom_score_adj score; ln -s /proc/1/mem mem`;
    await sh`ln -s /dev/stdin input; ln -s /proc/self/fd/0 self; ln -s /proc/1/root/etc/passwd root`;
    const before = await sh`cat /proc/1/oom_score_adj`.text();
    const odd = ["fifo", "zero", "score", "mem", "/dev/null", "/sys/kernel/profiling"];
    for (const path of odd) {
      await refused("Unsupported", () => fs.readFile(path));
      await refused("Unsupported", () => fs.writeTextFile(path, "-1000"));
      await refused("Unsupported", () => fs.open(path, { write: true, truncate: true }));
      await refused("Unsupported", () => fs.copyFile("/etc/passwd", path));
      await refused("Unsupported", () => fs.truncate(path));
    }
    // What /proc/self is, is this program's matter, and links to open files are not followed.
    for (const path of ["input", "self", "root"]) {
      await refused("SystemError", () => fs.readFile(path));
    }
    await refused("Unsupported", () => fs.chmod("score", 0o777));
    assertEquals(await sh`cat /proc/1/oom_score_adj`.text(), before);
    assertEquals((await fs.stat("fifo")).isFifo, true); // to look does no harm
    assertEquals((await fs.stat("zero")).isCharDevice, true);
  });
});

Deno.test("files and trees without an end are refused, and this program lives", async () => {
  await withSandbox("hull-sb-bombs", async ({ fs, sh }) => {
    await sh`truncate -s 1T huge`;
    assertEquals((await refused("SystemError", () => fs.readFile("huge"))).errno, "EFBIG");
    // 3000 folders deep: longer than a path may be.
    await sh`t=$(printf 'd/%.0s' $(seq 1500)); mkdir -p $t; cd $t; mkdir -p $t`;
    assertEquals(
      (await refused("SystemError", () => fs.remove("d", { recursive: true }))).errno,
      "ENAMETOOLONG",
    );
    const deep = await refused("SystemError", async () => {
      for await (const _entry of fs.walk("d"));
    });
    assertEquals(deep.errno, "ENAMETOOLONG");
    await sh`rm -r d; ln -s loop loop`;
    assertEquals((await refused("SystemError", () => fs.readFile("loop"))).errno, "ELOOP");
    assertEquals(
      (await refused("SystemError", () => fs.writeTextFile("loop", "x"))).errno,
      "ELOOP",
    );
    await sh`mkdir many; cd many; seq 3000 | xargs touch`;
    await fs.remove("many", { recursive: true });
  });
});

Deno.test("what is downloaded writes nowhere else on the host", async () => {
  using folder = scratchFolder();
  using decoy = scratchFolder();
  await withSandbox("hull-sb-down", async (sandbox) => {
    const { fs, sh } = sandbox;
    const { path } = folder;
    await sh`mkdir -p tree/a; echo evil > tree/a/f; truncate -s 1T tree/huge`;
    assertEquals(
      (await refused("SystemError", () => fs.download("tree", path, { maxBytes: 1e6 }))).errno,
      "EFBIG",
    );
    await sh`rm tree/huge`;
    // A link of the host's user, or of an earlier download, stands where a folder or file comes.
    Deno.removeSync(`${path}/tree`, { recursive: true });
    Deno.mkdirSync(`${path}/tree`);
    Deno.symlinkSync(decoy.path, `${path}/tree/a`);
    await refused("SystemError", () => fs.download("tree", path));
    Deno.removeSync(`${path}/tree/a`);
    Deno.mkdirSync(`${path}/tree/a`);
    Deno.symlinkSync(`${decoy.path}/f`, `${path}/tree/a/f`);
    await refused("SystemError", () => fs.download("tree", path));
    // Folder and link take turns at one name.
    Deno.removeSync(`${path}/tree`, { recursive: true });
    const swapper = await sandbox.spawn("sh", {
      args: [
        "-c",
        `ln -s ${decoy.path} lure; while :; do mv -T tree/a x; mv -T lure tree/a; mv -T tree/a lure; mv -T x tree/a; done`,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    for (let k = 0; k < 40; k++) {
      await fs.download("tree", path).catch((error) => {
        if (!(error instanceof ContainerError && error.code === "SystemError")) throw error;
      });
    }
    await swapper.kill("SIGKILL");
    await swapper.status;
    assertEquals([...Deno.readDirSync(decoy.path)], []);
  });
});

Deno.test("programs of a sandbox can't end what ends it in time", async () => {
  await withSandbox("hull-sb-watched", async ({ sh }) => {
    const seen = await sh`cat /proc/*/comm`.text();
    assert(!seen.includes("watchdog"), seen);
    // No signal from inside reaches the first process, and it can't be changed.
    await sh`kill -9 1; kill -STOP 1; kill -TERM 1`.noThrow().stderr("null");
    assertEquals(await sh`echo alive`.text(), "alive\n");
  });
});
