import { assertEquals } from "@std/assert";
import { HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { run } from "../fixtures/bundle.ts";

const GOES_ON = [
  ["a shell's own echo", "", "while :; do echo hi; done 2>/dev/null"],
  ["a further program each time", "", "while :; do /bin/echo hi; done"],
  ["one that writes now and then", "", "while echo hi || :; do sleep 0.2; done 2>/dev/null"],
  ["one with a terminal", "-t", "while :; do echo hi; done"],
] as const;

for (const [name, flags, script] of GOES_ON) {
  Deno.test(`run ends when nobody reads what its program goes on to write: ${name}`, async () => {
    await leavesNothing("hull-unread", async () => {
      await using hull = new Hull();
      assertEquals(headOf(hull, flags, script), "hi\ncode 141\n");
    });
  });
}

Deno.test("a program that writes no more is left to its work", async () => {
  await leavesNothing("hull-unread", async () => {
    await using hull = new Hull();
    const script = "echo hi; sleep 1; exit 3";
    assertEquals(headOf(hull, "", script), "hi\ncode 3\n");
  });
});

Deno.test("a program that ignores SIGPIPE or has a handler for it is left to its errors", async () => {
  await leavesNothing("hull-unread", async () => {
    await using hull = new Hull();
    const ignores =
      'trap "" PIPE; n=0; while [ $n -lt 20 ]; do echo hi; n=$((n+1)); sleep 0.05; done; exit 4';
    assertEquals(headOf(hull, "", `${ignores} 2>/dev/null`), "hi\ncode 4\n");
  });
});

Deno.test("a program that gives up after some writes without a reader has its own code", async () => {
  await leavesNothing("hull-unread", async () => {
    await using hull = new Hull();
    const script = "n=0; while [ $n -lt 300 ]; do echo hi || n=$((n+1)); done 2>/dev/null; exit 5";
    for (let i = 0; i < 10; i++) assertEquals(headOf(hull, "", script), "hi\ncode 5\n");
  });
});

/** The first line, and hull's exit code with nobody there to read a second. */
function headOf(hull: Hull, flags: string, script: string): string {
  const words = [...HULL, "--root", hull.root].join(" ");
  const line =
    `timeout -k 1 30 ${words} run --builtin ${flags} hull-unread -- sh -c '${script}' </dev/null`;
  return run("bash", "-c", `${line} | sed q; echo "code \${PIPESTATUS[0]}"`).replaceAll("\r", "");
}
