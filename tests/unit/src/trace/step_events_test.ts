import { assertEquals } from "@std/assert";
import type { StepName } from "../../../../init/operations/operation.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { joinSteps, stepEvents, type TimedStep } from "../../../../src/trace/step_events.ts";

function step(name: StepName, ts: number | undefined, isFiltered = false): TimedStep {
  const silent = isFiltered ? "no clock is read" : undefined;
  return { step: name, ts, silent, operations: [`${name}: getpid`], clones: 0, pid: 12 };
}

const failed = (name: StepName, syscall?: string) =>
  new ContainerError("InitFailed", "it failed", { step: name, syscall, errno: "EPERM" });

/** What matters of the spans: name, beginning, length, and what is told of them. */
function shown(steps: readonly TimedStep[], end: Parameters<typeof stepEvents>[2], from?: number) {
  return stepEvents(steps, from, end).map(({ name, ph, ts, dur, args }) => {
    const { operations: _, ...told } = args ?? {};
    return [ph, name, ts, ...(dur === undefined ? [] : [dur]), ...Object.keys(told)];
  });
}

Deno.test("a step lasts until the next begins, the last one until the end", () => {
  const steps = [step("clone", 10), step("mounts", 12), step("exec", 20)];
  assertEquals(shown(steps, { at: 23 }), [
    ["X", "clone", 10, 2],
    ["X", "mounts", 12, 8],
    ["X", "exec", 20, 3],
  ]);
  const [event] = stepEvents(steps, undefined, { at: 23 });
  assertEquals([event?.cat, event?.pid, event?.tid, event?.args], ["plan", 12, 12, {
    operations: ["clone: getpid"],
  }]);
});

Deno.test("what starts a re-executed init ends where init begins", () => {
  const steps = [step("reexec", 10), step("mounts", 30)];
  assertEquals(shown(steps, { at: 31 }, 15), [["X", "reexec", 10, 5], ["X", "mounts", 30, 1]]);
});

Deno.test("steps behind a filter share its time", () => {
  const steps = [step("ready", 1), step("seccomp", 5), step("exec", undefined, true)];
  assertEquals(shown(steps, { at: 8 }), [
    ["X", "ready", 1, 4],
    ["X", "seccomp", 5, 3],
    ["X", "exec", 5, 3, "note"],
  ]);
  // The end of another clone is no step of this one.
  const more = [...steps, step("join", undefined, true)];
  assertEquals(shown(more, { at: 8 }).map(([, name]) => name), ["ready", "seccomp", "exec"]);
});

Deno.test("a step that failed is marked, and those behind it are left out", () => {
  const steps = [step("mounts", 1), step("masks", undefined), step("exec", undefined, true)];
  assertEquals(shown(steps, { at: 4, error: failed("mounts", "fsopen") }), [
    ["X", "mounts", 1, 3, "error"],
    ["i", "failed: fsopen EPERM", 4],
  ]);
  const filtered = [step("seccomp", 1), step("exec", undefined, true)];
  assertEquals(shown(filtered, { at: 4, error: failed("seccomp") }), [
    ["X", "seccomp", 1, 3, "error"],
    ["i", "failed: InitFailed", 4],
  ]);
  assertEquals(shown(filtered, { at: 4, error: failed("exec", "execve") }), [
    ["X", "seccomp", 1, 3],
    ["X", "exec", 1, 3, "note", "error"],
    ["i", "failed: execve EPERM", 4],
  ]);
});

Deno.test("an error of the parent marks no step", () => {
  const steps = [step("clone", 1), step("ready", 2)];
  const shownSteps = [["X", "clone", 1, 1], ["X", "ready", 2, 2]];
  assertEquals(shown(steps, { at: 4, error: new Error("the disk is full") }), shownSteps);
  assertEquals(shown(steps, { at: 4, error: failed("clone") }), shownSteps);
});

Deno.test("a step that nobody waits for is open", () => {
  const steps = [step("exec", 1), step("ready", 2), step("seccomp", undefined)];
  assertEquals(shown([...steps, step("exec", undefined, true)], { at: 4, isOpen: true }), [
    ["X", "exec", 1, 1],
    ["X", "ready", 2, 2, "open"],
  ]);
  const notified = [step("seccomp", 2), step("ready", undefined, true)];
  assertEquals(shown([...notified, step("exec", undefined, true)], { at: 4, isOpen: true }), [
    ["X", "seccomp", 2, 2],
    ["X", "ready", 2, 2, "note", "open"],
  ]);
});

Deno.test("a step that goes on behind the child's own execve is one", () => {
  const joined = joinSteps([step("seal", 1), step("clone", 2)], [
    step("clone", 4),
    step("exec", 5),
  ]);
  assertEquals(joined.map(({ step, ts }) => [step, ts]), [["seal", 1], ["clone", 2], ["exec", 5]]);
  assertEquals(joined[1]?.operations, ["clone: getpid", "clone: getpid"]);
  assertEquals(joinSteps([step("reexec", 1)], [step("exec", 2)]).length, 2);
  assertEquals(joinSteps([step("reexec", 1)], []).length, 1);
});
