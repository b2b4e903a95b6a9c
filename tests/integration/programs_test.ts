import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { judge } from "../../examples/judge.ts";
import { Runner } from "../../examples/runner.ts";
import { open, sh } from "../../examples/workspace.ts";
import { Factory } from "../../mod.ts";
import { AbortedCalls } from "../fixtures/aborts.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Random } from "../fixtures/random.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { LIMITS, testWhere } from "../fixtures/test_where.ts";

const MIB = 2 ** 20;

/** Runs a test with a factory whose containers are gone at its end. */
async function withFactory(name: string, test: (factory: Factory) => Promise<void>): Promise<void> {
  await leavesNothing(name, async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await test(factory);
    assertEquals(factory.ids(), []);
  });
}

testWhere(LIMITS, "the judge tells what becomes of each case", async () => {
  await withFactory("run-", async (factory) => {
    const solution = `
      read -r what
      case $what in
        good) echo 42 ;;
        wrong) echo 41 ;;
        slow) while :; do :; done ;;
        hungry) tail /dev/zero ;;
        chatty) cat /dev/zero ;;
        curious) cat /etc/shadow ;;
        *) exit 3 ;;
      esac`;
    const whats = ["good", "wrong", "slow", "hungry", "chatty", "curious", "lost"];
    const cases = whats.map((input) => ({ input: `${input}\n`, expected: "42\n" }));
    const limits = { memoryBytes: 32 * MIB, pids: 16, cpus: 1 };
    const options = { factory, limits, deadlineMs: 3000 };
    const judged = await judge(["sh", "/solution"], { "/solution": solution }, cases, options);
    assertEquals(judged.map(({ verdict }) => verdict), [
      "accepted",
      "wrong answer",
      "time limit",
      "memory limit",
      "output limit",
      "runtime error (1)",
      "runtime error (3)",
    ]);
  });
});

testWhere(
  LIMITS,
  "a workspace keeps its files between commands, and for other programs",
  async () => {
    await withFactory("hull-workspace", async (factory) => {
      const name = "hull-workspace";
      await using _workspace = await open(factory, name, "/etc/ssl");
      await sh(factory, name, "echo kept > file");
      const other = new Factory({ ...DRIVER, root: factory.root });
      const { stdout } = await sh(
        other,
        name,
        "cat file; ls -d /src; touch /src/x || echo read-only",
      );
      assertEquals(stdout, "kept\n/src\nread-only\n");
      const signal = AbortSignal.timeout(200);
      const error = await sh(factory, name, "sleep 600", signal).catch((error) => error);
      assertStrictEquals(error, signal.reason);
      assertEquals((await sh(factory, name, "cat file; exit 3")).code, 3);
    });
  },
);

Deno.test("the runner's jobs are cancelled while they wait and while they run", async () => {
  await withFactory("run-", async (factory) => {
    await using runner = new Runner(2, { factory });
    const reason = new Error("not wanted");
    const long = runner.submit(["sleep", "600"]);
    const quick = runner.submit(["echo", "quick"]);
    const waiting = runner.submit(["sleep", "600"]);
    const left = runner.submit(["sleep", "600"]);
    left.output.catch(() => {}); // cancelled at the end
    waiting.cancel(reason);
    assertEquals((await quick.output).stdout, "quick\n");
    assertStrictEquals(await waiting.output.catch((error) => error), reason);
    long.cancel(reason);
    assertStrictEquals(await long.output.catch((error) => error), reason);
    const ended = assertRejects(() => left.output, Error, "the runner ends");
    await runner[Symbol.asyncDispose]();
    await ended;
  });
});

Deno.test("runs that are aborted at random moments leave nothing", async () => {
  const name = "hull-run-abort";
  await leavesNothing(name, async () => {
    await using calls = await AbortedCalls.begin(name, new Random(7));
    while (calls.tally.aborted < 25) await calls.run();
    for (let k = 0; k < 8; k++) await calls.output();
  });
});
