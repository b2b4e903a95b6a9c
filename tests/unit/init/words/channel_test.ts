import { assert, assertEquals } from "@std/assert";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { readAll, writeAll } from "../../../../ffi/files/file.ts";
import { SyscallProgram } from "../../../../ffi/program/program.ts";
import {
  encodeConfig,
  type KnownOperations,
  receiveConfig,
  reportTail,
  sendError,
  StatusReader,
} from "../../../../init/words/channel.ts";
import type { PlannedOperation } from "../../../../init/operations/operation.ts";
import type { InitConfig } from "../../../../init/operations/init_config.ts";
import { ContainerError } from "../../../../src/errors.ts";

const OPERATIONS: readonly PlannedOperation[] = [
  { step: "mounts", reason: "begin", syscall: "getpid", args: [] },
  {
    step: "mounts",
    reason: "open it",
    path: "/inside",
    pointer: "/mounts/3",
    hint: "look there",
    syscall: "openat",
    args: [-100, "/no/such/file", 0, 0],
  },
];

/** What a failed program writes. */
function report(known?: KnownOperations): Uint8Array<ArrayBuffer> {
  using pipe = new Pipe();
  // The report's last calls would end this program.
  const tail = reportTail(pipe.writer.number, OPERATIONS, known)
    .filter(({ syscall }) => syscall === "write");
  const padding = { syscall: "getpid", args: [] } as const;
  new SyscallProgram(OPERATIONS, [...tail, padding, padding]).run();
  pipe.writer.close();
  return readAll(pipe.reader);
}

Deno.test("a config arrives whole, and a parent that is gone is noticed", () => {
  using pipe = new Pipe();
  const config = { id: "ä", rootfs: "/r" } as InitConfig;
  writeAll(pipe.writer, encodeConfig(config));
  assertEquals(receiveConfig(pipe.reader), config);
  writeAll(pipe.writer, encodeConfig(config).subarray(0, 9));
  pipe.writer.close();
  assertEquals(receiveConfig(pipe.reader), undefined);
});

Deno.test("a program's report names step, call, errno, path, field and hint, in whatever pieces it comes", () => {
  const bytes = report();
  for (const size of [1, 7, 80, bytes.length]) {
    const reader = new StatusReader();
    let found = 0;
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      const message = reader.next();
      if (message === undefined) continue;
      found++;
      assertEquals(message.kind, "error");
      const { step, syscall, errno, path, pointer, hint } = message.kind === "error"
        ? message.error
        : {} as ContainerError;
      assertEquals([step, syscall, errno], ["mounts", "openat", "ENOENT"]);
      assertEquals([path, pointer, hint], ["/inside", "/mounts/3", "look there"]);
    }
    assertEquals(found, 1, `pieces of ${size}`);
  }
});

Deno.test("a report leaves out what its reader has", () => {
  for (const count of [1, OPERATIONS.length]) {
    const reader = new StatusReader();
    reader.know([]); // another program's
    const bytes = report(reader.know(OPERATIONS, count));
    assert(bytes.length < report().length);
    reader.push(bytes);
    const message = reader.next();
    const error = message?.kind === "error" ? message.error : undefined;
    assertEquals([error?.step, error?.syscall, error?.path], ["mounts", "openat", "/inside"]);
    assertEquals(reader.next(), undefined);
  }
  const stranger = new StatusReader(); // it comes when the first ones are done
  stranger.push(report({ program: 1, count: 1 }));
  const message = stranger.next();
  assertEquals(message?.kind === "error" ? message.error.path : undefined, "/inside");
});

Deno.test("messages that come together are told apart", () => {
  using pipe = new Pipe();
  writeAll(pipe.writer, new TextEncoder().encode("ready\n"));
  sendError(pipe.writer, new ContainerError("InitFailed", "why", { step: "exec" }));
  pipe.writer.close();
  const reader = new StatusReader();
  reader.push(report());
  reader.push(new TextEncoder().encode('{"launched":{"first":5,"pid":6,"isUsher":false}}\n'));
  reader.push(readAll(pipe.reader));
  assertEquals(reader.next()?.kind, "error");
  assertEquals(reader.next(), { kind: "launched", first: 5, pid: 6, isUsher: false });
  assertEquals(reader.next(), { kind: "ready" });
  const last = reader.next();
  assertEquals(last?.kind === "error" ? [last.error.code, last.error.step] : last, [
    "InitFailed",
    "exec",
  ]);
  assertEquals(reader.next(), undefined);
});
