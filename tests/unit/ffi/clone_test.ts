import { assertEquals } from "@std/assert";
import { Fd } from "../../../ffi/files/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../../ffi/processes/namespaces.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { reap, signalPidfd } from "../../../ffi/processes/process.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { countFds } from "../../fixtures/open_fds.ts";

/** A child that makes these calls; gives its pidfd. */
function clone(memory: number, operations: readonly Operation[]): Fd {
  const flags = BigInt(memory | CLONE_PIDFD) | CLONE_CLEAR_SIGHAND;
  const program = new SyscallProgram([{
    syscall: "clone3",
    args: [cloneArguments(flags, { pidfd: "pidfd" }), CLONE_ARGS_SIZE],
    onPositive: "return",
  }, ...operations]);
  program.run();
  assertEquals(program.failure(), undefined);
  const bytes = program.output("pidfd");
  return new Fd(new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true));
}

const exit = (code: number): Operation => ({ syscall: "exit_group", args: [code] });
const second = new Uint8Array(new BigInt64Array([60n, 0n]).buffer);
const sleep: Operation = { syscall: "nanosleep", args: [second, 0] };

Deno.test("3,000 children one after another leave no fd and no process", async () => {
  using poller = new Poller();
  const before = countFds();
  for (let k = 0; k < 3000; k++) {
    using pidfd = clone(CLONE_VM | CLONE_VFORK, [exit(k % 256)]);
    await poller.wait(pidfd); // its memory is given back a moment before its end
    assertEquals(reap(pidfd), { code: k % 256, signal: undefined });
  }
  await new Promise((resolve) => setTimeout(resolve, 10)); // the loop has closed its own
  assertEquals(countFds(), before);
  assertEquals(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/children`), "");
});

Deno.test("one loop waits on 200 children with memory of their own at once", async () => {
  using poller = new Poller();
  const children = Array.from({ length: 200 }, () => clone(0, [sleep, exit(1)]));
  const ends = children.map(async (pidfd) => {
    await poller.wait(pidfd);
    using _closed = pidfd;
    return reap(pidfd);
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  for (const pidfd of children) assertEquals(reap(pidfd), undefined);
  for (const pidfd of children) assertEquals(signalPidfd(pidfd, 15), true);
  assertEquals(await Promise.all(ends), children.map(() => ({ code: 143, signal: 15 })));
});

Deno.test("a pidfd of a child that was reaped takes no signal", async () => {
  using poller = new Poller();
  using pidfd = clone(CLONE_VM | CLONE_VFORK, [exit(0)]);
  await poller.wait(pidfd);
  reap(pidfd);
  assertEquals(signalPidfd(pidfd, 9), false);
});
