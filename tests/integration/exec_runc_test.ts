/** `exec` beside `runc exec`: where it works and where it does not, with the same exit codes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withUserNamespace } from "../fixtures/attempt.ts";
import { type Bundle, type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { type Ended, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { missingRunc, Runc } from "../fixtures/runc.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

/** A container of each runtime, of the same bundle. */
class Pair implements AsyncDisposable {
  readonly #hull = new Hull();
  readonly #runc = new Runc();
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }

  async detach(verb: "run" | "create", { folder }: Bundle): Promise<void> {
    const flags = verb === "run" ? ["-d"] : [];
    await this.#hull.detach(verb, ...flags, "-b", folder, this.#id);
    await this.#runc.detach(verb, ...flags, "-b", folder, `${this.#id}-runc`);
  }

  /** The same call of both; `@` stands for the id. */
  async both(...words: string[]): Promise<{ readonly ours: Ended; readonly theirs: Ended }> {
    const of = (id: string) => words.map((word) => word === "@" ? id : word);
    const theirs = await this.#runc.call(of(`${this.#id}-runc`));
    return { ours: await this.#hull.call(of(this.#id)), theirs };
  }

  /** What both must end and print alike. */
  async same(...words: string[]): Promise<Ended> {
    const { ours, theirs } = await this.both(...words);
    assertEquals(
      [ours.code, ours.stdout],
      [theirs.code, theirs.stdout],
      `${words.join(" ")}: ${ours.stderr}${theirs.stderr}`,
    );
    assertEquals(ours.stderr === "", theirs.stderr === "", ours.stderr + theirs.stderr);
    return ours;
  }

  async untilStopped(): Promise<void> {
    await until(async () => {
      const { ours, theirs } = await this.both("state", "@");
      return [ours, theirs].every(({ stdout }) => JSON.parse(stdout).status === "stopped");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hull[Symbol.asyncDispose]();
    await this.#runc[Symbol.asyncDispose]();
  }
}

function withSeccomp(config: Draft): void {
  config.linux.seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
  };
}

function onHostPids(config: Draft): void {
  const { namespaces = [] } = config.linux;
  config.linux.namespaces = namespaces.filter(({ type }) => type !== "pid");
}

const KINDS: Readonly<Record<string, (config: Draft) => void>> = {
  "a user namespace": withUserNamespace,
  "the host's pid namespace": onHostPids,
  "a filter": withSeccomp,
};

const LOOK = "id; grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; cat /proc/self/uid_map; " +
  "mkdir /tmp/x && rmdir /tmp/x; echo $?; ls /proc/self/fd | wc -l; " +
  "for n in ipc mnt net pid user uts; do " +
  "[ /proc/self/ns/$n -ef /proc/1/ns/$n ] && echo same $n; done; exit 9";

for (const [what, change] of Object.entries(KINDS)) {
  testWhere(missingRunc(), `exec into a container with ${what}, as runc`, async () => {
    const id = `hull-xr-${change.name.toLowerCase()}`;
    await leavesNothing(id, async () => {
      await using pair = new Pair(id);
      using bundle = makeBundle("sleep 1000", change);
      if (change === withUserNamespace) {
        Deno.chmodSync(bundle.folder, 0o755);
        run("chown", "-R", "-h", "100000:100000", `${bundle.folder}/rootfs`);
      }
      await pair.detach("run", bundle);
      const { code } = await pair.same("exec", "@", "sh", "-c", LOOK);
      assertEquals(code, 9);
      await pair.same("exec", "-u", "1000:1000", "@", "sh", "-c", LOOK);
    });
  });
}

testWhere(missingRunc(), "exec of what can't be run ends as runc's", async () => {
  const id = "hull-xr-codes";
  await leavesNothing(id, async () => {
    await using pair = new Pair(id);
    using bundle = makeBundle("sleep 1000");
    Deno.writeTextFileSync(`${bundle.folder}/rootfs/data/text`, "text\n");
    Deno.writeTextFileSync(`${bundle.folder}/rootfs/data/strange`, "text\n");
    Deno.chmodSync(`${bundle.folder}/rootfs/data/strange`, 0o755);
    await pair.detach("run", bundle);
    for (
      const words of [
        ["none-such"],
        ["/none-such"],
        ["/data/text"],
        ["/data"],
        ["data"],
        [""],
      ]
    ) {
      const { code } = await pair.same("exec", "@", ...words);
      assertEquals(code, 255, words.join());
    }
    for (
      const flags of [
        ["--cwd", "/none-such"],
        ["--cwd", "/data/text"],
        ["-u", "none-such"],
        ["--cgroup", "/none-such"],
        ["--cgroup", "../.."],
      ]
    ) {
      const { code } = await pair.same("exec", ...flags, "@", "true");
      assertEquals(code, 255, flags.join(" "));
    }
    // runc has left by then for the program's place, and exits with 1: no program's code is 255.
    const { ours, theirs } = await pair.both("exec", "@", "/data/strange");
    assertEquals([ours.code, theirs.code], [255, 1]);
    assertMatch(ours.stderr, /ENOEXEC/);
    await pair.same("exec", "--cgroup", "/", "@", "sh", "-c", "exit 3");
  });
});

testWhere(missingRunc(), "exec into what does not run ends as runc's", async () => {
  const id = "hull-xr-states";
  await leavesNothing(id, async () => {
    await using pair = new Pair(id);
    using bundle = makeBundle("sleep 1000");
    const { ours, theirs } = await pair.both("exec", "hull-xr-none", "true");
    assertEquals([ours.code, ours.stdout], [theirs.code, ""]);
    assertMatch(ours.stderr, /does not exist/);
    await pair.detach("create", bundle);
    await pair.same("exec", "@", "sh", "-c", "exit 4"); // a created container can be joined
    await pair.same("start", "@");
    await pair.same("pause", "@");
    const paused = await pair.same("exec", "@", "true");
    assertMatch(paused.stderr, /paused/);
    await pair.same("resume", "@");
    await pair.same("exec", "--ignore-paused", "@", "sh", "-c", "exit 5");
    await pair.same("kill", "@", "KILL");
    await pair.untilStopped();
    const dead = await pair.same("exec", "@", "true");
    assertEquals(dead.code, 255);
    assertMatch(dead.stderr, /stopped/);
    assert(!dead.stderr.includes("\n    at "), dead.stderr);
  });
});
