import { assertEquals, assertRejects } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { writableFd } from "../../../../ffi/waiting/stream.ts";

Deno.test("a stream whose reader is gone fails with EPIPE, and leaves no fd open", async () => {
  using poller = new Poller();
  using pipe = new Pipe();
  const writer = writableFd(pipe.writer, poller).getWriter();
  pipe.reader.close();
  const error = await assertRejects(() => writer.write(new Uint8Array(10)), SyscallError);
  assertEquals([error.code, pipe.writer.isOpen], ["EPIPE", false]);
  await assertRejects(() => writer.closed);
});
