import { assert, assertEquals } from "@std/assert";
import { SeekMode } from "../../mod.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { refused, withSandbox } from "../fixtures/sandbox.ts";

Deno.test("files of a sandbox are written, read, moved, linked and removed", async () => {
  await withSandbox("hull-sb-fs", async ({ fs, sh }) => {
    await fs.writeTextFile("a.txt", "one\n");
    await fs.writeTextFile("/home/app/a.txt", "two\n", { append: true });
    assertEquals(await sh`cat a.txt`.text(), "one\ntwo\n");
    await fs.writeTextFile(new URL("file:///home/app/a.txt"), "three");
    assertEquals(await fs.readTextFile("a.txt"), "three");
    await sh`printf '\\000\\377' > bytes`;
    assertEquals(await fs.readFile("bytes"), new Uint8Array([0, 255]));
    await fs.writeFile("stream", new Blob(["x".repeat(600_000)]).stream());
    assertEquals((await fs.stat("stream")).size, 600_000);

    await fs.writeTextFile("run.sh", "#!/bin/sh\necho ran\n", { mode: 0o755 });
    assertEquals(
      await sh`./run.sh; stat -c '%a %u %g' run.sh a.txt`.text(),
      "ran\n755 0 0\n644 0 0\n",
    );
    await fs.chmod("a.txt", 0o600);
    await fs.chown("a.txt", 12, null);
    await fs.utime("a.txt", 1, new Date(5000));
    assertEquals(await sh`stat -c '%a %u %g %X %Y' a.txt`.text(), "600 12 0 1 5\n");
    await fs.truncate("a.txt", 2);
    assertEquals(await fs.readTextFile("a.txt"), "th");

    await fs.copyFile("run.sh", "copy.sh");
    await fs.rename("copy.sh", "moved.sh");
    assertEquals(await sh`./moved.sh; rm moved.sh`.text(), "ran\n");
    await fs.symlink("a.txt", "soft");
    await fs.link("a.txt", "hard");
    assertEquals(await fs.readLink("soft"), "a.txt");
    assertEquals(await fs.realPath("soft"), "/home/app/a.txt");
    assertEquals((await fs.lstat("soft")).isSymlink, true);
    assertEquals([(await fs.stat("soft")).nlink, (await fs.stat("hard")).nlink], [2, 2]);
    await fs.symlink("/tmp/not-yet", "dangling");
    await fs.writeTextFile("dangling", "through the link");
    assertEquals(await sh`cat /tmp/not-yet`.text(), "through the link");

    assertEquals(await fs.umask(0o077), 0o022);
    await fs.mkdir("deep/er/and/deeper", { recursive: true });
    await fs.mkdir("deep/er", { recursive: true });
    assertEquals(await sh`stat -c %a deep deep/er/and/deeper`.text(), "700\n700\n");
    const temporary = await fs.makeTempFile({ prefix: "p-", suffix: ".s" });
    assert(/^\/tmp\/p-[0-9a-f]{16}\.s$/.test(temporary), temporary);
    assert((await fs.stat(await fs.makeTempDir({ dir: "deep" }))).isDirectory);

    await fs.remove("soft");
    await fs.remove("deep", { recursive: true });
    assertEquals(
      await sh`ls; cat a.txt`.text(),
      "a.txt\nbytes\ndangling\nhard\nrun.sh\nstream\nth",
    );
  });
});

Deno.test("an open file of a sandbox is read, written and sought in", async () => {
  await withSandbox("hull-sb-open", async ({ fs, sh }) => {
    {
      await using file = await fs.create("f");
      await file.write(new TextEncoder().encode("hello world"));
      assertEquals(await file.seek(6, SeekMode.Start), 6);
      const bytes = new Uint8Array(16);
      const count = await file.read(bytes);
      assertEquals(new TextDecoder().decode(bytes.subarray(0, count ?? 0)), "world");
      assertEquals(await file.read(bytes), null);
      await file.truncate(5);
      await file.sync();
      assertEquals((await file.stat()).size, 5);
    }
    const whole = await fs.open("f");
    assertEquals(await new Response(whole.readable).text(), "hello");
    const more = await fs.open("f", { append: true });
    await new Blob([", again"]).stream().pipeTo(more.writable);
    assertEquals(await sh`cat f`.text(), "hello, again");
    const error = await refused(
      "SystemError",
      () => fs.open("f", { write: true, createNew: true }),
    );
    assertEquals(error.errno, "EEXIST");
  });
});

Deno.test("a walk goes through the folders of a sandbox", async () => {
  await withSandbox("hull-sb-walk", async ({ fs, sh }) => {
    await sh`mkdir -p top/b/c top/a; touch top/b/c/x.ts top/b/y.js top/z.ts; ln -s b top/l`;
    const walk = async (options: Parameters<typeof fs.walk>[1] = {}) => {
      const paths: string[] = [];
      for await (const { path } of fs.walk("top", options)) paths.push(path);
      return paths.sort();
    };
    assertEquals(await walk(), [
      "top",
      "top/a",
      "top/b",
      "top/b/c",
      "top/b/c/x.ts",
      "top/b/y.js",
      "top/l",
      "top/z.ts",
    ]);
    assertEquals(await walk({ exts: ["ts"], includeDirs: false }), ["top/b/c/x.ts", "top/z.ts"]);
    assertEquals(await walk({ maxDepth: 1, includeFiles: false, includeSymlinks: false }), [
      "top",
      "top/a",
      "top/b",
    ]);
    assertEquals(await walk({ followSymlinks: true, match: [/x\.ts$/] }), [
      "top/b/c/x.ts",
      "top/l/c/x.ts",
    ]);
    await sh`ln -s . top/a/self; ln -s .. top/a/up; ln -s ../../top top/b/top; ln -s no top/b/no`;
    assertEquals((await walk({ followSymlinks: true, includeFiles: false })).slice(0, 12), [
      "top",
      "top/a",
      "top/a/self",
      "top/a/self/self",
      "top/a/self/up",
      "top/a/up",
      "top/b",
      "top/b/c",
      "top/b/top",
      "top/l",
      "top/l/c",
      "top/l/top",
    ]);
    await sh`rm top/a/* top/b/top top/b/no`;
    // as many ways through them as there are orders of nine
    await sh`cd top/a; for k in 1 2 3 4 5 6 7 8 9; do mkdir $k; done
      for k in *; do for l in *; do ln -s ../$l $k/$l; done; done`;
    assertEquals((await walk({ followSymlinks: true, match: [/^top\/a/] })).length, 1 + 9 + 81 * 2);
    await sh`rm -r top/a/*`;
    assertEquals(await walk({ skip: [/\/b$/], exts: [".ts"] }), ["top/z.ts"]);
    const names: string[] = [];
    for await (const { name, isSymlink } of fs.readDir("top")) names.push(`${name} ${isSymlink}`);
    assertEquals(names.sort(), ["a false", "b false", "l true", "z.ts false"]);
  });
});

Deno.test("errors of a sandbox's files name the call, the errno and the path", async () => {
  await withSandbox("hull-sb-errors", async ({ fs }) => {
    const cases: readonly [string, () => Promise<unknown>][] = [
      ["ENOENT", () => fs.readTextFile("missing")],
      ["EISDIR", () => fs.readTextFile("/home")],
      ["ENOENT", () => fs.writeTextFile("no/folder/here", "")],
      ["EROFS", () => fs.writeTextFile("/usr/x", "")],
      ["EEXIST", () => fs.mkdir("/home/app")],
      ["ENOTDIR", () => fs.readDir("/etc/passwd").next()],
      ["EBUSY", () => fs.remove("/")],
      ["EINVAL", () => fs.readLink("/home")],
      ["ENOTDIR", () => fs.stat("/etc/passwd/x")],
    ];
    for (const [errno, call] of cases) {
      const error = await refused("SystemError", call);
      assertEquals(error.errno, errno, error.message);
      assert(error.path?.startsWith("/"), error.message);
    }
    await fs.mkdir("full/x", { recursive: true });
    assertEquals((await refused("SystemError", () => fs.remove("full"))).errno, "ENOTEMPTY");
    for (const path of ["", "a\0b"]) await refused("ConfigInvalid", () => fs.stat(path));
    const signal = AbortSignal.abort(new Error("enough"));
    for (
      const call of [
        () => fs.readFile("/etc/passwd", { signal }),
        () => fs.writeTextFile("x", "x", { signal }),
      ]
    ) {
      try {
        await call();
        throw new Error("it was not cut short");
      } catch (error) {
        assertEquals((error as Error).message, "enough");
      }
    }
  });
});

Deno.test("files and folders go into a sandbox and come out again", async () => {
  using folder = scratchFolder();
  const { path } = folder;
  await withSandbox("hull-sb-copy", async ({ fs, sh }) => {
    Deno.mkdirSync(`${path}/project/src`, { recursive: true });
    Deno.writeTextFileSync(`${path}/project/src/main.sh`, "#!/bin/sh\necho ran", { mode: 0o755 });
    Deno.symlinkSync("src/main.sh", `${path}/project/run`);
    await fs.upload(`${path}/project`, ".");
    await fs.upload(`${path}/project/src/main.sh`, "copy.sh");
    assertEquals(await sh`project/run; ./copy.sh`.text(), "ran\nran\n");
    await sh`cd project; echo new > src/made; mkfifo src/fifo; ln -s ../.. src/out; ln -s ../run src/in`;
    const leftOut: string[] = [];
    await fs.download("project", `${path}/back`, { onLeftOut: (each) => leftOut.push(each) });
    await fs.download("copy.sh", `${path}/copy.sh`);
    assertEquals(Deno.readTextFileSync(`${path}/back/project/src/made`), "new\n");
    assertEquals(Deno.readTextFileSync(`${path}/back/project/src/in`), "#!/bin/sh\necho ran");
    assertEquals((Deno.statSync(`${path}/copy.sh`).mode ?? 0) & 0o777, 0o755);
    assertEquals(leftOut.sort(), ["/home/app/project/src/fifo", "/home/app/project/src/out"]);
    await fs.download("project", `${path}/back`); // once more, over what is there
    const many = await refused("SystemError", () => fs.download("project", path, { maxBytes: 9 }));
    assertEquals(many.errno, "EFBIG");
  });
});
