import { assert, assertEquals } from "@std/assert";
import { Placeholder } from "../../../../../src/cgroups/systemd/placeholder.ts";
import { FROM_SOURCES } from "../../../../fixtures/cli.ts";
import { until } from "../../../../fixtures/until.ts";

function isThere(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

Deno.test("the process that holds a unit waits, and is gone when it is let go", () => {
  const holder = new Placeholder();
  assertEquals(Deno.readTextFileSync(`/proc/${holder.pid}/comm`).length > 0, true);
  assert(isThere(holder.pid));
  holder[Symbol.dispose]();
  assertEquals(isThere(holder.pid), false);
  holder[Symbol.dispose](); // once more does nothing
});

Deno.test("that the process that holds a unit was killed is known, and not of one that is let go", async () => {
  using holder = new Placeholder();
  assertEquals(holder.wasKilled, false);
  Deno.kill(holder.pid, "SIGKILL");
  await until(() => Promise.resolve(holder.wasKilled));
  using other = new Placeholder();
  other[Symbol.dispose]();
  assertEquals([holder.wasKilled, other.wasKilled], [true, false]);
});

Deno.test("the process that holds a unit ends with a program that is killed", async () => {
  const path = new URL("../../../../../src/cgroups/systemd/placeholder.ts", import.meta.url);
  const script = `import { Placeholder } from ${JSON.stringify(path.href)};
    console.log(new Placeholder().pid); setInterval(() => {}, 1000);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, script);
  const [program, ...words] = FROM_SOURCES;
  const child = new Deno.Command(program, {
    args: [...words, file],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const pid = Number((await reader.read()).value);
  assert(pid > 0 && isThere(pid));
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await until(() => Promise.resolve(!isThere(pid)));
  await Deno.remove(file);
});
