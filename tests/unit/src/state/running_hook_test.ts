import { assertThrows } from "@std/assert";
import { open } from "../../../../ffi/files/file.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { refuseInHook, tellHook } from "../../../../src/state/running_hook.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("who descends from the hook that runs is refused, and nobody else", () => {
  using scratch = scratchFolder();
  using folder = open(scratch.path);
  refuseInHook(folder, "web"); // no hook runs
  for (const pid of [Deno.pid, Deno.ppid]) {
    using _told = tellHook(scratch.path, pid);
    assertThrows(() => refuseInHook(folder, "web"), ContainerError, "EDEADLK");
  }
  refuseInHook(folder, "web");
  const other = new Deno.Command("sleep", { args: ["100"] }).spawn();
  try {
    using _told = tellHook(scratch.path, other.pid);
    refuseInHook(folder, "web");
  } finally {
    other.kill("SIGKILL");
  }
  Deno.writeTextFileSync(`${scratch.path}/hook`, `${Deno.pid} 1 an-earlier-boot`);
  refuseInHook(folder, "web");
});
