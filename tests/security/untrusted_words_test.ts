/**
 * What containers, images and hooks say: it is bounded, and nothing of it acts on a terminal.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bindDatagrams } from "../../ffi/sockets/unix_socket.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";

const ID = "hull-words";
/** Sets a title, clears the screen by ESC and by C1, turns the direction. */
const HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202egpj";
const SHOWN = "\\u001b]0;owned\\u0007\\u001b[2J\\u009b2J\\u202egpj";

function test(name: string, body: (hull: Hull, init: string) => Promise<void>): void {
  for (const init of ["direct", "reexec"]) {
    Deno.test(`${name} (${init})`, () =>
      leavesNothing(ID, async () => {
        await using hull = new Hull();
        await body(hull, init);
      }));
  }
}

test("a hook that writes for ever ends with its timeout", async (hull, init) => {
  for (const point of ["startContainer", "createRuntime"]) {
    const script = "for k in 1 2 3 4 5 6 7 8; do cat /dev/zero & done; wait";
    const hook = { path: "/bin/busybox", args: ["sh", "-c", script], timeout: 1 };
    using bundle = makeBundle("echo ran", (config) => {
      config.hooks = { [point]: [hook] };
    });
    const { code, stderr } = await hull.call(["run", "--init", init, "-b", bundle.folder, ID]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `the ${point} hook 0 failed: it ran longer than its timeout`);
    assert(stderr.length < 16_000, `what it wrote is cut: ${stderr.length}`);
  }
});

test("a hook's child that writes for ever holds up nobody", async (hull, init) => {
  using folder = scratchFolder();
  const pidFile = `${folder.path}/pid`;
  const script = `cat /dev/zero & echo $! > ${pidFile}; sleep 0.2`;
  using bundle = makeBundle("echo ran", (config) => {
    config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
  });
  const { code, stdout } = await hull.call(["run", "--init", init, "-b", bundle.folder, ID]);
  assertEquals({ code, stdout }, { code: 0, stdout: "ran\n" });
  // It was ended by its pipe, which nobody reads any more.
  const pid = Deno.readTextFileSync(pidFile).trim();
  await until(() => isGone(pid), 20);
});

function isGone(pid: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/status`).includes("State:\tZ");
  } catch {
    return true;
  }
}

test("what a hook wrote stands in the error, and acts on no terminal", async (hull, init) => {
  using bundle = makeBundle("true", (config) => {
    const args = ["sh", "-c", 'printf %s "$1"; exit 1', "sh", HOSTILE];
    config.hooks = { startContainer: [{ path: "/bin/sh", args }] };
  });
  for (const format of ["text", "json"]) {
    const words = ["--log-format", format, "run", "--init", init, "-b", bundle.folder, ID];
    const { code, stderr } = await hull.call(words);
    assertEquals(code, 1);
    assertStringIncludes(stderr, format === "json" ? SHOWN.replaceAll("\\", "\\\\") : SHOWN);
    assertEquals(controlsOf(stderr), []);
  }
});

test("a config's words act on no terminal, and JSON stays what it says", async (hull, init) => {
  using folder = scratchFolder();
  using made = makeBundle("sleep 300", (config) => {
    config.annotations = { [`x${HOSTILE}`]: HOSTILE };
  });
  const bundle = `${folder.path}/a${HOSTILE}\nb`;
  Deno.renameSync(made.folder, bundle);
  try {
    const bad = await hull.call(["run", "--init", init, "-b", bundle, ID, "--", `no${HOSTILE}`]);
    assert(bad.code !== 0);
    assertStringIncludes(bad.stderr, "no\\x1b]0;owned\\x07\\x1b[2J\\x9b2J\\u202egpj");
    const plan = await hull.must("plan", "--init", init, "-b", bundle, "--", "sh", HOSTILE);
    await hull.detach("run", "--init", init, "-d", "-b", bundle, ID);
    const list = await hull.must("list");
    assertStringIncludes(list, `${SHOWN}\\nb`);
    assertEquals(list.trim().split("\n").length, 2, "a row is a line");
    const state = await hull.must("state", ID);
    const json = await hull.must("list", "--format", "json");
    for (const text of [bad.stderr, plan, list, state, json]) assertEquals(controlsOf(text), []);
    for (const { annotations, bundle: said } of [JSON.parse(state), JSON.parse(json)[0]]) {
      assertEquals(annotations, { [`x${HOSTILE}`]: HOSTILE });
      assertEquals(said, bundle);
    }
    await hull.must("delete", "--force", ID);
  } finally {
    Deno.renameSync(bundle, made.folder);
  }
});

function controlsOf(text: string): string[] {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return text.match(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/g) ?? [];
}

/** Sends to the notify socket for ever, from four processes, and ends at a TERM. */
const NOTIFIER = `use Socket;
$SIG{TERM} = sub { exit 7 };
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0);
my $to = sockaddr_un($ENV{NOTIFY_SOCKET});
my $word = "x" x 4000;
fork; fork;
for (;;) { send($socket, $word, 0, $to) }`;

test("a container that floods the notify socket is still sent signals", async (hull, init) => {
  using folder = scratchFolder();
  const path = `${folder.path}/host.sock`;
  using _socket = bindDatagrams(path);
  using bundle = makeBundle("", (config) => {
    config.process.args = ["/usr/bin/perl", "-e", NOTIFIER];
    for (const destination of ["/usr", "/lib", "/lib64"]) {
      config.mounts.push({
        destination,
        type: "bind",
        source: destination,
        options: ["bind", "ro"],
      });
    }
  });
  const child = hull.command(["run", "--init", init, "-b", bundle.folder, ID], {
    env: { NOTIFY_SOCKET: path },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(async () => (await hull.call(["state", ID])).stdout.includes('"running"'), 30);
  const { pid } = JSON.parse(await hull.must("state", ID));
  await until(() => {
    const time = Deno.readTextFileSync(`/proc/${pid}/stat`).split(" ");
    return Number(time[14]) > 10; // ticks in the kernel: it sends
  }, 30);
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const { code } = await child.status;
  clearTimeout(late);
  await hull.call(["delete", "--force", ID]); // if it was killed
  assertEquals(code, 7);
});
