import { assert, assertEquals } from "@std/assert";
import { NAMESPACE_FLAGS } from "../../../../ffi/processes/namespaces.ts";
import { StepBuilder } from "../../../../init/operations/operation.ts";
import { becomeProgram } from "../../../../init/steps/process/execute.ts";
import { firstFree, type Hold, type JoinOptions, planJoin } from "../../../../src/exec/join.ts";

const OPTIONS: JoinOptions = {
  target: undefined,
  cgroups: [],
  fds: [],
  preserveFds: 2,
  report: 9,
  before: [],
  become: [],
  execute: [becomeProgram("exec", "/x", ["x"], [], { reason: "run the program" })],
};

const HOLD: Hold = { control: 7, before: [] };

/** The fds that a plan closes, as ranges. */
function closed(options: JoinOptions): (readonly unknown[])[] {
  return planJoin(options).filter(({ syscall }) => syscall === "close_range")
    .map(({ args }) => args.slice(0, 2));
}

Deno.test("all fds are closed but the program's own and those to hull", () => {
  const last = 0xffffffff;
  const twice = (once: number[][]) => [...once, ...once]; // before it becomes who it is, and after
  assertEquals(closed(OPTIONS), twice([[5, 8], [10, last]]));
  assertEquals(closed({ ...OPTIONS, report: 5 }), twice([[6, last]]));
  const once = [[5, 6], [8, 8], [10, last]];
  assertEquals(closed({ ...OPTIONS, hold: HOLD }), [...once, ...twice(once)]);
});

Deno.test("a process waits after it became who it is, and right before it executes", () => {
  const names = (hold: Hold | undefined) =>
    planJoin({ ...OPTIONS, hold }).map(({ syscall }) => syscall);
  assert(!names(undefined).includes("read"));
  assertEquals(names(HOLD).filter((name) => /^(read|write|exit_group)$/.test(name)), [
    "write",
    "read",
    "exit_group",
    "read",
  ]);
});

Deno.test("the first fd that a waiting process opens has a number that is known", () => {
  assertEquals(firstFree({ ...OPTIONS, hold: HOLD }), 5);
  assertEquals(firstFree({ ...OPTIONS, report: 6, hold: { ...HOLD, control: 5 } }), 7);
  assertEquals(firstFree({ ...OPTIONS, report: 5, hold: { ...HOLD, control: 7 } }), 6);
});

Deno.test("what is born in a pid namespace has joined all, closed all and become who it is", () => {
  const become = new StepBuilder("user").call("setresuid", [1, 1, 1]).items;
  const target = { pidfd: 4, flags: NAMESPACE_FLAGS.pid | NAMESPACE_FLAGS.mount, root: undefined };
  const plan = planJoin({ ...OPTIONS, target, become }, { fd: 8, address: 0x3000_0000n });
  const names = plan.map(({ syscall }) => syscall);
  const birth = names.indexOf("clone3");
  assertEquals(names.slice(birth + 1).filter((name) => name !== "jump"), [
    ...["exit_group", "getpid", "prctl", "setsid", "execve"],
  ]);
  for (const name of ["setns", "close_range", "setresuid", "madvise"] as const) {
    assert(names.slice(0, birth).includes(name), name);
  }
  assertEquals(names.slice(0, birth).findLast((name) => name !== "prctl"), "fcntl");
});
