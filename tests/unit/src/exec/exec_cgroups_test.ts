import { assertEquals, assertThrows } from "@std/assert";
import type { CgroupManager } from "../../../../src/cgroups/manager.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { enterCgroups } from "../../../../src/exec/exec_cgroups.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

Deno.test("cgroups that have gone are told as the container's end, those asked for below as not there", () => {
  using scratch = scratchFolder();
  for (const isBirthplace of [false, true]) {
    const folder = `${scratch.path}/gone`;
    const manager = {
      entries: () => [{ controller: "pids", folder, isBirthplace }],
    } as unknown as CgroupManager;
    const codeWith = (below?: string) => {
      using stack = new DisposableStack();
      const enter = () => enterCgroups(manager, below, Deno.pid, stack);
      return assertThrows(enter, ContainerError).code;
    };
    assertEquals([codeWith(), codeWith("sub")], ["ContainerNotRunning", "ConfigInvalid"]);
  }
});
