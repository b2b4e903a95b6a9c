/**
 * CVE-2016-9962: a process that is to become a container's is no prey of those that live in the
 * namespaces already.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Process } from "../../mod.ts";
import { leanBundle, Stage } from "../fixtures/attempt.ts";
import type { Bundle, Draft } from "../fixtures/bundle.ts";
import { makeDecoy } from "../fixtures/decoy.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** What a neighbour can reach of a process that is still hull's: Deno, bound at /deno, runs it. */
function prowl(decoy: string, rounds: number, pids = "/proc/[0-9]*"): string {
  return `i=0; while [ $i -lt ${rounds} ]; do for p in ${pids}; do ` +
    `if [ $p/exe -ef /deno ]; then echo "exe $p"; ` +
    `{ true 3<>$p/mem; } 2>/dev/null && echo "memory $p"; ` +
    `{ true 3>>$p/exe; } 2>/dev/null && echo "written $p"; fi; ` +
    `[ -e $p/root${decoy}/file ] && echo "root $p"; ` +
    `[ -e $p/cwd${decoy}/file ] && echo "cwd $p"; ` +
    `for f in $p/fd/* $p/task/*/fd/*; do { [ -f $f ] || [ -d $f ]; } && echo "file $f"; done; ` +
    `done; i=$((i+1)); done; echo prowled`;
}

function withDeno(config: Draft): void {
  const options = ["bind", "ro"];
  config.mounts.push({ destination: "/deno", type: "bind", source: Deno.execPath(), options });
}

function joinPid(config: Draft, pid: number): void {
  const found = config.linux.namespaces?.find(({ type }) => type === "pid");
  if (found !== undefined) found.path = `/proc/${pid}/ns/pid`;
}

/** A bundle whose /deno is the binary, with no privilege but those of the default. */
function prowler(decoy: string, rounds: number, pids?: string): Bundle {
  return leanBundle(prowl(decoy, rounds, pids), withDeno);
}

Deno.test("CVE-2016-9962: who joins a pid namespace is not seen there before it is the program", async () => {
  await leavesNothing("hull-sec-join", async () => {
    using decoy = makeDecoy();
    using stage = new Stage();
    using watching = prowler(decoy.path, 1_000_000_000, "/proc/[2-9] /proc/[1-9][0-9]*");
    await using first = await stage.factory.create("hull-sec-join-1", watching.config, {
      bundle: watching.folder,
    });
    const watcher = new Process({ stdin: "null", stdout: "piped", stderr: "null" });
    await first.run(watcher);
    const seen = new Response(watcher.stdout).text();
    for (let round = 0; round < 20; round++) {
      using bundle = leanBundle("true", (config) => joinPid(config, watcher.pid));
      await using joined = await stage.factory.create("hull-sec-join-2", bundle.config, {
        bundle: bundle.folder,
      });
      const process = new Process({ stdin: "null", stdout: "null", stderr: "null" });
      await joined.start(process);
      await new Promise((resolve) => setTimeout(resolve, 30)); // created: the watcher has its time
      await joined.release();
      assertEquals((await process.wait()).code, 0);
    }
    first.signal("KILL");
    await watcher.wait();
    assertEquals(await seen, "");
    decoy.check();
  });
});

Deno.test("CVE-2016-9962: a created container's init is out of reach for who joins it", async () => {
  await leavesNothing("hull-sec-created", async () => {
    using decoy = makeDecoy();
    using stage = new Stage();
    using waiting = leanBundle("true");
    await using first = await stage.factory.create("hull-sec-created-1", waiting.config, {
      bundle: waiting.folder,
    });
    const init = new Process({ stdin: "null", stdout: "null", stderr: "null" });
    await first.start(init);
    using bundle = prowler(decoy.path, 3, "/proc/1");
    joinPid(bundle.config as Draft, init.pid);
    const { text, error } = await stage.attempt("hull-sec-created-2", bundle);
    assertEquals(error, undefined);
    assertStringIncludes(text ?? "", "prowled");
    assertEquals(text, "prowled\n");
    await first.release();
    assertEquals((await init.wait()).code, 0);
    decoy.check();
  });
});
