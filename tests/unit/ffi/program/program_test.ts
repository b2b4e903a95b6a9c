import { assertEquals, assertThrows } from "@std/assert";
import { AT_FDCWD, Fd, writeAll } from "../../../../ffi/files/file.ts";
import { OPENAT2_TRIES, openHow, RESOLVE_IN_ROOT } from "../../../../ffi/files/path.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { SyscallProgram } from "../../../../ffi/program/program.ts";
import { OPERATION_SIZE } from "../../../../ffi/program/trampoline.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const MISSING = [AT_FDCWD, "/no/such/file", 0, 0] as const;

Deno.test("a call gets the result of an earlier one", () => {
  const program = new SyscallProgram([
    { label: "pipe", syscall: "pipe2", args: [{ space: 8, name: "fds" }, 0] },
    { label: "null", syscall: "openat", args: [AT_FDCWD, "/dev/null", 0, 0] },
    { label: "copy", syscall: "fcntl", args: [{ result: "null" }, 0, 0] },
    { syscall: "close", args: [{ result: "null" }] },
  ]);
  program.run();
  assertEquals(program.failure(), undefined);
  assertEquals(program.result("pipe"), 0);
  const fds = program.output("fds");
  const view = new DataView(fds.buffer, fds.byteOffset);
  const numbers = [view.getInt32(0, true), view.getInt32(4, true), program.result("copy")];
  for (const number of numbers) {
    using fd = new Fd(number);
    assertEquals(fd.isOpen, true);
  }
});

Deno.test("an error ends the program and is told by its position", () => {
  const program = new SyscallProgram([
    { syscall: "getpid", args: [] },
    { syscall: "openat", args: MISSING },
    { label: "never", syscall: "getpid", args: [] },
  ]);
  program.run();
  assertEquals(program.failure(), { index: 1, errno: 2 });
  assertEquals(program.result("never"), 0);
});

Deno.test("an error goes on, jumps, or counts as success where it is said so", () => {
  const program = new SyscallProgram([
    { syscall: "openat", args: MISSING, onError: "continue" },
    { syscall: "openat", args: MISSING, tolerated: "ENOENT" },
    { syscall: "openat", args: MISSING, onError: { jump: "there" } },
    { label: "skipped", syscall: "getpid", args: [] },
    { label: "there", syscall: "getpid", args: [], onPositive: { jump: "end" } },
    { label: "skipped too", syscall: "getpid", args: [] },
    { syscall: "jump", args: [], onError: { jump: "skipped too" }, label: "back" },
    { label: "end", syscall: "getppid", args: [] },
  ]);
  program.run();
  assertEquals(program.failure(), undefined);
  assertEquals(program.result("there"), Deno.pid);
  assertEquals(program.result("end"), Deno.ppid);
  assertEquals([program.result("skipped"), program.result("skipped too")], [0, 0]);
});

Deno.test("a failure goes on at the tail, which sees the program's memory", () => {
  const tail = [{
    label: "tail",
    syscall: "pipe2",
    args: [{ space: 8, name: "fds" }, 0],
  }, {
    label: "written",
    syscall: "write",
    args: [2, { self: "address" }, 0],
  }] as const;
  const program = new SyscallProgram([{ syscall: "openat", args: MISSING }], tail);
  program.run();
  assertEquals(program.failure(), { index: 0, errno: 2 });
  assertEquals([program.result("tail"), program.result("written")], [0, 0]);
  const view = new DataView(program.output("fds").buffer, program.output("fds").byteOffset);
  new Fd(view.getInt32(0, true)).close();
  new Fd(view.getInt32(4, true)).close();
});

Deno.test("with a tail nothing falls off a program's end, without one it returns", () => {
  const tail = [{ label: "tail", syscall: "getppid", args: [] }] as const;
  const operations = [{ syscall: "getpid", args: [] }, {
    syscall: "close",
    args: [-1],
    onError: "continue",
  }] as const;
  const program = new SyscallProgram(operations, tail);
  program.run();
  assertEquals([program.failure(), program.result("tail")], [undefined, Deno.ppid]);
  const open = new SyscallProgram(operations);
  open.run();
  assertEquals([open.failure(), open.result(0)], [undefined, Deno.pid]);
});

Deno.test("an argument may be an address that the kernel has put somewhere", () => {
  const kept = { space: 32, name: "kept" };
  const program = new SyscallProgram([
    { syscall: "rt_sigaction", args: [64, { words: ["/proc/self/comm", 0, 0, 0] }, 0, 8] },
    { syscall: "rt_sigaction", args: [64, new Uint8Array(32), kept, 8] },
    { label: "fd", syscall: "openat", args: [-100, { heldIn: kept, offset: 0 }, 0, 0] },
    { syscall: "close", args: [{ result: "fd" }] },
  ]);
  program.run();
  assertEquals(program.failure(), undefined);
});

Deno.test("vectors of strings are laid out for execve, and nested structs are", () => {
  const words = { words: ["one", "two", { words: [7, 8] }, 0] };
  const program = new SyscallProgram([{
    syscall: "write",
    args: [-1, words, 0],
    onError: "continue",
  }]);
  program.run();
  assertEquals(program.failure(), undefined);
  assertEquals(program.result(0), -9);
});

Deno.test("a program runs on another thread while this one goes on", async () => {
  using pipe = new Pipe();
  const program = new SyscallProgram([
    { label: "read", syscall: "read", args: [pipe.reader.number, new Uint8Array(1), 1] },
    { label: "pid", syscall: "getpid", args: [] },
  ]);
  const ended = program.runOffThread();
  // It waits for what comes only if the event loop goes round.
  await new Promise((resolve) => setTimeout(resolve, 5));
  writeAll(pipe.writer, new Uint8Array([1]));
  await ended;
  assertEquals([program.result("read"), program.result("pid")], [1, Deno.pid]);
});

Deno.test("labels that are unknown or given twice are refused", () => {
  const twice = { label: "a", syscall: "getpid", args: [] } as const;
  assertThrows(() => new SyscallProgram([twice, twice]), RangeError, "two operations");
  assertThrows(
    () => new SyscallProgram([{ syscall: "close", args: [{ result: "b" }] }]),
    RangeError,
    "no operation is labelled b",
  );
  // It would be laid out as going on: a wait that a signal interrupts would not be made again.
  const again = { label: "a", syscall: "getpid", args: [], onError: { jump: "a" } } as const;
  assertThrows(() => new SyscallProgram([again]), RangeError, "jumps to itself");
  assertEquals(OPERATION_SIZE, 80);
});

Deno.test("an argument without a value ends the process before the call", async () => {
  const module = new URL("../../../../ffi/program/program.ts", import.meta.url).href;
  const code = `import { SyscallProgram } from "${module}";
    new SyscallProgram([{ syscall: "exit_group", args: [{ fault: true }] }]).run();`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-lock", code] });
  assertEquals((await child.output()).signal, "SIGSEGV");
});

Deno.test("an openat2 that the kernel gives up is made again, up to a bound", () => {
  const [O_CREAT, RESOLVE_CACHED] = [0o100, 0x20]; // together they are always given up: EAGAIN
  const how = openHow(O_CREAT, 0o600, RESOLVE_CACHED);
  const program = new SyscallProgram([
    { syscall: "openat2", args: [AT_FDCWD, "/no/such/file", how, how.length] },
  ]);
  const tries = () => program.memory[73];
  assertEquals(tries(), OPENAT2_TRIES);
  program.run();
  assertEquals(program.failure(), { index: 0, errno: 11 });
  assertEquals(tries(), 0);
});

Deno.test("a way up is found while others rename", async () => {
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/a/b`, { recursive: true });
  const code = `
    onmessage = ({ data: ends }) => {
      Deno.mkdirSync("${scratch.path}/x");
      postMessage("begun");
      while (Atomics.load(ends, 0) === 0) {
        Deno.renameSync("${scratch.path}/x", "${scratch.path}/y");
        Deno.renameSync("${scratch.path}/y", "${scratch.path}/x");
      }
      postMessage("ended");
    };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
    type: "module",
  });
  const ends = new Int32Array(new SharedArrayBuffer(4));
  const said = () => new Promise((resolve) => worker.onmessage = resolve);
  const begun = said();
  worker.postMessage(ends);
  try {
    await begun;
    const how = openHow(0, 0, RESOLVE_IN_ROOT);
    const ways = Array.from({ length: 20_000 }, (_, k) => ({
      label: `way${k}`,
      syscall: "openat2",
      args: [{ result: "root" }, `${"a/b/../../".repeat(20)}a`, how, how.length],
    } as const));
    const program = new SyscallProgram([
      { label: "root", syscall: "openat", args: [AT_FDCWD, scratch.path, 0, 0] },
      ...ways.flatMap((way) => [
        way,
        { syscall: "close", args: [{ result: way.label }] } as const,
      ]),
      { syscall: "close", args: [{ result: "root" }] },
    ]);
    program.run();
    assertEquals(program.failure(), undefined);
  } finally {
    const ended = said();
    Atomics.store(ends, 0, 1);
    await ended;
    worker.terminate();
  }
});
