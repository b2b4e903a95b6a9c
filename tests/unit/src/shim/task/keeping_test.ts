import { assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../../ffi/c/errno.ts";
import { Keeping } from "../../../../../src/shim/task/keeping.ts";
import { until } from "../../../../fixtures/until.ts";

Deno.test("what has found no room is kept later, and its lack is told once", async () => {
  let [room, written] = [0, 0];
  const told: unknown[] = [];
  const write = () => {
    if (room-- <= 0) throw new SyscallError("write", 28);
    written++;
  };
  const keeping = new Keeping(write, (error) => told.push(error));
  assertThrows(() => keeping.now(), SyscallError, "ENOSPC");
  keeping.surely();
  keeping.surely();
  assertEquals([written, told.length], [0, 1]);
  room = 1;
  await until(() => written === 1);
  keeping.surely();
  assertEquals(told.length, 2);
  keeping.end();
  room = 9;
  keeping.now();
  assertEquals(written, 1);
});
