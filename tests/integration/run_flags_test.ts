import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { until } from "../fixtures/until.ts";

Deno.test("run's flags make the built-in default as wished", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const folder = scratch.path;
  Deno.mkdirSync(`${folder}/data`);
  Deno.chmodSync(`${folder}/data`, 0o777);
  Deno.writeTextFileSync(`${folder}/env`, "# said\nFROM_FILE=a 'b'\n\nCALLERS\nNOBODYS\n");
  const script = [
    "id -u; id -g; pwd; hostname; echo $FROM_FILE $CALLERS $GIVEN $OWN; date +%Z",
    "echo x > /data/x; touch /shown/x 2> /dev/null || echo shown",
    "df -k /small /other | tail -2 | tr -s ' ' | cut -d ' ' -f 2; grep CapBnd /proc/self/status",
    "touch /new && echo writable; ps -o args= 1 | cut -c 1-8",
  ].join("\n");
  const words = [
    ["-it=false", "-e", "GIVEN=1", "-eOWN", "--env-file", "env"],
    ["-v", "./data:/data", "--volume", `${folder}/data:/shown:ro`],
    ["--tmpfs", "/small:size=1m", "--mount", "type=tmpfs,dst=/other,tmpfs-size=2m"],
    ["-u", "7:8", "-w", "/small", "--hostname", "named", "--tz", "Asia/Tokyo"],
    ["--cap-drop", "ALL", "--cap-add", "net_raw", "--read-only=false", "--init"],
    ["-m", "256m", "--cpus", "0.5", "-c", "512", "--pids-limit", "50", "--network", "none", "--rm"],
  ].flat();
  const { code, stdout, stderr } = await hull.call(["run", ...words, "--", "sh", "-c", script], {
    cwd: folder,
    env: { CALLERS: "c", OWN: "o" },
  });
  assertEquals(code, 0, stderr);
  assertEquals(stdout.split("\n"), [
    ...["7", "8", "/small", "named", "a 'b' c 1 o", "JST", "shown", "1024", "2048"],
    ...["CapBnd:\t0000000000002000", "/init sh", ""],
  ]);
  assertEquals(Deno.statSync(`${folder}/data/x`).uid, 7);
  const root = await hull.must("run", "--read-only=0", "--", "sh", "-c", "echo a > /x; cat /x");
  assertEquals(root, "a\n");
});

Deno.test("an id that is left out is made, and printed by run -d", async () => {
  await using hull = new Hull();
  const name = (await hull.must("run", "--", "hostname")).trim();
  assertMatch(name, /^[0-9a-f]{12}$/);
  const id = (await hull.must("run", "-d", "--", "sleep", "300")).trim();
  assertMatch(id, /^[0-9a-f]{12}$/);
  const said = await hull.must(
    "exec",
    "-i",
    "-w",
    "/tmp",
    "-e",
    "A=1",
    id,
    "sh",
    "-c",
    "pwd; echo $A",
  );
  assertEquals(said, "/tmp\n1\n");
  const caps = ["exec", "--privileged", id, "grep", "CapBnd", "/proc/self/status"];
  assertEquals((await hull.must(...caps)).includes("00000000a80425fb"), false);
  assertEquals(await hull.must("run", "--", "echo", "web", "sh"), "web sh\n");
  await hull.must("delete", "--force", id);
});

Deno.test("hull's own failures have Docker's codes, but a bundle's those of runc", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("true", (config) => {
    config.process = { ...config.process, cwd: "/", args: ["/nosuch"] };
  });
  const code = async (...args: string[]) => (await hull.call(["run", ...args])).code;
  assertEquals(await code("--", "nosuch"), 127);
  assertEquals(await code("x", "--", "/nosuch/x"), 127);
  assertEquals(await code("--", "/etc/hostname"), 126);
  assertEquals(await code("--", "/etc"), 126);
  assertEquals(await code("--user", "nosuch"), 125);
  assertEquals(await code("--nosuch"), 125);
  assertEquals(await code("--", "sh", "-c", "exit 125"), 125);
  assertEquals(await code("-b", bundle.folder, "x"), 1);
  assertEquals(await code("-b", bundle.folder), 1);
  assertEquals(await code("--nosuch", "-b", bundle.folder, "x"), 1);
});

Deno.test("a run whose time is over is killed", async () => {
  await using hull = new Hull();
  const { code, stderr } = await hull.call(["run", "--timeout", "0.2", "--", "sleep", "300"]);
  assertEquals(code, 137);
  assertStringIncludes(stderr, "its 0.2 seconds are over");
  assertEquals(await hull.must("run", "--timeout", "300", "--", "echo", "a"), "a\n");
  const words = ["run", "-d", "--timeout", "0.5", "--", "sleep", "300"];
  const late = (await hull.must(...words)).trim();
  const early = (await hull.must("run", "-d", "--timeout", "300", "--", "sleep", "300")).trim();
  const watchers = async (id: string) =>
    new TextDecoder().decode(
      (await new Deno.Command("pgrep", { args: ["-f", `hull-watchdog ${id}`] })
        .output()).stdout,
    );
  assertMatch(await watchers(early), /^\d+\n$/);
  await until(async () => JSON.parse(await hull.must("state", late)).status === "stopped", 10);
  await hull.must("delete", late);
  await hull.must("delete", "--force", early);
  await until(async () => `${await watchers(late)}${await watchers(early)}` === "", 5);
  assertStringIncludes(await hull.refuse("run", "--timeout", "soon", "--", "true"), "seconds");
  assertEquals(Deno.readDirSync(hull.root).toArray(), []);
});

Deno.test("all that is wrong with the flags is told at once, each by its flag", async () => {
  await using hull = new Hull();
  const wrong = [
    ["-v", "named:/x", "--tmpfs", "/t:size=much", "--mount", "type=cloud,dst=/c"],
    [
      "-m",
      "lots",
      "--cpus",
      "0",
      "--pids-limit",
      "-7",
      "--cap-add",
      "fly",
      "--env-file",
      "/nosuch",
    ],
    ["--security-opt", "spell=x", "--security-opt", "seccomp=/nosuch"],
  ].flat();
  const said = await hull.refuse("run", ...wrong, "--", "true");
  const texts = ["--volume named:/x", "--tmpfs /t:size=much", "--mount type=cloud,dst=/c"];
  const numbers = ["--memory lots", "--cpus 0", "--pids-limit -7"];
  for (const flag of [...texts, ...numbers]) assertStringIncludes(said, `${flag}: `);
  for (const flag of ["--cap-add fly", "--env-file /nosuch", "--security-opt spell=x"]) {
    assertStringIncludes(said, flag);
  }
  assertStringIncludes(said, "--security-opt seccomp=/nosuch");
  const unfit = ["-v", "/nosuch:/x", "--tmpfs", "/usr/nosuch", "-u", "joe"];
  const misfit = await hull.refuse("run", ...unfit, "--", "true");
  assertStringIncludes(misfit, "--volume /nosuch:/x: is not there on the host");
  const user = await hull.refuse("run", ...unfit.slice(2), "--", "true");
  assertStringIncludes(user, "--tmpfs /usr/nosuch: is not there in /usr");
  assertStringIncludes(user, '--user joe: the user "joe" is not in');
});

Deno.test("a file that never ends is refused, and a signal ends who waits for a pipe", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const pipe = `${scratch.path}/pipe`;
  assertEquals(new Deno.Command("mkfifo", { args: [pipe] }).outputSync().code, 0);
  const flags = [
    (file: string) => ["--env-file", file],
    (file: string) => ["--security-opt", `seccomp=${file}`],
    (file: string) => ["--config", file],
  ];
  for (const flag of flags) {
    const said = await hull.refuse("run", ...flag("/dev/zero"), "ends", "--", "true");
    assertStringIncludes(said, "longer than 64 MiB");
    const args = ["run", ...flag(pipe), "waits", "--", "true"];
    await using child = hull.command(args, { stdin: "null" }).spawn();
    // until it waits in open(2) for somebody who writes
    const wait = `/proc/${child.pid}/wchan`;
    await until(() => /fifo|partner/.test(Deno.readTextFileSync(wait)), 20);
    child.kill("SIGTERM");
    assertEquals((await child.status).signal, "SIGTERM", args.join(" "));
  }
  const fed = `"$@" --env-file <(echo FED=1) -- sh -c 'echo $FED'`;
  const words = [...hull.words(["run"])];
  const { stdout } = await new Deno.Command("bash", { args: ["-c", fed, "bash", ...words] })
    .output();
  assertEquals(new TextDecoder().decode(stdout), "1\n");
});

Deno.test("a profile of Docker's form filters, for the default and for a bundle", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const path = `${scratch.path}/profile.json`;
  const arch = Deno.build.arch === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
  const action = "SCMP_ACT_ERRNO" as const;
  const rule = { names: ["mkdir", "mkdirat"], action, args: [] };
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    archMap: [{ architecture: arch, subArchitectures: [] }],
    syscalls: [{ ...rule, includes: {}, excludes: { caps: ["CAP_SYS_ADMIN"] } }],
  };
  Deno.writeTextFileSync(path, JSON.stringify(profile));
  const look = "mkdir /tmp/x 2> /dev/null && echo made || echo refused";
  const filter = ["--security-opt", `seccomp=${path}`];
  const of = (...words: string[]) => hull.must("run", ...words, "--", "sh", "-c", look);
  assertEquals(await of(...filter), "refused\n");
  assertEquals(await of(...filter, "--cap-add", "sys_admin"), "made\n");
  assertEquals(await of(...filter, "--security-opt", "seccomp=unconfined"), "made\n");
  using bundle = makeBundle(look, (config) => {
    config.linux = {
      ...config.linux,
      seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] },
    };
    config.mounts = [...config.mounts ?? [], { destination: "/tmp", type: "tmpfs" }];
  });
  const run = (...words: string[]) => hull.must("run", "-b", bundle.folder, ...words, "filtered");
  assertEquals(await run(), "refused\n");
  assertEquals(await run("--security-opt", "seccomp=unconfined"), "made\n");
});

Deno.test("a bundle's run takes the wishes that fit it, its id, and runc's flags as they were", async () => {
  await using hull = new Hull();
  using data = scratchFolder();
  Deno.writeTextFileSync(`${data.path}/x`, "seen\n");
  Deno.chmodSync(data.path, 0o755);
  const look = "id -u; pwd; echo $A; cat /data/x; hostname; kill -ABRT $$; echo deaf";
  using bundle = makeBundle(look);
  const wishes = [
    "-e",
    "A=b",
    "-u",
    "5",
    "-w",
    "/bin",
    "--hostname",
    "h",
    "-v",
    `${data.path}:/data`,
  ];
  const words = ["run", "-b", bundle.folder, ...wishes];
  const { code, stdout } = await hull.call([...words, "--init", "wished"]);
  assertEquals({ code, stdout }, { code: 134, stdout: "5\n/bin\nb\nseen\nh\n" });
  const direct = await hull.must(...words, "--init", "direct", "--", "wished");
  assertEquals(direct, "5\n/bin\nb\nseen\nh\ndeaf\n");
  assertStringIncludes(await hull.refuse(...words, "--tz", "UTC", "wished"), "built-in default");
  assertStringIncludes(await hull.refuse(...words), "argument of hull run is missing");
});
