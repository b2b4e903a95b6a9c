import { assert, assertEquals, assertMatch } from "@std/assert";
import { scratchFolder } from "../fixtures/bundle.ts";
import { GivenHull, Hull } from "../fixtures/cli.ts";
import { O_DIRECTORY, O_RDONLY, open } from "../../ffi/files/file.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { OrdinaryUser, TOOLS } from "../fixtures/ordinary_user.ts";
import { hasStrace, parseTrace } from "../fixtures/strace.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";
import { dockerFiles, gzip, layoutFiles, tar, tarOf, writeFiles } from "../fixtures/tar.ts";

const APPLETS = ["sh", "id", "cat", "env", "pwd", "ls", "stat", "rm", "sleep", "touch", "grep"];

/** An image with busybox, of two layers, in all forms that hull reads. */
async function makeImages(folder: string): Promise<readonly string[]> {
  const dir = (name: string, mode = 0o755) => ({ name, type: "5", mode });
  const lower = tar(
    dir("bin"),
    { name: "bin/busybox", content: Deno.readFileSync("/bin/busybox"), mode: 0o755 },
    ...APPLETS.map((name) => ({ name: `bin/${name}`, type: "2", target: "busybox" })),
    dir("etc"),
    { name: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nweb:x:1234:1235::/home/web:\n" },
    { name: "etc/group", content: "root:x:0:\nweb:x:1235:\nlog:x:4:a,web\n" },
    { ...dir("home/web"), uid: 1234, gid: 1235 },
    { name: "gone", content: "" },
    dir("tmp", 0o1777),
  );
  const upper = tar({ name: ".wh.gone" }, { ...dir("data", 0o700), uid: 1234 });
  const draft = {
    layers: [lower, upper],
    pack: gzip,
    config: {
      User: "web",
      Env: ["PATH=/bin", "GREETING=hello"],
      Entrypoint: ["sh", "-c"],
      Cmd: ["echo $GREETING; id -u; id -G; pwd; echo $HOME; ls /; touch mine && echo wrote"],
      WorkingDir: "/home/web",
      StopSignal: "SIGQUIT",
    },
  };
  const files = await layoutFiles(draft);
  writeFiles(`${folder}/layout`, files);
  Deno.writeFileSync(`${folder}/oci.tar`, tarOf(files));
  Deno.writeFileSync(`${folder}/docker.tar`, tarOf(await dockerFiles(draft)));
  return ["layout", "oci.tar", "docker.tar"].map((name) => `${folder}/${name}`);
}

Deno.test("an image runs as it says, from a layout and from archives", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const store = ["--image-store", `${scratch.path}/store`];
  for (const image of await makeImages(scratch.path)) {
    const said = await hull.must("run", "--image", image, ...store, "hull-image-web");
    const [greeting, uid, gid, cwd, home, ...rest] = said.trim().split("\n");
    assertEquals([greeting, uid, gid, cwd, home], [
      "hello",
      "1234",
      "1235 4",
      "/home/web",
      "/home/web",
    ]);
    assertEquals(rest, ["bin", "data", "dev", "etc", "home", "proc", "sys", "tmp", "wrote"]);
  }
  const [image = ""] = [`${scratch.path}/layout`];
  const run = (...words: string[]) => hull.must("run", "--image", image, ...store, ...words);
  assertEquals(await run("--", "echo $0 given"), "sh given\n");
  assertEquals(await run("--entrypoint", "pwd", "-w", "/tmp", "-u", "0", "--"), "/tmp\n");
  assertEquals(await run("--entrypoint", "[]", "-e", "A=1", "--", "sh", "-c", "echo $A"), "1\n");
  assertEquals(await run("--read-only", "--", "touch x 2> /dev/null || echo fixed"), "fixed\n");
  const names = await run(
    "--hostname",
    "named",
    "--",
    "cat /etc/hostname; echo $HOSTNAME",
  );
  assertEquals(names, "named\nnamed\n");
});

Deno.test("an image's user has its groups, and its volumes can always be written to", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const lower = tar(
    { name: "bin/busybox", content: Deno.readFileSync("/bin/busybox"), mode: 0o755 },
    ...APPLETS.map((name) => ({ name: `bin/${name}`, type: "2", target: "busybox" })),
    { name: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\nweb:x:1234:1235::/:\n" },
    { name: "etc/group", content: "web:x:1235:\nlog:x:4:a,web\nmore:x:5:root\n" },
    { name: "data", type: "5", mode: 0o750, uid: 1234, gid: 4 },
    { name: "data/kept", content: "", uid: 1234 },
  );
  const config = { Env: ["PATH=/bin"], Volumes: { "/data/": {}, "/fresh/volume": {} } };
  writeFiles(`${scratch.path}/image`, await layoutFiles({ layers: [lower], config }));
  const words = ["--image", `${scratch.path}/image`, "--image-store", `${scratch.path}/store`];
  const run = (...rest: string[]) => hull.must("run", ...words, ...rest);
  const groups = ["grep", "^Groups", "/proc/self/status"];
  assertEquals(await run("--", ...groups), "Groups:\t5 \n");
  assertEquals(await run("-u", "web", "--", ...groups), "Groups:\t4 1235 \n");
  assertEquals(await run("-u", "1234:0", "--", ...groups), "Groups:\t0 \n");
  const look = "cd /data; touch new; stat -c '%n %a %u %g' . kept new /fresh/volume; " +
    "touch /fresh/volume/new /tmp/new && touch / 2> /dev/null || echo fixed";
  const said = ". 750 1234 4\nkept 644 1234 0\nnew 644 1234 1235\n/fresh/volume 755 1234 1235\n";
  assertEquals(await run("--read-only", "-u", "web", "--", "sh", "-c", look), `${said}fixed\n`);
  assertEquals(
    await run("-u", "web", "--", "sh", "-c", look.replace("/tmp/new", "")),
    `${said}fixed\n`,
  );
});

Deno.test("half of an image's user is enough, of a flag it is not", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const layer = tar(
    { name: "bin/busybox", content: Deno.readFileSync("/bin/busybox"), mode: 0o755 },
    { name: "etc/passwd", content: "root:x:0:0::/:\nweb:x:1234:1235::/:\n" },
    { name: "etc/group", content: "web:x:1235:\nlog:x:4:web,root\n" },
  );
  const run = async (User: string, ...rest: string[]) => {
    const image = await Deno.makeTempDir({ dir: scratch.path });
    writeFiles(image, await layoutFiles({ layers: [layer], config: { User } }));
    const words = ["--image", image, "--image-store", `${scratch.path}/store`, ...rest];
    const { stdout, stderr } = await hull.call(["run", ...words, "--", "/bin/busybox", "id"]);
    return `${stdout}${stderr}`.trim();
  };
  const ids: Record<string, string> = {
    ":log": "uid=0(root) gid=4(log) groups=4(log)",
    ":77": "uid=0(root) gid=77 groups=77",
    ":": "uid=0(root) gid=0(root) groups=4(log)",
    "web:": "uid=1234(web) gid=1235(web) groups=4(log),1235(web)",
  };
  for (const [user, said] of Object.entries(ids)) {
    assertEquals((await run(user)).replace("gid=0 ", "gid=0(root) "), said, user);
  }
  assertEquals(
    await run("nobody"),
    'hull: in the image, the user "nobody" is not in the container\'s /etc/passwd ' +
      "[config /process/user]; name another one by --user, such as 0 for root",
  );
  assertMatch(await run(":none"), /^hull: in the image, .* group not in the container's/);
  assertMatch(await run("web", "-u", ":log"), /":log" is no USER.*; name the user, too: 0 for/);
});

Deno.test("what one container changes is seen by no other, and the next start copies nothing", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const [image = ""] = await makeImages(scratch.path);
  const words = ["--image", image, "--image-store", `${scratch.path}/store`, "-u", "root"];
  const rootfs = () => {
    const [stored] = [...Deno.readDirSync(`${scratch.path}/store`)];
    const path = `${scratch.path}/store/${stored?.name}/rootfs`;
    return [Deno.statSync(path).ino, Deno.statSync(`${path}/bin/busybox`).ino];
  };
  await hull.detach(
    "run",
    "-d",
    ...words,
    "hull-image-first",
    "--",
    "rm /bin/ls /etc/passwd; sleep 300",
  );
  const before = rootfs();
  const both = ["hull-image-second", "hull-image-third"].map((id) =>
    hull.must("run", ...words, id, "--", "ls /etc/passwd; echo x > /etc/group; echo done")
  );
  assertEquals(await Promise.all(both), ["/etc/passwd\ndone\n", "/etc/passwd\ndone\n"]);
  assertEquals(rootfs(), before);
  const { code } = await hull.call(["exec", "hull-image-first", "cat", "/etc/passwd"]);
  assertEquals(code, 1);
  await hull.must("delete", "--force", "hull-image-first");
  const mounts = Deno.readTextFileSync("/proc/self/mountinfo");
  assert(!mounts.includes(scratch.path), mounts);
});

Deno.test("two runs at once unpack an image, and one of them is kept", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const [image = ""] = await makeImages(scratch.path);
  const words = ["run", "--image", image, "--image-store", `${scratch.path}/store`];
  const said = await Promise.all(
    ["hull-image-a", "hull-image-b", "hull-image-c"].map((id) =>
      hull.must(...words, id, "--", "pwd")
    ),
  );
  assertEquals(said, ["/home/web\n", "/home/web\n", "/home/web\n"]);
  const names = [...Deno.readDirSync(`${scratch.path}/store`)].map(({ name }) => name);
  assertEquals(names.length, 1);
  assertMatch(names[0] ?? "", /^[0-9a-f]{64}$/);
});

Deno.test("hull's own failures have the codes of Docker, and leave nothing", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const [image = ""] = await makeImages(scratch.path);
  const store = ["--image-store", `${scratch.path}/store`];
  const run = async (...words: string[]) => {
    const { code, stderr } = await hull.call(["run", ...store, ...words]);
    return [code, stderr] as const;
  };
  const [missing, said] = await run("--image", `${image}/nothing`, "hull-image-x");
  assertEquals(missing, 125);
  assert(said.includes("cannot open the image"), said);
  assertEquals((await run("--image", image, "--entrypoint", "nothing", "hull-image-x"))[0], 127);
  assertEquals(
    (await run("--image", image, "--entrypoint", "/etc/passwd", "hull-image-x"))[0],
    126,
  );
  assertEquals((await run("--image", image, "--bundle", ".", "hull-image-x"))[0], 125);
  assertEquals(await hull.must("list", "--quiet"), "");
});

testWhere(TOOLS, "an ordinary user runs an image, and owns its files", async () => {
  await using user = new OrdinaryUser();
  await makeImages(user.folder);
  const words = ["run", "--image", `${user.folder}/oci.tar`, "--image-store", `${user.home}/store`];
  for (const id of ["hull-image-first", "hull-image-second"]) {
    const { code, stdout, stderr } = await user.call([
      ...words,
      id,
      "--",
      "id -u; rm /bin/ls && echo x > /etc/group && cat /etc/group",
    ]);
    assertEquals([code, stdout], [0, "1234\nx\n"], stderr);
  }
});

Deno.test("what a killed run has left in the store is removed by the next one", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const [image = ""] = await makeImages(scratch.path);
  const store = `${scratch.path}/store`;
  const leave = (name: string) => {
    Deno.mkdirSync(`${store}/.new-${name}/rootfs/deep`, { recursive: true, mode: 0o700 });
    Deno.chmodSync(store, 0o700);
  };
  const names = () =>
    [...Deno.readDirSync(store)].map(({ name }) => name).filter((name) => name.startsWith("."));
  leave("killed");
  leave("going-on");
  using maker = open(`${store}/.new-going-on`, O_RDONLY | O_DIRECTORY);
  assertEquals(tryLock(maker), true);
  for (let times = 0; times < 2; times++) { // the second time there is nothing to unpack
    await hull.must("run", "--image", image, "--image-store", store, "--", "pwd");
    assertEquals(names(), [".new-going-on"]);
    leave("killed");
  }
});

testWhere(ROOT, "an image that finds no room is gone, and the error names its entry", async () => {
  using scratch = scratchFolder();
  const store = `${scratch.path}/store`;
  Deno.mkdirSync(store);
  const small =
    'mount -t tmpfs -o mode=700,size=1m tmpfs "$0" && "$@"; code=$?; ls -A "$0"; exit $code';
  await using hull = new GivenHull("unshare", "-m", "sh", "-c", small, store);
  const [image = ""] = await makeImages(scratch.path);
  const { code, stdout, stderr } = await hull.call([
    "run",
    "--image",
    image,
    "--image-store",
    store,
  ]);
  assertEquals([code, stdout], [125, ""], stderr);
  const says = /cannot unpack the entry "bin\/busybox" of the layer sha256:\w+: .*ENOSPC.* is full/;
  assertMatch(stderr, says);
});

testWhere(ROOT, "where no overlay can lie over the store the error says what to do", async () => {
  using scratch = scratchFolder();
  const deep = `set -e; mount -t tmpfs -o mode=700 tmpfs "$0"; cd "$0"
    mkdir low up work one up2 work2 two
    mount -t overlay -o lowerdir=low,upperdir=up,workdir=work overlay one
    mount -t overlay -o lowerdir=one,upperdir=up2,workdir=work2 overlay two
    exec "$@"`;
  const [image = ""] = await makeImages(scratch.path);
  Deno.mkdirSync(`${scratch.path}/deep`);
  await using hull = new GivenHull("unshare", "-m", "sh", "-c", deep, `${scratch.path}/deep`);
  const run = (store: string) =>
    hull.call([
      "run",
      "--image",
      image,
      "--image-store",
      `${scratch.path}/deep/${store}`,
      "--",
      "pwd",
    ]);
  const { code, stderr } = await run("two/store");
  assertEquals(code, 125);
  assert(stderr.includes("--image-store") && stderr.includes("two overlays already"), stderr);
  assertEquals((await run("one/store")).stdout, "/home/web\n");
});

testWhere(
  hasStrace() ? undefined : "strace",
  "an image is on the disk before it counts",
  async () => {
    using scratch = scratchFolder();
    const [image = ""] = await makeImages(scratch.path);
    const log = `${scratch.path}/calls`;
    const traced = ["strace", "-f", "-qq", "-o", log, "-e", "trace=syncfs,renameat2,write"];
    await using hull = new GivenHull(...traced);
    const words = ["run", "--image", image, "--image-store", `${scratch.path}/store`, "--", "pwd"];
    const { code, stderr } = await hull.call(words);
    assertEquals(code, 0, stderr);
    const calls = parseTrace(Deno.readTextFileSync(log));
    const synced = calls.findIndex(({ name, result }) => name === "syncfs" && result === 0);
    const moved = calls.findIndex(({ name, args }) =>
      name === "renameat2" && args.includes("/store/")
    );
    assert(synced >= 0 && moved > synced, `${synced} ${moved}`);
  },
);
