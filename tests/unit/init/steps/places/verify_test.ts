import { assertEquals } from "@std/assert";
import { AT_FDCWD } from "../../../../../ffi/files/file.ts";
import { SyscallProgram } from "../../../../../ffi/program/program.ts";
import { type PlannedOperation, StepBuilder } from "../../../../../init/operations/operation.ts";
import { requireNode, skipUnless } from "../../../../../init/steps/places/verify.ts";

Deno.test("a comparison that holds is answered at once: it never waits for a timer", () => {
  const step = new StepBuilder("masks");
  step.call("openat", [AT_FDCWD, "/dev/null", 0, 0], { label: "null" });
  requireNode(step, "null", { mode: mode("/dev/null"), major: 1, minor: 3 });
  step.close("null").call("openat", [AT_FDCWD, "/no/such", 0, 0], {
    label: "missing",
    onError: "continue",
  });
  skipUnless(step, "missing", 2, { label: "compared", next: "end" });
  step.call("getpid", [], { label: "end" });
  const operations = step.items as PlannedOperation[];
  const program = new SyscallProgram(operations);
  program.run();
  assertEquals(program.failure(), undefined);
  const compared = operations.flatMap(({ syscall }, k) =>
    syscall === "futex" ? [program.result(k)] : []
  );
  assertEquals(compared, [0, 0, 0, 0]);
});

function mode(path: string): number {
  return Deno.statSync(path).mode as number;
}
