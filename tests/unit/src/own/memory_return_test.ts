import { assert, assertEquals } from "@std/assert";
import { MemoryReturn } from "../../../../src/own/memory_return.ts";
import { until } from "../../../fixtures/until.ts";

const REST_MS = 20;

function work(memory: MemoryReturn, count: number): void {
  for (let k = 0; k < count; k++) memory.note();
}

Deno.test("memory is given back once after much work, and never while there is some", async () => {
  let given = 0;
  using memory = new MemoryReturn(() => given++, REST_MS);
  work(memory, 60);
  await new Promise((resolve) => setTimeout(resolve, 5 * REST_MS));
  assertEquals(given, 0, "too little was done");
  work(memory, 60);
  await until(() => given === 1, 5);
  await new Promise((resolve) => setTimeout(resolve, 5 * REST_MS));
  assertEquals(given, 1);
  const busy = setInterval(() => work(memory, 50), REST_MS / 8);
  await new Promise((resolve) => setTimeout(resolve, 10 * REST_MS));
  clearInterval(busy);
  assert(given <= 2, "a timer that is late may find nothing done");
  await until(() => given >= 2, 5);
});

Deno.test("what was freed is the system's again", async () => {
  const module = new URL("../../../../src/own/memory_return.ts", import.meta.url).href;
  // Buffers so small that none is mapped by itself: the C library keeps them when they are freed.
  const program = `
    import { giveMemoryBack } from "${module}";
    const rss = () => Deno.memoryUsage().rss;
    const before = rss();
    let buffers = Array.from({ length: 2000 }, () => new Uint8Array(60_000).fill(1));
    const full = rss();
    const pinned = buffers[1990];
    buffers = undefined;
    giveMemoryBack();
    console.log(JSON.stringify({ took: full - before, gave: full - rss(), kept: pinned.length }));
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--v8-flags=--expose-gc,--single-threaded-gc", program],
    stderr: "inherit",
  }).output();
  const { took, gave } = JSON.parse(new TextDecoder().decode(stdout));
  assert(took > 100e6 && gave > 0.8 * took, `${gave} of ${took} bytes`);
});
