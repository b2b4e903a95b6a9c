import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PAGE_SIZE } from "../../../../ffi/c/memory_numbers.ts";
import { NAMESPACE_FLAGS } from "../../../../ffi/processes/namespaces.ts";
import { type PlannedOperation, StepBuilder } from "../../../../init/operations/operation.ts";
import { becomeProgram } from "../../../../init/steps/process/execute.ts";
import { MARKS_SIZE, OWN_ADDRESS } from "../../../../init/operations/step_marks.ts";
import { planJoin, USHER_BORN, USHER_END } from "../../../../src/exec/join.ts";
import { BORN_ADDRESS } from "../../../../src/exec/usher.ts";
import { markUsher } from "../../../../src/exec/usher_trace.ts";

const PLACE = { address: OWN_ADDRESS, first: 32, clock: 1 };

/** The program of an usher. */
function plan(flags: number): PlannedOperation[] {
  const last = new StepBuilder("user").because("become who it shall be").call("getpid", []);
  return planJoin({
    target: { pidfd: 3, flags, root: undefined },
    cgroups: [{ controller: "pids", fd: 6, isBirthplace: false }],
    fds: [{ fd: 10, as: 3 }],
    preserveFds: 0,
    report: 9,
    before: [],
    become: last.items,
    execute: [becomeProgram("exec", "/x", ["x"], [], { reason: "run the program" })],
  }, { fd: 11, address: BORN_ADDRESS });
}

const isMark = ({ syscall }: PlannedOperation) => syscall === "clock_gettime";

Deno.test("what is born in the container has no mark, and the usher's end has one", () => {
  const planned = plan(NAMESPACE_FLAGS.pid | NAMESPACE_FLAGS.network);
  const { items, steps } = markUsher(planned, PLACE);
  const at = (label: string) => items.findIndex((item) => item.label === label);
  assertEquals(items.slice(at(USHER_BORN)).filter(isMark), []);
  const end = items.slice(at(USHER_END), at(USHER_END) + 2).map(({ syscall }) => syscall);
  assertEquals(end, ["clock_gettime", "exit_group"]);
  // Else the plan is the same.
  const calls = (of: readonly PlannedOperation[]) => of.map(({ syscall }) => syscall);
  assertEquals(calls(items.filter((item) => !isMark(item))), calls(planned));
  const born = steps.filter(({ clones }) => clones === 1);
  const usher = steps.filter(({ clones }) => clones === 0);
  assertEquals(usher.map(({ mark }) => mark), usher.map((_, k) => 32 + 16 * k));
  const [first, ...rest] = born;
  assertEquals([first?.step, first?.mark], ["join", 32 + 16 * usher.length]);
  assertEquals(items[at(USHER_END)]?.args, [1, OWN_ADDRESS + BigInt(first?.mark ?? 0)]);
  assertEquals(rest.map(({ step, mark }) => [step, mark]), [["exec", undefined]]);
  assertStringIncludes(rest[0]?.silent ?? "", "born");
});

Deno.test("an usher that becomes the process is marked to its end", () => {
  const { items, steps } = markUsher(plan(NAMESPACE_FLAGS.network), PLACE);
  assertEquals(items.filter(isMark).length, steps.length);
  assert(steps.every(({ mark, silent }) => mark !== undefined && silent === undefined));
});

Deno.test("the memory of a trace lies beside the page of an usher", () => {
  const [page, memory] = [BORN_ADDRESS, OWN_ADDRESS];
  assert(page + BigInt(PAGE_SIZE) <= memory || memory + BigInt(MARKS_SIZE) <= page);
});
