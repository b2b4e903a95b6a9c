import { assert, assertEquals } from "@std/assert";
import { firstFree, type Hold, type JoinOptions, planJoin } from "../../../src/join.ts";

const OPTIONS: JoinOptions = {
  target: undefined,
  cgroups: [],
  fds: [],
  preserveFds: 2,
  report: 9,
  before: [],
  become: [],
  execute: [],
};

const HOLD: Hold = { control: 7, before: [] };

/** The fds that a plan closes, as ranges. */
function closed(options: JoinOptions): (readonly unknown[])[] {
  return planJoin(options).filter(({ syscall }) => syscall === "close_range")
    .map(({ args }) => args.slice(0, 2));
}

Deno.test("all fds are closed but the program's own and those to hull", () => {
  const last = 0xffffffff;
  assertEquals(closed(OPTIONS), [[5, 8], [10, last]]);
  assertEquals(closed({ ...OPTIONS, report: 5 }), [[6, last]]);
  const once = [[5, 6], [8, 8], [10, last]];
  assertEquals(closed({ ...OPTIONS, hold: HOLD }), [...once, ...once]);
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
