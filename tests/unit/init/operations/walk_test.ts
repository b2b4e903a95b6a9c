import { assert, assertEquals, assertThrows } from "@std/assert";
import { AT_FDCWD, O_PATH, O_WRONLY } from "../../../../ffi/files/file.ts";
import { openHow, RESOLVE_IN_ROOT } from "../../../../ffi/files/path.ts";
import { SyscallProgram } from "../../../../ffi/program/program.ts";
import { formatPlan, listPlan } from "../../../../init/listing/listing.ts";
import {
  type PlannedOperation,
  result,
  StepBuilder,
} from "../../../../init/operations/operation.ts";
import { requireNode, requireProcfs } from "../../../../init/steps/places/verify.ts";
import { withoutOpenat2 } from "../../../../init/operations/walk.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const root = result("root");

function openat2(path: string, flags: number, components?: readonly string[]): PlannedOperation[] {
  const step = new StepBuilder("mounts");
  const how = openHow(flags, 0, RESOLVE_IN_ROOT);
  step.because("open it").call("openat2", [root, path, how, 24], { label: "place", components });
  return step.items as PlannedOperation[];
}

function walk(path: string, flags: number, components?: readonly string[]): string[] {
  const items = withoutOpenat2(openat2(path, flags, components));
  return formatPlan(listPlan(items)).split("\n").map((line) => line.trim())
    .filter((line) => /^\w+\(/.test(line));
}

Deno.test("a walk enters one folder after another and follows no link", () => {
  assertEquals(walk("/a/b/c", O_WRONLY), [
    'openat(<root>, "a", O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC|O_PATH, 0) = <place.walk0>',
    'openat(<place.walk0>, "b", O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC|O_PATH, 0) = <place.walk1>',
    'openat(<place.walk1>, "c", O_WRONLY|O_NOFOLLOW|O_CLOEXEC, 0) = <place>',
    "close(<place.walk0>)  # on error: go on",
    "close(<place.walk1>)  # on error: go on",
  ]);
});

Deno.test("a walk goes the way that the links lead, and never up", () => {
  assert(walk("/link", O_WRONLY, ["real", "file"])[1]?.includes('"file"'));
  assertThrows(() => walk("/a/../b", O_WRONLY), RangeError);
  // From init's own place its root is the bound.
  const step = new StepBuilder("exec");
  const how = openHow(O_PATH, 0, 0);
  step.because("open it").call("openat2", [AT_FDCWD, "../b", how, 24], { label: "place" });
  assert(formatPlan(listPlan(withoutOpenat2(step.items))).includes('openat(AT_FDCWD, ".."'));
});

/** Runs a plan below a folder; undefined if nothing failed. */
function failureOf(folder: string, items: readonly PlannedOperation[]): string | undefined {
  const open: PlannedOperation = {
    step: "mounts",
    reason: "",
    syscall: "openat",
    args: [AT_FDCWD, folder, O_PATH, 0],
    label: "root",
  };
  const operations = [open, ...items];
  const program = new SyscallProgram(operations);
  program.run();
  const failure = program.failure();
  return failure === undefined ? undefined : operations[failure.index]?.syscall;
}

Deno.test("run, a walk opens a file and refuses a link in the middle and at the end", () => {
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/folder`);
  Deno.writeTextFileSync(`${scratch.path}/folder/file`, "");
  Deno.symlinkSync("folder", `${scratch.path}/link`);
  Deno.symlinkSync("file", `${scratch.path}/folder/end`);
  const run = (path: string) =>
    failureOf(scratch.path, withoutOpenat2(openat2(path, O_PATH)) as PlannedOperation[]);
  assertEquals(run("/folder/file"), undefined);
  assertEquals(run("/"), undefined);
  for (const path of ["/link/file", "/folder/end", "/folder/none"]) {
    assertEquals(run(path), "openat", path);
  }
});

Deno.test("a comparison goes on only where the file is what it must be", () => {
  const check = (path: string, major: number, minor: number, mode = 0o20666) => {
    const step = new StepBuilder("devices");
    step.call("openat", [AT_FDCWD, path, O_PATH, 0], { label: "device" });
    requireNode(step, "device", { mode, major, minor });
    return failureOf("/", step.items as PlannedOperation[]);
  };
  const { mode } = Deno.statSync("/dev/null");
  assertEquals(check("/dev/null", 1, 3, mode as number), undefined);
  assertEquals(check("/dev/null", 1, 5, mode as number), "futex");
  assertEquals(check("/dev/null", 5, 3, mode as number), "futex");
  assertEquals(check("/dev/null", 1, 3, 0o100666), "futex");
  assertEquals(check("/etc/passwd", 1, 3), "futex");
  for (
    const [path, expected] of [["/proc/version", undefined], ["/etc/passwd", "futex"]] as const
  ) {
    const step = new StepBuilder("namespaces");
    step.call("openat", [AT_FDCWD, path, O_PATH, 0], { label: "file" });
    requireProcfs(step, "file");
    assertEquals(failureOf("/", step.items as PlannedOperation[]), expected);
  }
});
