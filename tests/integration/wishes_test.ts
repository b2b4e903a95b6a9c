import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ContainerError,
  type CreateOptions,
  defaultConfig,
  type DefaultWishes,
  ExecDriver,
  Factory,
  Process,
} from "../../mod.ts";
import { reaperImage } from "../../ffi/program/reaper_image.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";

/** What a container of the wishes writes, and how it ends. */
async function outcome(
  wishes: DefaultWishes,
  args: readonly string[],
  options: CreateOptions = {},
): Promise<{ readonly output: string; readonly code: number }> {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  await using container = await factory.create("wishes", undefined, { ...options, wishes });
  const process = new Process({ args, stdin: "null", stdout: "piped", stderr: "null" });
  await container.run(process);
  const output = await new Response(process.stdout).text();
  return { output, code: (await process.wait()).code };
}

Deno.test("a container is as wished", async () => {
  using data = scratchFolder();
  Deno.writeTextFileSync(`${data.path}/given`, "given\n");
  Deno.chmodSync(data.path, 0o777);
  const script = [
    "id -u; id -g; pwd; hostname; echo $GREETING $HOME; cat note /tmp/deep/x /etc/extra",
    "echo new > /data/new && echo wrote; echo new 2> /dev/null > /shown/new || echo refused",
    "cat /shown/given; df -k /work | tail -1 | tr -s ' ' | cut -d ' ' -f 2; date +%Z",
    "[ -e /etc/ssl/certs/ca-certificates.crt ] && echo trusts",
  ];
  const { output } = await outcome({
    env: { GREETING: "hi there" },
    user: "1000:1001",
    cwd: "/work",
    hostname: "wished",
    mounts: [
      { type: "tmpfs", destination: "/work", sizeBytes: 1 << 20 },
      { type: "host", source: data.path, destination: "/data", writable: true },
      { type: "host", source: data.path, destination: "/shown" },
    ],
    files: {
      "/work/note": "note\n",
      "/tmp/deep/x": "deep\n",
      "/etc/extra": { content: new TextEncoder().encode("extra\n"), mode: 0o444 },
    },
    timezone: "Asia/Kathmandu",
    caCertificates: true,
  }, ["sh", "-c", script.join("\n")]);
  assertEquals(
    output,
    "1000\n1001\n/work\nwished\nhi there /\nnote\ndeep\nextra\nwrote\nrefused\ngiven\n1024\n+0545\ntrusts\n",
  );
  assertEquals(Deno.readTextFileSync(`${data.path}/new`), "new\n");
});

Deno.test("a writable root holds what it may, and a read-only one nothing", async () => {
  const write = "head -c 2000000 /dev/zero > /big; stat -c %s /big || echo none";
  const small = await outcome({ writableRoot: { sizeBytes: 1 << 20 } }, ["sh", "-c", write]);
  const size = Number(small.output);
  assert(size > 500_000 && size < 1 << 20, small.output);
  assertEquals((await outcome({}, ["sh", "-c", write])).output, "none\n");
});

Deno.test("of the host only the wished files are seen", async () => {
  const { output } = await outcome({ hostPaths: ["/bin/busybox"] }, [
    "/bin/busybox",
    "sh",
    "-c",
    "busybox ls /usr/bin /usr; busybox ls /lib /etc/alternatives 2> /dev/null | busybox wc -l",
  ]);
  assertEquals(output, "/usr:\nbin\n\n/usr/bin:\nbusybox\n0\n");
});

Deno.test("programs have their default signals below init, and its end is theirs", async () => {
  const abort = ["sh", "-c", "kill -ABRT $$"];
  assertEquals((await outcome({ init: true }, abort)).code, 134);
  const script = [
    "sleep 100 & kill -TERM $!; wait $!; echo $?", // 143
    "sh -c 'yes; echo $? >&2' 2>&1 | head -n 1", // SIGPIPE ends the writer
    "(sh -c 'sleep 0.01 &'); while pgrep -x sleep > /dev/null; do :; done; ps -eo stat= | grep -c Z",
  ];
  const seen = await outcome({ init: true }, ["sh", "-c", script.join("\n")]);
  assertEquals(seen, { output: "143\ny\n0\n", code: 1 });
});

Deno.test("a signal to the container reaches the program below init", async () => {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  for (const [args, signal, code] of SIGNALS) {
    await using container = await factory.create("init", undefined, { wishes: { init: true } });
    const process = new Process({ args, stdin: "null", stdout: "piped" });
    await container.run(process);
    await process.stdout.getReader().read();
    container.signal(signal);
    assertEquals((await process.wait()).code, code, `${args} ${signal}`);
  }
});

const SIGNALS = [
  [["sh", "-c", "echo; exec sleep 100"], "TERM", 143],
  [["sh", "-c", "trap 'exit 9' USR1; echo; while :; do sleep 0.01; done"], "USR1", 9],
] as const;

Deno.test("init looks in PATH as hull does, and what is not there is hull's to tell", async () => {
  const wishes: DefaultWishes = {
    init: true,
    env: { PATH: "/none::/srv/bin" },
    files: { "/srv/bin/tool": { content: "#!/bin/sh\necho $0", mode: 0o755 } },
  };
  assertEquals((await outcome(wishes, ["tool"])).output, "/srv/bin/tool\n");
  assertEquals((await outcome(wishes, ["/bin/echo", "a", "b c"])).output, "a b c\n");
  const error = await assertRejects(() => outcome(wishes, ["sh"]), ContainerError);
  assertEquals(error.pointer, "/process/args/0");
});

Deno.test("init for aarch64 ends with its child's code under an emulator", () => {
  using scratch = scratchFolder();
  const init = `${scratch.path}/init`;
  Deno.writeFileSync(init, reaperImage("aarch64"), { mode: 0o755 });
  const codeOf = (...args: string[]) =>
    new Deno.Command("qemu-aarch64-static", { args: [init, ...args], stderr: "null" })
      .outputSync().code;
  assertEquals(codeOf("sh", "-c", "exit 7"), 7);
  assertEquals(codeOf("/bin/sh", "-c", "kill -ABRT $$"), 134);
  assertEquals(codeOf("hull-no-such-program"), 126);
});

Deno.test("the driver takes wishes, and the default config is built on", async () => {
  using scratch = scratchFolder();
  const driver = new ExecDriver({ root: `${scratch.path}/state` });
  const wishes = { files: { "/etc/x": "x" }, init: true } as const;
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const output = new Response(readable).text();
  const args = ["sh", "-c", "cat /etc/x /etc/hostname; hostname; exit 4"];
  const config = await defaultConfig(wishes);
  assertEquals(config.hostname, undefined);
  const { code } = await driver.run({ id: "by-driver", args, config, wishes }, {
    stdout: writable,
  });
  assertEquals([code, await output], [4, "xby-driver\nby-driver\n"]);
});

Deno.test("nothing is made for wishes that can't be fulfilled", async () => {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  const wishes = { user: "nobody-here", network: "none" } as const;
  const error = await assertRejects(() => factory.create("no", undefined, { wishes }));
  assert(error instanceof ContainerError && error.code === "ConfigInvalid");
  assertEquals(error.faults?.map(({ pointer }) => pointer), ["/user"]);
  assertEquals(factory.ids(), []);
});

Deno.test("a plan shows the first process that is wished", async () => {
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  const process = new Process({ args: ["sh"] });
  const { init } = await factory.plan("seen", process, { wishes: { init: true } });
  const last = init.at(-1);
  assert(last !== undefined && "syscall" in last && last.syscall === "execve");
  assertEquals(last.args[0], "/init");
});

Deno.test("a bundle's program can have such a first process as well", async () => {
  using bundle = makeBundle("kill -ABRT $$");
  using scratch = scratchFolder();
  const factory = new Factory({ root: `${scratch.path}/state` });
  const config = JSON.parse(Deno.readTextFileSync(`${bundle.folder}/config.json`));
  const options = { bundle: bundle.folder, withInit: true };
  await using container = await factory.create("bundle-init", config, options);
  const process = new Process({ stdin: "null", stdout: "null" });
  await container.run(process);
  assertEquals((await process.wait()).code, 134);
});
