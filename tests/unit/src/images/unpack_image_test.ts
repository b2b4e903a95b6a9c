import { assert, assertEquals, assertRejects } from "@std/assert";
import { getAttribute } from "../../../../ffi/files/attribute.ts";
import { open } from "../../../../ffi/files/file.ts";
import { ContainerError, unpackImage, type UnpackOptions } from "../../../../mod.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";
import {
  digestOf,
  dockerFiles,
  gzip,
  type ImageDraft,
  joined,
  layoutFiles,
  tar,
  tarOf,
  writeFiles,
} from "../../../fixtures/tar.ts";

/** Everything below a folder, with what matters of each file. */
function listed(folder: string, below = ""): string[] {
  return [...Deno.readDirSync(`${folder}${below}`)].flatMap(({ name }) => {
    const path = `${below}/${name}`;
    const { isDirectory, isSymlink, mode, uid } = Deno.lstatSync(`${folder}${path}`);
    const what = isSymlink
      ? `-> ${Deno.readLinkSync(`${folder}${path}`)}`
      : `${((mode ?? 0) & 0o7777).toString(8)} ${uid}`;
    return [`${path} ${what}`, ...isDirectory ? listed(folder, path) : []];
  }).sort();
}

async function unpacked<Result>(
  draft: ImageDraft,
  look: (folder: string) => Result | Promise<Result>,
  options: UnpackOptions = {},
): Promise<Result> {
  using scratch = scratchFolder();
  writeFiles(`${scratch.path}/image`, await layoutFiles(draft));
  await unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`, options);
  return await look(`${scratch.path}/rootfs`);
}

const BASE = tar(
  { name: "./", type: "5", mode: 0o755 },
  { name: "etc/", type: "5", mode: 0o750 },
  { name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n", uid: 7, gid: 8 },
  { name: "bin", type: "5", mode: 0o755 },
  { name: "bin/su", content: "su", mode: 0o4755 },
  { name: "bin/again", type: "1", target: "bin/su" },
  { name: "lib", type: "2", target: "usr/lib" },
  { name: "tmp", type: "5", mode: 0o1777 },
  { name: "pipe", type: "6", mode: 0o622 },
);

Deno.test("files get their owners, modes, links and times", async () => {
  await unpacked({ layers: [BASE] }, (folder) => {
    assertEquals(listed(folder), [
      "/bin 755 0",
      "/bin/again 4755 0",
      "/bin/su 4755 0",
      "/etc 750 0",
      "/etc/passwd 644 7",
      "/lib -> usr/lib",
      "/pipe 622 0",
      "/tmp 1777 0",
    ]);
    assertEquals(Deno.statSync(`${folder}/bin/su`).ino, Deno.statSync(`${folder}/bin/again`).ino);
    for (const path of ["etc", "etc/passwd", "pipe"]) {
      assertEquals(Deno.lstatSync(`${folder}/${path}`).mtime?.getTime(), 1_000_000_000, path);
    }
    assertEquals((Deno.statSync(folder).mode ?? 0) & 0o7777, 0o755);
  });
});

Deno.test("a layer takes away what those below it have, and not what it has itself", async () => {
  const lower = tar(
    { name: "a/one", content: "1" },
    { name: "a/two", content: "2" },
    { name: "b/x/old", content: "old" },
    { name: "b/y", content: "y" },
    { name: "c", type: "2", target: "a" },
    { name: "d/kept", content: "" },
  );
  const upper = tar(
    { name: "a/.wh.one" },
    { name: "b/x/new", content: "new" },
    { name: "b/.wh..wh..opq" },
    { name: "c/real", content: "no link" },
    { name: "d/.wh.missing" },
    { name: "d/.wh..wh.plnk", type: "5" },
  );
  const files = await unpacked({ layers: [lower, upper] }, (folder) => listed(folder));
  assertEquals(files.map((line) => line.split(" ")[0]), [
    "/a",
    "/a/two",
    "/b",
    "/b/x",
    "/b/x/new",
    "/c",
    "/c/real",
    "/d",
    "/d/kept",
  ]);
});

Deno.test("names of any length and any bytes, and attributes, come from extensions", async () => {
  const long = `${"d".repeat(120)}/${"f".repeat(200)}`;
  const layer = tar(
    { name: "short", content: "x", pax: { path: long, mtime: "1.5", "SCHILY.xattr.user.a": "b" } },
    { name: "L", type: "L", content: "ä".repeat(90) + "\0" },
    { name: "x", content: "" },
    { name: "big", content: "", pax: { uid: "3000000000" } },
  );
  await unpacked({ layers: [layer] }, (folder) => {
    assertEquals(Deno.statSync(`${folder}/${long}`).mtime?.getTime(), 1500);
    assert(Deno.statSync(`${folder}/${"ä".repeat(90)}`).isFile);
    assertEquals(Deno.statSync(`${folder}/big`).uid, 3_000_000_000);
    using file = open(`${folder}/${long}`);
    assertEquals(new TextDecoder().decode(getAttribute(file, "user.a", 10)), "b");
  });
});

Deno.test("layers are read plain, by gzip with several members, and by zstd", async () => {
  const half = BASE.length / 1024 * 512;
  const members = async (layer: Uint8Array<ArrayBuffer>) =>
    joined([await gzip(layer.slice(0, half)), await gzip(layer.slice(half))]);
  const zstd = async (layer: Uint8Array<ArrayBuffer>) => {
    const child = new Deno.Command("zstd", { args: ["-q"], stdin: "piped", stdout: "piped" })
      .spawn();
    const written = new Blob([layer]).stream().pipeTo(child.stdin);
    const { stdout } = await child.output();
    await written;
    return stdout;
  };
  const plain = await unpacked({ layers: [BASE] }, (folder) => listed(folder));
  for (const pack of [gzip, members, zstd]) {
    assertEquals(await unpacked({ layers: [BASE], pack }, (folder) => listed(folder)), plain);
  }
});

Deno.test("ids are mapped, and one without a map is an error", async () => {
  const maps = [{ containerID: 0, hostID: 100_000, size: 10 }];
  const options = { uidMappings: maps, gidMappings: maps };
  await unpacked({ layers: [BASE] }, (folder) => {
    const { uid, gid } = Deno.statSync(`${folder}/etc/passwd`);
    assertEquals([uid, gid], [100_007, 100_008]);
  }, options);
  const foreign = tar({ name: "x", uid: 10 });
  const error = await assertRejects(
    () => unpacked({ layers: [foreign] }, () => {}, options),
    ContainerError,
  );
  assertEquals(error.code, "ImageInvalid");
});

Deno.test("an archive of a layout, and one of docker save, are the same image", async () => {
  using scratch = scratchFolder();
  const draft = { layers: [BASE], config: { Cmd: ["sh"], Env: ["A=b"], User: "7" } };
  const files = { oci: tarOf(await layoutFiles(draft)), docker: tarOf(await dockerFiles(draft)) };
  for (const [name, bytes] of Object.entries(files)) {
    Deno.writeFileSync(`${scratch.path}/${name}`, bytes);
    const found = await unpackImage(`${scratch.path}/${name}`, `${scratch.path}/${name}.root`);
    assertEquals([found.config.cmd, found.config.env, found.config.user], [["sh"], ["A=b"], "7"]);
    assertEquals(found.entries, 9);
  }
  assertEquals(listed(`${scratch.path}/oci.root`), listed(`${scratch.path}/docker.root`));
  await unpackImage(`${scratch.path}/docker:web:1`, `${scratch.path}/named`);
  const none = await assertRejects(
    () => unpackImage(`${scratch.path}/docker:web:2`, `${scratch.path}/none`),
    ContainerError,
  );
  assert(none.message.includes('it has "web:1"'), none.message);
});

Deno.test("a folder that holds something is left as it is", async () => {
  using scratch = scratchFolder();
  writeFiles(`${scratch.path}/image`, await layoutFiles({ layers: [BASE] }));
  Deno.mkdirSync(`${scratch.path}/full`);
  Deno.writeTextFileSync(`${scratch.path}/full/mine`, "");
  const error = await assertRejects(
    () => unpackImage(`${scratch.path}/image`, `${scratch.path}/full`),
    ContainerError,
  );
  assertEquals(error.code, "ConfigInvalid");
  assertEquals(listed(`${scratch.path}/full`), ["/mine 644 0"]);
});

Deno.test("a signal ends the unpacking, and nothing is left", async () => {
  using scratch = scratchFolder();
  const layer = tar({ name: "big", content: new Uint8Array(4 * 2 ** 20) });
  writeFiles(`${scratch.path}/image`, await layoutFiles({ layers: [layer] }));
  const abort = new AbortController();
  const options = { signal: abort.signal, onProgress: () => abort.abort(new Error("enough")) };
  await assertRejects(
    () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`, options),
    Error,
    "enough",
  );
  assertEquals([...Deno.readDirSync(scratch.path)].map(({ name }) => name), ["image"]);
});

Deno.test("progress ends with all bytes", async () => {
  const told: number[] = [];
  const total = BASE.length;
  await unpacked({ layers: [BASE] }, () => {}, {
    onProgress: ({ bytes, totalBytes }) => {
      assertEquals(totalBytes, total);
      told.push(bytes);
    },
  });
  assertEquals(told.at(-1), total);
  assert((await digestOf(BASE)).startsWith("sha256:"));
});

Deno.test("of a path that a layer has twice the last one counts, and nothing is written through it", async () => {
  using scratch = scratchFolder();
  const decoy = `${scratch.path}/decoy`;
  Deno.writeTextFileSync(decoy, "untouched");
  const layer = tar(
    { name: "file", content: "first" },
    { name: "again", type: "1", target: "file" },
    { name: "file", content: "last" },
    { name: "link", type: "2", target: decoy },
    { name: "link", content: "a file" },
    { name: "pipe", type: "6" },
    { name: "pipe", content: "a file, too" },
    { name: "folder", content: "a file at first" },
    { name: "folder", type: "5", mode: 0o755 },
    { name: "folder/in", content: "it" },
  );
  await unpacked({ layers: [layer] }, (folder) => {
    const text = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
    assertEquals(
      ["file", "again", "link", "pipe", "folder/in"].map(text),
      ["last", "first", "a file", "a file, too", "it"],
    );
    assert(Deno.lstatSync(`${folder}/link`).isFile);
  });
  assertEquals(Deno.readTextFileSync(decoy), "untouched");
});
