import { assert, assertEquals } from "@std/assert";
import { type Bundle, makeBundle } from "../fixtures/bundle.ts";
import { HULL, type Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ClientHull, TestResident } from "../fixtures/resident.ts";

/** Without a resident a client of these ends with this code: it becomes a program that does. */
const NOBODY = "/bin/false";
const ID = "hull-resident-again";
const LOOK = "id; echo $HOME $A; pwd; cat /proc/self/cgroup /proc/self/limits; ls /proc/self/fd; " +
  "grep -E '^(Cap|Sig(Blk|Ign|Cgt)|Umask|NoNew|Seccomp:)' /proc/self/status";

/** The same commands in the same container, with what is different for each round before it. */
const COMMANDS: readonly (readonly string[])[] = [
  ["sh", "-c", LOOK],
  ["--user", "web", "sh", "-c", LOOK],
  ["--user", "1000:4", "--env", "A=b", "--cwd", "/tmp", "sh", "-c", LOOK],
  ["tool"],
  ["nothing-of-that-name"],
  ["/etc/passwd"],
  ["sh", "-c", "exit 9"],
  ["sh", "-c", "kill -SEGV $$"],
].map((words) => {
  const flags = words.findIndex((word) => /^(sh|tool|nothing|\/etc)/.test(word));
  return ["exec", ...words.slice(0, flags), ID, ...words.slice(flags)];
});

/** What changes between the rounds. */
const CHANGES: readonly ((bundle: Bundle, hull: Hull) => Promise<void> | void)[] = [
  () => {},
  ({ folder }) => program(`${folder}/rootfs/bin/tool`, "echo the first tool; exit 3"),
  ({ folder }) => program(`${folder}/rootfs/sbin/tool`, "echo one that comes before it; exit 4"),
  ({ folder }) =>
    Deno.writeTextFileSync(
      `${folder}/rootfs/etc/passwd`,
      "root:x:0:0:root:/somewhere:/bin/sh\nweb:x:1001:1001::/elsewhere:/bin/sh\n",
    ),
  ({ folder }) => Deno.removeSync(`${folder}/rootfs/tmp`, { recursive: true }),
  ({ folder }) => Deno.symlinkSync("/etc", `${folder}/rootfs/tmp`),
  async (_, hull) => void await hull.must("update", "--pids-limit", "70", ID),
  async (_, hull) => void await hull.must("pause", ID),
  async (_, hull) => void await hull.must("resume", ID),
  async ({ folder, config }, hull) => {
    await hull.must("delete", "--force", ID);
    const process = {
      ...config.process,
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 77, hard: 99 }],
      env: ["PATH=/sbin:/bin", "A=of another"],
    };
    Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify({ ...config, process }));
    await hull.detach("run", "-d", "-b", folder, ID);
  },
];

function program(path: string, script: string): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(path, `#!/bin/sh\n${script}\n`);
  Deno.chmodSync(path, 0o755);
}

Deno.test("what a resident does for the third time is what it was the first time", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using client = new ClientHull(resident);
    using bundle = makeBundle("sleep 600", ({ process }) => {
      process.env = ["PATH=/sbin:/bin"];
    });
    Deno.mkdirSync(`${bundle.folder}/rootfs/tmp`, { recursive: true });
    await client.detach("run", "-d", "-b", bundle.folder, ID);
    const { served: before = 0 } = await resident.status() ?? {};
    for (const change of CHANGES) {
      await change(bundle, client);
      const alone = await Promise.all(
        COMMANDS.map((words) => callBy([], cold(client.root, words))),
      );
      for (const times of ["first", "second", "third"]) {
        for (const [k, words] of COMMANDS.entries()) {
          const ours = [resident.client, "--root", client.root, ...words];
          assertEquals(await callBy([], ours), alone[k], `the ${times} ${words.join(" ")}`);
        }
      }
    }
    const { served = 0 } = await resident.status() ?? {};
    assert(served - before >= 3 * CHANGES.length * COMMANDS.length, `${served} commands`);
  });
});

/** The same command without a resident. */
function cold(root: string, words: readonly string[]): readonly string[] {
  return [...HULL, "--root", root, ...words];
}

/** Calls a program by another one, and gives all that came of it. */
async function callBy(before: readonly string[], words: readonly string[]): Promise<unknown> {
  const [program = "", ...args] = [...before, ...words];
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("callers that differ are served each as it is, one after another and at once", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using client = new ClientHull(resident);
    using bundle = makeBundle("sleep 600");
    await client.detach("run", "-d", "-b", bundle.folder, ID);
    const words = ["exec", ID, "sh", "-c", LOOK];
    const callers = [
      'exec "$@"',
      'exec 7</dev/null 9</dev/null; exec "$@"',
      'trap "" INT HUP; exec "$@"',
      'ulimit -n 900; exec "$@"',
      'ulimit -u 5000; exec "$@"',
      'exec "$@" 2>&1',
      'sleep 5 >/dev/null 2>&1 & exec "$@"',
    ].map((script) => ["sh", "-c", script, "sh"]);
    const ours = [resident.client, "--root", client.root, ...words];
    const theirs = cold(client.root, words);
    const expected = await Promise.all(callers.map((before) => callBy(before, theirs)));
    for (const round of [1, 2, 3]) {
      for (const [k, before] of callers.entries()) {
        assertEquals(await callBy(before, ours), expected[k], `round ${round}: ${before[2]}`);
      }
    }
    const many = [...callers, ...callers, ...callers, ...callers];
    const atOnce = await Promise.all(many.map((before) => callBy(before, ours)));
    assertEquals(atOnce, [...expected, ...expected, ...expected, ...expected]);
  });
});

Deno.test("of what is not done the same way again a resident keeps no file", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using client = new ClientHull(resident);
    const limit = { type: "RLIMIT_NPROC" as const, soft: 4096, hard: 4096 };
    using limited = makeBundle("sleep 600", (config) => config.process.rlimits = [limit]);
    using plain = makeBundle("sleep 600");
    await client.detach("run", "-d", "-b", limited.folder, `${ID}-1`);
    await client.detach("run", "-d", "-b", plain.folder, `${ID}-2`);
    const kept = () =>
      [...Deno.readDirSync(`/proc/${resident.pid}/fd`)].filter(({ name }) => {
        try {
          return Deno.readLinkSync(`/proc/${resident.pid}/fd/${name}`).includes("hull-exec");
        } catch {
          return false; // it has been closed
        }
      }).length;
    const passwd = `${plain.folder}/rootfs/etc/passwd`;
    for (let k = 0; k < 8; k++) {
      await client.must("exec", `${ID}-1`, "true");
      await client.must("exec", `${ID}-2`, "true");
      Deno.writeTextFileSync(passwd, `root:x:0:0:root:/home/${k >> 2}${k % 2}:/bin/sh\n`);
    }
    assert(kept() <= 1, `${kept()} are kept`);
  });
});
