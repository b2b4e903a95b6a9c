import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { finish, undone } from "../../../../src/failures/undo.ts";

const FIRST = new ContainerError("InitFailed", "cannot mount", { step: "mounts", hint: "do this" });

Deno.test("an undoing that succeeds leaves the error as it is", async () => {
  assert(await undone(FIRST, () => {}, () => Promise.resolve()) === FIRST);
});

Deno.test("an undoing that fails is told behind the first error, and every step is done", async () => {
  const done: string[] = [];
  const error = await undone(
    FIRST,
    () => {
      done.push("one");
      throw new Error("no cgroup");
    },
    () => Promise.reject(new Error("no fifo")),
    () => void done.push("three"),
  );
  assert(error instanceof ContainerError);
  assertEquals([error.code, error.step, error.summary], ["InitFailed", "mounts", "cannot mount"]);
  assertEquals(error.undoFailures, ["no cgroup", "no fifo"]);
  assertEquals(error.toJSON().undoFailures, error.undoFailures);
  assertStringIncludes(error.message, "cannot mount");
  assert(error.message.indexOf("cannot mount") < error.message.indexOf("no cgroup"));
  assert(error.cause === FIRST);
  assertEquals(done, ["one", "three"]);
});

Deno.test("the error of a caller's own is kept with what failed behind it", async () => {
  const own = new TypeError("the caller's");
  const error = await undone(own, () => {
    throw FIRST;
  });
  assert(error instanceof AggregateError);
  assert(error.errors[0] === own && error.errors[1] === FIRST);
  assertStringIncludes(error.message, "the caller's; to undo it failed, too: cannot mount");
});

Deno.test("the steps of an end are all done, and the first that failed is told first", async () => {
  const done: string[] = [];
  const fail = (error: Error) => () => {
    done.push(error.message);
    throw error;
  };
  const end = finish(fail(FIRST), () => void done.push("two"), fail(new Error("three")));
  const error = await assertRejects(() => end, ContainerError);
  assertEquals([error.code, error.undoFailures], ["InitFailed", ["three"]]);
  assertEquals(done, [FIRST.message, "two", "three"]);
});
