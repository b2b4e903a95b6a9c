import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { until } from "../fixtures/until.ts";
import { HULL, Hull } from "../fixtures/cli.ts";

Deno.test("run without a bundle: pid 1, the id as hostname, the command's exit code", async () => {
  await using hull = new Hull();
  using empty = scratchFolder();
  const args = ["run", "web", "--", "sh", "-c", "echo $$; hostname; exit 7"];
  const { code, stdout, stderr } = await hull.call(args, { cwd: empty.path });
  assertEquals({ code, stdout, stderr }, { code: 7, stdout: "1\nweb\n", stderr: "" });
  assertEquals(await hull.must("list", "-q"), "");
});

Deno.test("the built-in default shows nothing of the host but its programs", async () => {
  await using hull = new Hull();
  using empty = scratchFolder();
  Deno.writeTextFileSync(`${empty.path}/secret`, "secret");
  const look = `ls -d ${empty.path} /root/* /home/* /var /opt /srv 2>/dev/null;` +
    "cat /etc/passwd; touch /usr/x 2>&1; ls /proc | grep -c '^[0-9]'; cat /proc/net/dev | wc -l";
  const { stdout } = await hull.call(["run", "look", "--", "sh", "-c", look], { cwd: empty.path });
  assert(!stdout.includes(empty.path), stdout);
  assertMatch(stdout, /^root:x:0:0:/m);
  assertStringIncludes(stdout, "Read-only file system");
  const root = ["run", "root", "--", "sh", "-c", "grep ' / / ' /proc/self/mountinfo; ls -A /"];
  const shown = await hull.call(root, { cwd: empty.path });
  assertMatch(shown.stdout, /^\d+ \d+ \S+ \/ \/ ro,nosuid,nodev,\S+ - tmpfs /);
  assertStringIncludes(shown.stdout, "\nusr\n");
});

Deno.test("run hands stdin, stdout and stderr through", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("cat; echo to stderr >&2");
  const ended = await hull.call(["run", "-b", bundle.folder, "stdio"], { stdin: "to stdout\n" });
  assertEquals(ended, { code: 0, stdout: "to stdout\n", stderr: "to stderr\n" });
});

Deno.test("a program that a signal ended gives 128 and its number", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sh -c 'kill -9 $$'; kill -9 -1; exit $?");
  const inner = await hull.call([
    "run",
    "-b",
    bundle.folder,
    "inner",
    "--",
    "sh",
    "-c",
    "exit 137",
  ]);
  assertEquals(inner.code, 137);
  const child = hull.command(["run", "-b", bundle.folder, "outer", "--", "sleep", "600"], {
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // a container that is killed before its program runs fails to start
  await until(async () => (await hull.call(["state", "outer"])).stdout.includes('"running"'));
  await hull.must("kill", "outer", "KILL");
  assertEquals((await child.output()).code, 137);
});

Deno.test("signals to run go to the program", async () => {
  await using hull = new Hull();
  using bundle = makeBundle(
    "trap 'echo got it; exit 3' USR1; echo ready; while :; do sleep 0.1; done",
  );
  const child = hull.command(["run", "-b", bundle.folder, "forward"], {
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "ready\n");
  child.kill("SIGUSR1");
  const rest = await reader.read();
  assertEquals(new TextDecoder().decode(rest.value), "got it\n");
  await reader.cancel();
  await child.stderr.cancel();
  assertEquals((await child.status).code, 3);
});

Deno.test("run -d returns once the program runs, and writes its pid", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  const file = `${bundle.folder}/pid`;
  await hull.detach("run", "-d", "--pid-file", file, "-b", bundle.folder, "bg");
  const pid = Number(Deno.readTextFileSync(file));
  const state = JSON.parse(await hull.must("state", "bg"));
  assertEquals([state.pid, state.status], [pid, "running"]);
  assertMatch(Deno.readTextFileSync(`/proc/${pid}/cmdline`), /sleep/);
  await hull.must("kill", "bg", "9");
  await until(async () => await hull.status("bg") === "stopped");
  await hull.must("delete", "bg");
});

Deno.test("run --keep leaves the stopped container", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 4");
  const { code } = await hull.call(["run", "--keep", "-b", bundle.folder, "kept"]);
  assertEquals(code, 4);
  assertEquals(await hull.status("kept"), "stopped");
  await hull.must("delete", "kept");
});

Deno.test("run --preserve-fds passes on the caller's fds, and no other", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("cat <&3; ls /proc/self/fd | tr '\\n' ' '");
  const file = `${bundle.folder}/data`;
  Deno.writeTextFileSync(file, "from fd 3\n");
  const call = [
    ...HULL,
    "--root",
    hull.root,
    "run",
    "--preserve-fds",
    "1",
    "-b",
    bundle.folder,
    "fd",
  ];
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'file=$1; shift; exec "$@" 3<"$file" 4<"$file"', "sh", file, ...call],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertMatch(text, /^from fd 3\n0 1 2 3 4 $/);
});

for (const init of ["direct", "reexec"]) {
  Deno.test(`LISTEN_FDS counts for the process that LISTEN_PID names: ${init}`, async () => {
    await using hull = new Hull();
    using bundle = makeBundle("echo $LISTEN_FDS $LISTEN_PID; ls /proc/self/fd | tr '\\n' ' '");
    const call = ["run", "--init", init, "-b", bundle.folder, "listen"];
    const cases = [["$$", "2 1\n0 1 2 3 4 5 "], ["1", "\n0 1 2 3 "], ["", "\n0 1 2 3 "]];
    for (const [pid, wanted] of cases) {
      const script = `export LISTEN_FDS=2 LISTEN_PID=${pid}; exec "$@" 3</dev/null 4</dev/null`;
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", script, "sh", ...hull.words(call)],
        stdin: "null",
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      assertEquals(new TextDecoder().decode(stdout), wanted, `LISTEN_PID=${pid}`);
    }
  });
}

Deno.test("run --preserve-fds refuses fds that nobody passed, hull's own among them", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 0");
  const said = await hull.refuse("run", "--preserve-fds", "20", "-b", bundle.folder, "none");
  assertStringIncludes(said, "nobody passed it");
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

Deno.test("hull's own environment does not reach the program", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("env");
  const { stdout } = await hull.call(["run", "-b", bundle.folder, "env"], {
    env: { HULL_SECRET: "secret" },
  });
  const names = stdout.trim().split("\n").map((line) => line.split("=")[0]).sort();
  assertEquals(names, ["HOME", "PATH", "PWD", "SHLVL", "TERM"]);
});
