import { assert, assertEquals, assertRejects } from "@std/assert";
import { ContainerError, unpackImage, type UnpackOptions } from "../../../../mod.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";
import {
  digestOf,
  type Entry,
  entryBlocks,
  gzip,
  type ImageDraft,
  joined,
  layoutFiles,
  tar,
  writeFiles,
} from "../../../fixtures/tar.ts";

/** An image that must not be unpacked, and what the error says. */
interface Hostile {
  readonly layers: readonly Uint8Array<ArrayBuffer>[];
  readonly says: string;
  readonly options?: UnpackOptions;
  readonly pack?: Exclude<ImageDraft["pack"], undefined>;
  readonly changeConfig?: Exclude<ImageDraft["changeConfig"], undefined>;
  readonly changeManifest?: Exclude<ImageDraft["changeManifest"], undefined>;
}

function entries(says: string, ...list: readonly Entry[]): Hostile {
  return { layers: [tar({ name: "first", content: "1" }, ...list)], says };
}

const negative = new Uint8Array(12).fill(0xff);
const huge = new Uint8Array([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
const outside = { name: "../outside", content: "x" };
const usual = tar({ name: "file", content: "x" });

async function* manyEntries(count: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const block = joined(entryBlocks({ name: "one" }));
  const batch = 4096;
  const buffer = new Uint8Array(batch * 512);
  for (let at = 0; at < count; at += batch) {
    for (let k = 0; k < batch; k++) buffer.set(numbered(block, at + k), k * 512);
    yield buffer.slice();
  }
}

/** A header with another name, and the sum that belongs to it. */
function numbered(block: Uint8Array, number: number): Uint8Array {
  const one = block.slice();
  one.set(new TextEncoder().encode(String(number).padStart(8, "0")));
  one.fill(0x20, 148, 156);
  const sum = one.reduce((all, byte) => all + byte, 0);
  one.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return one;
}

const CASES: Readonly<Record<string, Hostile>> = {
  "a name with ..": entries("leads out of its folder", outside),
  "a name with .. that comes back": entries("leads out", { name: "a/../../b", content: "x" }),
  "an absolute name": entries("begins at the host's root", { name: "/tmp/hull-hostile" }),
  "an absolute name by pax": entries("begins at the host's root", {
    name: "fine",
    pax: { path: "/tmp/hull-hostile" },
  }),
  "a link that leads out": entries("leads out of the root", {
    name: "out",
    type: "2",
    target: "../../../tmp",
  }),
  "a file through a link": entries(
    "is no folder",
    { name: "etc", type: "2", target: "/etc" },
    { name: "etc/hull-hostile", content: "x" },
  ),
  "a folder through a link": entries(
    "is no folder",
    { name: "dir", type: "2", target: "/tmp" },
    { name: "dir/hull-hostile", type: "5" },
  ),
  "a file in the place of a folder": entries(
    "is a folder of the same layer",
    { name: "dir/file", content: "x" },
    { name: "dir", content: "x" },
  ),
  "a hard link out": entries("leads out", { name: "hard", type: "1", target: "../../etc/passwd" }),
  "a hard link to the host's root": entries("begins at the host's root", {
    name: "hard",
    type: "1",
    target: "/etc/passwd",
  }),
  "a hard link through a link": entries(
    "is a hard link to what",
    { name: "etc", type: "2", target: "/etc" },
    { name: "hard", type: "1", target: "etc/passwd" },
  ),
  "a hard link to nothing": entries("is a hard link to what", {
    name: "hard",
    type: "1",
    target: "nothing",
  }),
  "a disk": entries("is the block device 8:0", { name: "sda", type: "4", device: [8, 0] }),
  "the host's memory": entries("is the character device 1:1", {
    name: "mem",
    type: "3",
    device: [1, 1],
  }),
  "a whiteout made by hand": entries("is the character device 0:0", {
    name: "gone",
    type: "3",
    device: [0, 0],
  }),
  "a link in the place of a folder": entries(
    "is a folder of the same layer",
    { name: "dir/file", content: "x" },
    { name: "dir", type: "2", target: "/tmp" },
  ),
  "an attribute that Linux can't have": entries('the entry "file" has the attribute', {
    name: "file",
    content: "x",
    pax: { "SCHILY.xattr.user.big": "x".repeat(70_000) },
  }),
  "overlayfs's own attribute": entries("overlayfs's own", {
    name: "dir",
    type: "5",
    pax: { "SCHILY.xattr.trusted.overlay.redirect": "/etc" },
  }),
  "a whiteout of the folder above": entries("marks no file", { name: "a/.wh..." }),
  "a whiteout of nothing": entries("marks no file", { name: "a/.wh." }),
  "a file below a whiteout": entries("marks a removed file", { name: ".wh.a/b" }),
  "a negative size": entries("its size is negative", { name: "x", rawSize: negative }),
  "a size beyond all numbers": entries("beyond 2^53", { name: "x", rawSize: huge }),
  "a size that is not there": entries("breaks off", {
    name: "x",
    rawSize: new TextEncoder().encode("77777777777\0"),
  }),
  "a size that is no number": entries("no octal number", {
    name: "x",
    rawSize: new TextEncoder().encode("0x7fffffff\0\0"),
  }),
  "a negative size by pax": entries("for its size", { name: "x", pax: { size: "-1" } }),
  "a huge sparse file": entries("sparse", {
    name: "x",
    pax: { "GNU.sparse.major": "1", "GNU.sparse.realsize": "1152921504606846976" },
  }),
  "an old sparse file": entries("sparse", { name: "x", type: "S" }),
  "a name with a NUL": entries("NUL in its path", { name: "x", pax: { path: "a\0b" } }),
  "records for all entries": {
    layers: [joined([...entryBlocks({ name: "g", type: "g", content: "13 path=/tmp\n" }), usual])],
    says: "for all entries",
  },
  "a record that is longer than all": {
    layers: [joined([...entryBlocks({ name: "x", type: "x", content: "999 path=a\n" }), usual])],
    says: "can't be read",
  },
  "an extension of gigabytes": {
    layers: [
      joined(
        entryBlocks({ name: "x", type: "x", rawSize: new TextEncoder().encode("17777777777\0") }),
      ),
    ],
    says: "an extension of",
  },
  "an extension of nothing": {
    layers: [
      joined([
        ...entryBlocks({ name: "x", type: "x", content: "8 uid=1\n" }),
        new Uint8Array(1024),
      ]),
    ],
    says: "is missing",
  },
  "content of a link": entries("has content", { name: "x", type: "2", target: "y", content: "z" }),
  "an unknown type": entries("unknown type", { name: "x", type: "V" }),
  "no archive": { layers: [new Uint8Array(2048).fill(1)], says: "no tar archive" },
  "a broken archive": { layers: [usual.slice(0, 700)], says: "breaks off" },
  "a million files": {
    layers: [
      new Uint8Array(await new Response(ReadableStream.from(manyEntries(12_000))).arrayBuffer()),
    ],
    pack: gzip,
    says: "more than 10000 files",
    options: { limits: { maxEntries: 10_000, maxRatio: Infinity } },
  },
  "a bomb": {
    layers: [tar({ name: "zeros", content: new Uint8Array(70 * 2 ** 20) })],
    pack: gzip,
    says: "200 times its compressed size",
  },
  "more bytes than allowed": {
    layers: [tar({ name: "large", content: new Uint8Array(2 * 2 ** 20) })],
    says: "more than 1048576 bytes",
    options: { limits: { maxBytes: 2 ** 20 } },
  },
  "very deep folders": entries("folders deep", { name: "x", pax: { path: "a/".repeat(300) } }),
  "a very long name": entries("can't be made", { name: "x", pax: { path: "a".repeat(300) } }),
  "a wrong digest in the config": {
    layers: [usual],
    says: "not sha256:00",
    changeConfig: (config) => {
      config.rootfs = { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] };
    },
  },
  "fewer layers in the config": {
    layers: [usual, usual],
    says: "tells of 1 layers",
    changeConfig: (config) => {
      const { diff_ids } = config.rootfs as { diff_ids: string[] };
      config.rootfs = { diff_ids: diff_ids.slice(1) };
    },
  },
  "a digest that is a path": {
    layers: [usual],
    says: "for its digest",
    changeManifest: (manifest) => {
      manifest.config = { digest: "sha256:../../../etc/passwd", size: 10 };
    },
  },
  "a wrong size of a layer": {
    layers: [usual],
    says: "not 7 as is told",
    changeManifest: (manifest) => {
      manifest.layers = (manifest.layers as object[]).map((layer) => ({ ...layer, size: 7 }));
    },
  },
  "an environment that is no list": {
    layers: [usual],
    says: "Env of config",
    changeConfig: (config) => {
      config.config = { Env: { PATH: "/bin" } };
    },
  },
  "another system": {
    layers: [usual],
    says: 'is for "windows"',
    changeConfig: (config) => {
      config.os = "windows";
    },
  },
};

for (const [name, { layers, says, options, ...draft }] of Object.entries(CASES)) {
  Deno.test(`hostile image: ${name}`, async () => {
    using scratch = scratchFolder();
    writeFiles(`${scratch.path}/image`, await layoutFiles({ layers, ...draft }));
    const error = await assertRejects(
      () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`, options),
      ContainerError,
    );
    assertEquals(error.code, "ImageInvalid", error.message);
    assert(error.message.includes(says), error.message);
    assertEquals([...Deno.readDirSync(scratch.path)].map((entry) => entry.name), ["image"]);
    for (const path of ["/tmp/hull-hostile", "/etc/hull-hostile"]) {
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
    }
  });
}

Deno.test("an error names the layer, and the entry that it is about", async () => {
  const file = { name: "dir/file", content: "0123456789" };
  const broken = tar(file).subarray(0, 512 + 5);
  const bad = tar({ name: "link", type: "2", target: "dir" }, { name: "link/file", content: "" });
  const zipped = (await gzip(tar({ name: "big", content: new Uint8Array(300_000) }))).subarray(
    0,
    200,
  );
  const cases: readonly (readonly [layer: Uint8Array<ArrayBuffer>, says: string])[] = [
    [broken, 'at the entry "dir/file": the archive breaks off within a file'],
    [bad, 'at the entry "link/file": "link" is no folder'],
    [zipped, 'can\'t be decompressed, at the entry "big": '],
    [
      joined([entryBlocks(file)[0] as Uint8Array, new Uint8Array(512), usual.map(() => 7)]),
      "follows",
    ],
  ];
  for (const [layer, says] of cases) {
    using scratch = scratchFolder();
    const files = await layoutFiles({ layers: [usual, layer] });
    writeFiles(`${scratch.path}/image`, files);
    const error = await assertRejects(
      () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`),
      ContainerError,
    );
    assertEquals(error.code, "ImageInvalid");
    assert(error.message.startsWith(`the layer ${await digestOf(layer)}`), error.message);
    assert(error.message.includes(says), error.message);
  }
});

Deno.test("a blob that was changed is found by its digest", async () => {
  using scratch = scratchFolder();
  const files = await layoutFiles({ layers: [usual], pack: gzip });
  const [blob = ""] = [...files.keys()].filter((name) => name.startsWith("blobs/"));
  const bytes = files.get(blob) as Uint8Array;
  bytes[9] = (bytes[9] as number) ^ 1; // the header's word for the system changes nothing inside
  writeFiles(`${scratch.path}/image`, files);
  const error = await assertRejects(
    () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`),
    ContainerError,
  );
  assert(error.message.includes("its blob has the digest"), error.message);
});

Deno.test("a layout's blob may not be a fifo, nor lie outside", async () => {
  for (const kind of ["fifo", "link"]) {
    using scratch = scratchFolder();
    const files = await layoutFiles({ layers: [usual] });
    const [blob = ""] = [...files.keys()].filter((name) => name.startsWith("blobs/"));
    writeFiles(`${scratch.path}/image`, files);
    const path = `${scratch.path}/image/${blob}`;
    if (kind === "link") {
      Deno.renameSync(path, `${scratch.path}/elsewhere`);
      Deno.symlinkSync(`${scratch.path}/elsewhere`, path);
    } else {
      Deno.removeSync(path);
      new Deno.Command("mkfifo", { args: [path] }).outputSync();
    }
    const error = await assertRejects(
      () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`),
      ContainerError,
    );
    assertEquals(error.code, "ImageInvalid", error.message);
  }
});

Deno.test("indexes that lie in each other without end are an error", async () => {
  using scratch = scratchFolder();
  const files = await layoutFiles({ layers: [usual] });
  let index = files.get("index.json") as Uint8Array<ArrayBuffer>;
  for (let k = 0; k < 6; k++) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", index)).toHex();
    files.set(`blobs/sha256/${digest}`, index);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const entry = { mediaType, digest: `sha256:${digest}`, size: index.length };
    index = new TextEncoder().encode(JSON.stringify({ manifests: [entry] }));
  }
  files.set("index.json", index);
  writeFiles(`${scratch.path}/image`, files);
  const error = await assertRejects(
    () => unpackImage(`${scratch.path}/image`, `${scratch.path}/rootfs`),
    ContainerError,
  );
  assert(error.message.includes("too deep"), error.message);
});
