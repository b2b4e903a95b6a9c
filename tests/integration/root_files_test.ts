import { assertEquals } from "@std/assert";
import { type DefaultWishes, Factory, type InitKind } from "../../mod.ts";
import { scratchFolder } from "../fixtures/bundle.ts";

const BYTES = new Uint8Array([0xff, 0, 0x80, 10]);
const PAGES = 300;

/** Files of each kind; with `isLarge` one that is too large to be kept as data. */
function wishesOf(isLarge: boolean): DefaultWishes {
  return {
    writableRoot: { sizeBytes: 4 << 20 },
    user: "17:18",
    files: {
      "/etc/motd": { content: "hello\n", mode: 0o640 },
      "/srv/deep/er/bytes": { content: BYTES, mode: 0o604 },
      "/srv/empty": "",
      ...(isLarge ? { "/large": "x".repeat(PAGES * 4096) } : {}),
    },
  };
}

const LOOK = "cd /; find . -xdev -path ./large -prune -o -exec stat -c '%n %a %u:%g %F %s' {} + " +
  "| grep -v ' directory ' | sort; find . -xdev -type d -exec stat -c '%n %a %u:%g' {} + | sort; " +
  "od -An -tx1 /srv/deep/er/bytes; cat /etc/hosts /etc/passwd; readlink /var/run; umask";

/** What another program than the creator finds, and what there was on the host before. */
async function found(isLarge: boolean, init: InitKind): Promise<[string, string[]]> {
  using scratch = scratchFolder();
  const root = `${scratch.path}/state`;
  const factory = new Factory({ root });
  const wishes = wishesOf(isLarge);
  await using container = await factory.create("files", undefined, { wishes });
  const onHost = [...Deno.readDirSync(container.state().rootfs)].map(({ name }) => name);
  await using loaded = new Factory({ root, init }).load(container.id);
  const { stdout, stderr, code } = await loaded.output(["sh", "-c", LOOK], { user: "root" });
  assertEquals([code, stderr], [0, ""]);
  return [stdout, onHost];
}

Deno.test("a root's files are the same, made by the start or copied from the host", async () => {
  const before = Deno.umask(0o077);
  try {
    const [made, onHost] = await found(false, "direct");
    assertEquals(onHost, []);
    const [copied, written] = await found(true, "direct");
    assertEquals(written.includes("large"), true);
    assertEquals(made, copied);
    assertEquals((await found(false, "reexec"))[0], made);
    assertEquals(/^\.\/srv\/deep\/er\/bytes 604 0:0 regular file 4$/m.test(made), true, made);
    assertEquals(/^\.\/tmp 1777 0:0$/m.test(made) || !made.includes("./tmp "), true, made);
  } finally {
    Deno.umask(before);
  }
});

Deno.test("users of a root that is data are found by name", async () => {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  const passwd = "root:x:0:0::/root:/bin/sh\nme:x:17:18::/srv:/bin/sh\n";
  const wishes = { files: { "/etc/passwd": passwd, "/srv/x": "" } };
  await using container = await factory.create("users", undefined, { wishes });
  const { stdout } = await container.output(["sh", "-c", "id -u; id -g"], { user: "me" });
  assertEquals(stdout, "17\n18\n");
});

Deno.test("a root that is too small for its files is told", async () => {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  const files = Object.fromEntries([1, 2, 3].map((k) => [`/f${k}`, "x".repeat(4096)]));
  const wishes = { writableRoot: { sizeBytes: 8192 }, files };
  await using container = await factory.create("small", undefined, { wishes });
  const error = await container.output(["true"]).catch((error) => error);
  assertEquals([error.errno, error.hint?.includes("larger size")], ["ENOSPC", true]);
});
