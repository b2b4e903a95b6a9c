import { assertEquals } from "@std/assert";
import { Pipe, setNonBlocking } from "../../../../ffi/files/pipe.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { sendError } from "../../../../init/words/channel.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { InitStatus } from "../../../../src/process/init_status.ts";

Deno.test("a message that is there already is taken whole, however long it is", () => {
  using pipe = new Pipe();
  using poller = new Poller();
  setNonBlocking(pipe.reader);
  const status = new InitStatus(pipe.reader, poller);
  assertEquals(status.poll(), undefined);
  const error = new ContainerError("InitFailed", "x".repeat(20_000), { step: "mounts" });
  sendError(pipe.writer, error);
  const message = status.poll();
  assertEquals(message?.kind === "error" ? message.error.summary : message, error.summary);
  assertEquals(status.poll(), undefined);
});
