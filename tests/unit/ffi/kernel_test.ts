import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { errnoName, errnoNumber, errnoText, SyscallError } from "../../../ffi/c/errno.ts";
import {
  AT_FDCWD,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  open,
  openAt,
  readAll,
  writeAll,
} from "../../../ffi/files/file.ts";
import { duplicate } from "../../../ffi/files/descriptor.ts";
import { mkdirAt, readLinkAt, symlinkAt } from "../../../ffi/files/entries.ts";
import { tryLock } from "../../../ffi/files/file_lock.ts";
import { deviceNumber, statAt } from "../../../ffi/files/file_status.ts";
import { cString, fromCString } from "../../../ffi/c/memory.ts";
import {
  openAt2,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
} from "../../../ffi/files/path.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import { EPOLLIN, Poller } from "../../../ffi/waiting/poll.ts";
import { rlimitBytes } from "../../../ffi/processes/rlimit.ts";
import { signalName, signalNumber } from "../../../ffi/processes/signals.ts";
import { messageWithFd, receiveFd, socketPair } from "../../../ffi/sockets/socket.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { readableFd, writableFd } from "../../../ffi/waiting/stream.ts";
import { scratchFolder } from "../../fixtures/bundle.ts";

Deno.test("errno: number, name and text go together, and an unknown one has a name too", () => {
  assertEquals([errnoName(2), errnoNumber("ENOENT")], ["ENOENT", 2]);
  assertEquals(errnoText(2), "no such file or directory");
  assert(errnoName(4000).includes("4000"));
  const error = new SyscallError("openat", 13, "/etc/shadow");
  assertEquals([error.code, error.syscall, error.path], ["EACCES", "openat", "/etc/shadow"]);
});

Deno.test("errno of a failed call is read at once and carries the path", () => {
  for (let k = 0; k < 1000; k++) {
    const error = assertThrows(() => open(`/no/such/${k}`), SyscallError);
    assertEquals([error.code, error.path], ["ENOENT", `/no/such/${k}`]);
  }
});

Deno.test("signals by number and by name, with or without SIG", () => {
  for (const form of ["TERM", "SIGTERM", "term", 15]) assertEquals(signalNumber(form), 15);
  assertEquals([signalName(9), signalName(15)], ["SIGKILL", "SIGTERM"]);
  for (const form of [0, "0"]) assertEquals(signalNumber(form), 0);
  for (const form of ["", "NONE", 65, -1, 1.5]) assertEquals(signalNumber(form), undefined);
});

Deno.test("C strings end with a zero and can't hide one", () => {
  assertEquals(fromCString(cString("ä/b")), "ä/b");
  assertThrows(() => cString("a\0b"));
});

Deno.test("an fd closes once, and its number can't be used after that", () => {
  const fd = open("/dev/null");
  const copy = duplicate(fd, 100);
  assert(copy.number >= 100);
  fd.close();
  fd.close();
  assertEquals(fd.isOpen, false);
  assertThrows(() => fd.number, SyscallError);
  copy.close();
});

Deno.test("openat2 keeps links inside the root, or follows none", () => {
  using scratch = scratchFolder();
  using root = open(scratch.path, O_PATH | O_DIRECTORY);
  mkdirAt(root, "etc", 0o755);
  Deno.writeTextFileSync(`${scratch.path}/etc/passwd`, "inside");
  symlinkAt("/etc/passwd", root, "absolute");
  symlinkAt("../../../../etc/passwd", root, "upward");
  for (const name of ["absolute", "upward", "../../etc/passwd"]) {
    using file = openAt2(root, name, O_RDONLY, RESOLVE_IN_ROOT);
    assertEquals(new TextDecoder().decode(readAll(file)), "inside", name);
  }
  const refused: [string, number, string][] = [
    ["absolute", RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS, "ELOOP"],
    ["absolute", RESOLVE_BENEATH, "EXDEV"],
    ["..", RESOLVE_BENEATH, "EXDEV"],
  ];
  for (const [name, resolve, code] of refused) {
    const error = assertThrows(() => openAt2(root, name, O_RDONLY, resolve), SyscallError);
    assertEquals(error.code, code, name);
  }
  assertEquals(readLinkAt(root, "absolute"), "/etc/passwd");
});

Deno.test("a device's number is taken apart as the kernel does", () => {
  const { deviceMajor, deviceMinor } = statAt(AT_FDCWD, "/dev/null");
  assertEquals([deviceMajor, deviceMinor], [1, 3]);
  assertEquals(deviceNumber(1, 3), 0x103n);
  assertEquals(
    deviceNumber(0x1fff, 0x12345),
    (0x1000n << 32n) | (0x123n << 20n) | (0xfffn << 8n) | 0x45n,
  );
});

Deno.test("a lock is one holder's", () => {
  using scratch = scratchFolder();
  using first = open(scratch.path, O_DIRECTORY);
  using second = openAt(AT_FDCWD, scratch.path, O_DIRECTORY);
  assertEquals([tryLock(first), tryLock(second)], [true, false]);
});

Deno.test("limits: 64 bits, and what JSON rounds up to 2^64 is no limit", () => {
  const view = new DataView(rlimitBytes(1024, 2 ** 64).buffer);
  assertEquals([view.getBigUint64(0, true), view.getBigUint64(8, true)], [1024n, 2n ** 64n - 1n]);
});

Deno.test("an fd goes through a socket to who receives it", () => {
  using pair = socketPair();
  using pipe = new Pipe();
  const program = new SyscallProgram([{
    syscall: "sendmsg",
    args: [pair.theirs.number, messageWithFd(pipe.writer.number, "x"), 0],
  }]);
  program.run();
  assertEquals(program.failure(), undefined);
  using received = receiveFd(pair.ours);
  assert(received !== undefined);
  writeAll(received, new TextEncoder().encode("through"));
  received.close();
  pipe.writer.close();
  assertEquals(new TextDecoder().decode(readAll(pipe.reader)), "through");
  pair.theirs.close();
  assertEquals(receiveFd(pair.ours), undefined);
});

Deno.test("streams over fds hold back who writes too much, and end with the other side", async () => {
  using poller = new Poller();
  using pipe = new Pipe();
  const bytes = new Uint8Array(1 << 20).fill(7);
  const writer = writableFd(pipe.writer, poller).getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  const read = await new Response(readableFd(pipe.reader, poller)).bytes();
  await written;
  assertEquals(read.length, bytes.length);
  using broken = new Pipe();
  broken.reader.close();
  const lost = writableFd(broken.writer, poller).getWriter();
  lost.closed.catch(() => {}); // it fails with the write
  await assertRejects(() => lost.write(bytes), SyscallError, "EPIPE");
});

Deno.test("the poller: one waiter an fd, and a wait can be cancelled", async () => {
  using poller = new Poller();
  using pipe = new Pipe();
  const wait = poller.wait(pipe.reader);
  await assertRejects(() => poller.wait(pipe.reader), SyscallError, "EEXIST");
  poller.cancel(pipe.reader);
  assertEquals(await wait, 0);
});

Deno.test("the poller: who begins to wait while it is being interrupted is not forgotten", async () => {
  using poller = new Poller();
  using pipe = new Pipe();
  using other = new Pipe();
  const first = poller.wait(pipe.reader);
  poller.cancel(pipe.reader);
  const second = poller.wait(other.reader);
  assertEquals(await first, 0);
  writeAll(other.writer, new Uint8Array([1]));
  assertEquals(await second & EPOLLIN, EPOLLIN);
});
