import { assertEquals } from "@std/assert";
import { readMemory } from "../../../../src/supervisor/memory_record.ts";

function record(raised: readonly [bigint, bigint], text: string): Uint8Array {
  const counters = new Uint8Array(new BigUint64Array(raised).buffer);
  return new Uint8Array([...counters, ...new TextEncoder().encode(text), 0, 0]);
}

Deno.test("a record tells of an OOM by the count, the text that only an OOM has kept, or two words", () => {
  const v1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n";
  const v2 = "low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n";
  const none = "low 0\nmax 7\noom 0\noom_kill 0\noom_group_kill 10\n";
  const cases: [Uint8Array, boolean][] = [
    [new Uint8Array(0), false],
    [new Uint8Array(12), false],
    [record([0n, 0n], ""), false],
    [record([0n, 0n], v2), true],
    [record([0n, 0n], none), false],
    [record([1n, 0n], v1), true],
    [record([1n, 0n], ""), false], // the cgroup's end
    [record([1n, 1n], ""), true],
    [record([2n, 0n], ""), true],
  ];
  for (const [bytes, isOom] of cases) assertEquals(readMemory(bytes), isOom);
});
