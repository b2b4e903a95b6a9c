import { assert, assertEquals, assertGreater } from "@std/assert";
import { CLOCK, clockOrigin, decodeTime } from "../../../../ffi/program/clock.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  cloneArguments,
} from "../../../../ffi/processes/namespaces.ts";
import { SyscallProgram } from "../../../../ffi/program/program.ts";
import { SharedMemory } from "../../../../ffi/program/shared_memory.ts";

const SIZE = 0x1_0000;

function now(): bigint {
  return clockOrigin(CLOCK.monotonic) + BigInt(Math.round(performance.now() * 1e6));
}

Deno.test("a child with a copy of this program's memory writes times that this program reads", () => {
  using memory = SharedMemory.create("hull-test", SIZE);
  const before = now();
  const program = new SyscallProgram([
    {
      label: "child",
      syscall: "clone3",
      args: [cloneArguments(CLONE_CLEAR_SIGHAND), CLONE_ARGS_SIZE],
      onPositive: { jump: "parent" },
    },
    { syscall: "clock_gettime", args: [CLOCK.monotonic, memory.address + 32n] },
    { syscall: "exit_group", args: [0] },
    { label: "parent", syscall: "wait4", args: [{ result: "child" }, 0, 0, 0] },
  ]);
  program.run();
  assertEquals(program.failure(), undefined);
  assertEquals(program.result("parent"), program.result("child"));
  const time = decodeTime(memory.read(), 32);
  const after = now();
  assert(before < time && time < after, `${before} < ${time} < ${after}`);
  assertEquals(decodeTime(memory.read(), 48), 0n);
});

Deno.test("the mapping and its file go with the scope", () => {
  const count = () => Deno.readTextFileSync("/proc/self/maps").split("hull-test-scope").length - 1;
  {
    using memory = SharedMemory.create("hull-test-scope", SIZE);
    assertEquals([count(), memory.file.isOpen], [1, true]);
  }
  assertEquals(count(), 0);
});

Deno.test("performance.now() and the monotonic clock run alike", async () => {
  const first = clockOrigin(CLOCK.monotonic);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const apart = Number(clockOrigin(CLOCK.monotonic) - first);
  assert(Math.abs(apart) < 200_000, `${apart} ns apart`);
  const uptime = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
  assert(Math.abs(Number(now()) / 1e9 - uptime) < 1, `up for ${uptime} s`);
  assertGreater(Number(clockOrigin(CLOCK.realtime)), 1.7e18);
});
